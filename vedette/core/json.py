"""JSON in and out, through orjson. The hot path decodes with msgspec where it stands."""

from typing import Any

import orjson

loads = orjson.loads
JSONDecodeError = orjson.JSONDecodeError


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON. Aware datetimes end in `Z`; keys that are no strings become strings."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def dump_text(value: Any) -> str:
    """The same as text."""
    return dumps(value).decode()


def dump_indented(value: Any) -> bytes:
    """The same with two spaces of indent, for people."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | orjson.OPT_INDENT_2)
