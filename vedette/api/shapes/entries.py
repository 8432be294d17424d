"""The entries of an event: its interfaces in the words of the API.

Source: the API specification, section 13, "Event (details)"; the ingest specification, section 7. What is stored may
be of any shape: a part of the wrong type is left out, and nothing raises.
"""

from collections.abc import Callable
from typing import Any

from vedette.core.clock import as_z, from_unix

Entries = list[tuple[str, dict[str, Any]]]

_FRAME = {
    "filename": "filename",
    "absPath": "abs_path",
    "module": "module",
    "package": "package",
    "platform": "platform",
    "function": "function",
    "rawFunction": "raw_function",
    "symbol": "symbol",
    "lineNo": "lineno",
    "colNo": "colno",
    "instructionAddr": "instruction_addr",
    "symbolAddr": "symbol_addr",
    "trust": "trust",
    "errors": "errors",
    "lock": "lock",
    "sourceLink": "source_link",
}


def entries_of(payload: dict[str, Any]) -> tuple[Entries, list[str]]:
    """The entries of a payload, and for each the payload's own name for it."""
    entries: Entries = []
    names: list[str] = []
    for name, kind, build in _BUILDERS:
        data = build(payload[name]) if payload.get(name) else None
        if data is not None:
            entries.append((kind, data))
            names.append(name)
    return entries, names


def _exception(value: Any) -> dict[str, Any] | None:
    values = [_one_exception(item) for item in _values(value)]
    if not values:
        return None
    return {"values": values, "hasSystemFrames": any(_has_system_frames(one) for one in values), "excOmitted": None}


def _one_exception(item: dict[str, Any]) -> dict[str, Any]:
    mechanism = item.get("mechanism")
    return {
        "type": item.get("type"),
        "value": item.get("value"),
        "module": item.get("module"),
        "threadId": item.get("thread_id"),
        "mechanism": {"type": "generic", **mechanism} if isinstance(mechanism, dict) else None,
        "stacktrace": _stacktrace(item.get("stacktrace")),
        "rawStacktrace": _stacktrace(item.get("raw_stacktrace")),
    }


def _has_system_frames(exception: dict[str, Any]) -> bool:
    return bool(exception["stacktrace"] and exception["stacktrace"]["hasSystemFrames"])


def _stacktrace(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    frames = [as_frame(frame) for frame in _list(value.get("frames")) if isinstance(frame, dict)]
    in_app = [frame["inApp"] for frame in frames]
    return {
        "frames": frames,
        "framesOmitted": value.get("frames_omitted"),
        "registers": value.get("registers"),
        "hasSystemFrames": any(in_app) and not all(in_app),
    }


def as_frame(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame; its source lines are numbered, and none of them is null."""
    shape = {name: frame.get(stored) for name, stored in _FRAME.items()}
    shape["inApp"] = frame.get("in_app") is True
    shape["context"] = _context(frame)
    variables = frame.get("vars")
    shape["vars"] = variables if isinstance(variables, dict) else None
    return shape


def _context(frame: dict[str, Any]) -> list[list[Any]]:
    line, number = frame.get("context_line"), frame.get("lineno")
    if line is None or not isinstance(number, int):
        return []
    before, after = _list(frame.get("pre_context")), _list(frame.get("post_context"))
    first = number - len(before)
    return [
        [first + place, text if isinstance(text, str) else ""] for place, text in enumerate([*before, line, *after])
    ]


def _threads(value: Any) -> dict[str, Any] | None:
    threads = [
        {
            "id": thread.get("id"),
            "name": thread.get("name"),
            "crashed": thread.get("crashed"),
            "current": thread.get("current"),
            "state": thread.get("state"),
            "heldLocks": thread.get("held_locks"),
            "stacktrace": _stacktrace(thread.get("stacktrace")),
            "rawStacktrace": _stacktrace(thread.get("raw_stacktrace")),
        }
        for thread in _values(value)
    ]
    return {"values": threads} if threads else None


def _message(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    formatted = value.get("formatted") or value.get("message")
    return (
        {"formatted": formatted, "message": value.get("message"), "params": value.get("params")} if formatted else None
    )


def _breadcrumbs(value: Any) -> dict[str, Any] | None:
    crumbs = [
        {
            "timestamp": _moment(crumb.get("timestamp")),
            "type": crumb.get("type") or "default",
            "category": crumb.get("category"),
            "level": crumb.get("level") or "info",
            "message": crumb.get("message"),
            "data": crumb.get("data"),
            "event_id": crumb.get("event_id"),
        }
        for crumb in _values(value)
    ]
    return {"values": crumbs} if crumbs else None


def _request(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    url = value.get("url")
    return {
        "method": value.get("method"),
        "url": url if isinstance(url, str) and "://" in url else None,
        "query": _pairs(value.get("query_string")),
        "fragment": value.get("fragment"),
        "data": value.get("data"),
        "headers": _pairs(value.get("headers")),
        "cookies": _pairs(value.get("cookies")),
        "env": value.get("env"),
        "inferredContentType": value.get("inferred_content_type"),
        "apiTarget": value.get("api_target"),
    }


def _template(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    return {
        "lineNo": value.get("lineno"),
        "filename": value.get("filename"),
        "absPath": value.get("abs_path"),
        "context": _context(value),
    }


def _images(value: Any) -> dict[str, Any] | None:
    images = (
        [image for image in _list(value.get("images")) if isinstance(image, dict)] if isinstance(value, dict) else []
    )
    return {"images": images} if images else None


def _as_it_is(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _spans(value: Any) -> dict[str, Any] | None:
    spans = [span for span in _list(value) if isinstance(span, dict)]
    return {"spans": spans} if spans else None


def _values(value: Any) -> list[dict[str, Any]]:
    """The objects of `{"values": […]}`, or of a bare list."""
    items = value.get("values") if isinstance(value, dict) else value
    return [item for item in _list(items) if isinstance(item, dict)]


def _pairs(value: Any) -> list[list[Any]]:
    """Pairs of a mapping or of a list of pairs."""
    if isinstance(value, dict):
        return [[key, item] for key, item in value.items()]
    return [list(pair) for pair in _list(value) if isinstance(pair, list) and len(pair) == 2]


def _moment(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return as_z(from_unix(float(value))) if isinstance(value, int | float) else None
    except (OverflowError, ValueError):
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


# In the order in which a reader wants them: the payload's name, the entry's type, how it is made.
_BUILDERS: tuple[tuple[str, str, Callable[[Any], dict[str, Any] | None]], ...] = (
    ("logentry", "message", _message),
    ("exception", "exception", _exception),
    ("stacktrace", "stacktrace", _stacktrace),
    ("threads", "threads", _threads),
    ("template", "template", _template),
    ("breadcrumbs", "breadcrumbs", _breadcrumbs),
    ("request", "request", _request),
    ("csp", "csp", _as_it_is),
    ("hpkp", "hpkp", _as_it_is),
    ("expectct", "expectct", _as_it_is),
    ("expectstaple", "expectstaple", _as_it_is),
    ("debug_meta", "debugmeta", _images),
    ("spans", "spans", _spans),
)
