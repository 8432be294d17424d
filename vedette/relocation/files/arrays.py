"""Arrays that are written as text, in each of the ways that exports have had for them.

Source: the relocation specification, 1.2: a JSON array, else a Python literal, else the form of PostgreSQL.
"""

import math
import re
from typing import Any

import msgspec

from vedette.relocation.files.values import (
    LEAST_INTEGER,
    MAX_DEPTH,
    MOST_INTEGER,
    BadValue,
    describe,
    judge_nested,
)

_LITERAL = re.compile(
    r"""\s*(?:(?P<open>[\[(])|(?P<close>[\])])|(?P<comma>,)
    |u?(?:'(?P<single>(?:[^'\\\n]|\\.)*)'|"(?P<double>(?:[^"\\\n]|\\.)*)")
    |(?P<float>-?(?:\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+))|(?P<int>-?\d{1,20})(?![\w.])
    |(?P<word>None|True|False)\b)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_WORDS = {"None": None, "True": True, "False": False}
_POSTGRES = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}\\]+?))\s*(,|$)', re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)


def read_array(value: Any) -> list[Any]:
    """The array that `value` is or says. Raises `BadValue`."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        raise _no_array(value)
    text = value.strip()
    if not text:
        return []  # an empty array of before there were defaults
    if text.startswith("["):
        return _from_json(text) or _from_literal(text)
    if text.startswith("{") and text.endswith("}"):
        return _from_postgres(text)
    raise _no_array(value)


def _from_json(text: str) -> list[Any]:
    """Empty as well for what is no JSON."""
    try:
        found = msgspec.json.decode(text, type=list)
        judge_nested(found, 3)
    except (ValueError, RecursionError):
        return []
    return found


def _from_literal(text: str) -> list[Any]:
    """The list of a Python literal. Read here, because Python's own reader needs a hundred times the text."""
    root: list[Any] = []
    path: list[list[Any]] = [root]
    at, may_hold = 0, True  # whether a value may stand here
    while at < len(text) and (path[-1] is not root or not root):
        found = _LITERAL.match(text, at)
        if found is None:
            raise _no_array(text)
        at = found.end()
        kind, part = found.lastgroup, found[found.lastgroup or 0]
        if kind == "close" and len(path) > 1:
            path.pop()
            may_hold = False
        elif kind == "comma" and not may_hold:
            may_hold = True
        elif may_hold and kind not in ("close", "comma"):
            inner = _value(kind or "", part)
            path[-1].append(inner)
            if kind == "open":
                path.append(inner)
            may_hold = kind == "open"
        else:
            raise _no_array(text)
        if len(path) > MAX_DEPTH:
            raise _no_array(text)
    if len(path) != 1 or text[at:].strip():
        raise _no_array(text)
    found_list: list[Any] = root[0]
    return found_list


def _value(kind: str, part: str) -> Any:
    match kind:
        case "open":
            return []
        case "single" | "double":
            return _ESCAPE.sub(_unescaped, part) if "\\" in part else part
        case "int":
            number = int(part)
            if not LEAST_INTEGER <= number <= MOST_INTEGER:
                raise BadValue("expected an array of integers of at most 64 bits")
            return number
        case "float":
            if not math.isfinite(float(part)):
                raise BadValue("expected an array of numbers that are finite")
            return float(part)
    return _WORDS[part]


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _ESCAPED.get(found[4], found[4])
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else "\ufffd"


def _from_postgres(text: str) -> list[Any]:
    inside, at, parts = text[1:-1], 0, []
    if not inside.strip():
        return []
    while True:
        found = _POSTGRES.match(inside, at)
        if found is None:
            raise _no_array(text)
        quoted, plain, comma = found.groups()
        parts.append(_QUOTED.sub(r"\1", quoted) if quoted is not None else None if plain == "NULL" else plain)
        at = found.end()
        if not comma:
            return parts


def _no_array(value: object) -> BadValue:
    return BadValue(f"expected an array, found {describe(value)}")
