"""Reading JSON that may hold anything: every reader takes any value and returns the kind that it promises."""

import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from vedette.core import json
from vedette.web.text import clip, visible

LINE_LENGTH = 2_000
_NOTHING: dict[str, Any] = {}


def as_dict(value: object) -> dict[Any, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def as_list(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def values_of(value: object) -> list[Any]:
    """The entries of an interface that is a list or wraps one: `{"values": […]}`."""
    return as_list(as_dict(value).get("values")) if isinstance(value, dict) else as_list(value)


def as_text(value: object, length: int = LINE_LENGTH) -> str:
    """What a scalar says, with nothing invisible in it; empty for null; JSON for lists and objects."""
    return clip(visible(_plain(value, length)), length)


def _plain(value: object, length: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value[: length + 1]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    return json_text(value)[: length + 1]


def _number(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python prints
        return "a very large number"


def json_text(value: object, indent: bool = False) -> str:
    """`value` as JSON; what JSON cannot hold is told in Python's words."""
    try:
        return (json.dump_indented(value) if indent else json.dumps(value)).decode()
    except (TypeError, ValueError, RecursionError):
        try:
            return repr(value)
        except (ValueError, RecursionError):
            return "(cannot be shown)"


def as_int(value: object) -> int | None:
    """A whole number that fits a page (up to 15 digits), else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    return int(value) if abs(value) < 10**15 else None


def as_bool(value: object) -> bool | None:
    """A yes or a no; None for anything else."""
    return value if isinstance(value, bool) else None


def as_moment(value: object) -> datetime | None:
    """Unix seconds or RFC 3339 text as an aware UTC moment; None for what is neither or out of range."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value[:40])
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def as_link(value: object) -> str:
    """An address that a page may link to: http or https with a host and nothing invisible; else empty."""
    if (
        not isinstance(value, str)
        or len(value) > LINE_LENGTH
        or visible(value) != value
        or any(c.isspace() for c in value)
    ):
        return ""
    try:
        parts = urlsplit(value)
        return value if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def as_pairs(value: object) -> list[tuple[Any, Any]]:
    """The pairs of an object or of a list of pairs; entries that are no pair are left out."""
    if isinstance(value, dict):
        return list(value.items())
    return [(entry[0], entry[1]) for entry in as_list(value) if isinstance(entry, (list, tuple)) and len(entry) == 2]
