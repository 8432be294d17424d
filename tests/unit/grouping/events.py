"""Events for the tests of grouping, as decoded values."""

from typing import Any

import msgspec

from vedette.wire.event import Event

Json = dict[str, Any]


def an_event(**members: Any) -> Event:
    return msgspec.json.decode(msgspec.json.encode({"platform": "python", **members}), type=Event)


def a_frame(function: str = "total", module: str | None = "shop.cart", **more: Any) -> Json:
    names = {"module": module} if module else {}
    return {"function": function, "in_app": True, **names, **more}


def an_exception(kind: str = "ValueError", value: str = "bad", frames: list[Json] | None = None, **more: Any) -> Json:
    stack = {"stacktrace": {"frames": frames}} if frames is not None else {}
    return {"type": kind, "value": value, **stack, **more}


def exceptions(*values: Json) -> Json:
    return {"values": list(values)}
