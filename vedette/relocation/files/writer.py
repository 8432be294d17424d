"""Rows into an export, one by one, in the very bytes of the reference.

A plain export is what Python's standard encoder writes with an indent (2 by default): ASCII, no newline at the end. The
one inside of an encrypted archive is compact UTF-8. orjson writes both; what it writes otherwise than the standard
encoder is put right. Source: the relocation specification, 1.1.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

DEFAULT_INDENT = 2

_PIECE_BYTES = 2**16
_LEAST, _MOST = -(2**63), 2**64 - 1
_PLAIN_FROM, _PLAIN_TO = 1e-4, 1e16  # where both encoders write a float without an exponent
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")
_MARGIN = re.compile(rb"\n( *)")


class RowWriter:
    """Writes an array of rows into `stream`. With `indent` of None it is compact UTF-8, with a number indented ASCII.

    Nothing is complete before `close`; leaving the block by an exception leaves the array open, so that nobody takes
    half an export for a whole one. A value that no reader takes is written as the nearest one that is taken: NaN and
    the infinities as null, an integer beyond 64 bits as a float, a lone surrogate as U+FFFD.
    """

    def __init__(self, stream: BinaryIO, indent: int | None = DEFAULT_INDENT) -> None:
        self.stream = stream
        self.rows = 0
        self._dump: Callable[[dict[str, Any]], bytes] = _dump_compact if indent is None else _indented(max(indent, 0))
        self._between, self._end = (b",", b"]") if indent is None else (b",\n" + b" " * max(indent, 0), b"\n]")
        self._begin = b"[" + self._between[1:]
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def write(self, model: str, pk: int, fields: Mapping[str, Any]) -> None:
        """One row; `fields` hold JSON values in the order in which they are written."""
        row = self._dump({"model": model, "pk": pk, "fields": fields})
        self._put(self._between if self.rows else self._begin, row)
        self.rows += 1

    def close(self) -> None:
        """The end of the array. The stream stays open."""
        self._put(self._end if self.rows else b"[]")
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def _put(self, *pieces: bytes) -> None:
        self._pending.extend(pieces)
        self._pending_bytes += sum(map(len, pieces))
        if self._pending_bytes >= _PIECE_BYTES:
            self._flush()

    def _flush(self) -> None:
        self.stream.write(b"".join(self._pending))
        self._pending.clear()
        self._pending_bytes = 0


def _dump_compact(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row)
    except orjson.JSONEncodeError:
        return orjson.dumps(_writable(row))


def _indented(indent: int) -> Callable[[dict[str, Any]], bytes]:
    """A function that writes a row as one element of an array of the standard encoder."""

    def dump(row: dict[str, Any]) -> bytes:
        if _has_odd_float(row["fields"]):
            text = json.dumps(_writable(row), indent=indent).encode()
            return text.replace(b"\n", b"\n" + b" " * indent)
        try:
            raw = orjson.dumps(row, option=orjson.OPT_INDENT_2)
        except orjson.JSONEncodeError:
            raw = orjson.dumps(_writable(row), option=orjson.OPT_INDENT_2)
        raw = raw.replace(b"\n", b"\n  ") if indent == 2 else _MARGIN.sub(margin, raw)
        return as_ascii(raw)

    def margin(found: re.Match[bytes]) -> bytes:
        return b"\n" + b" " * ((len(found[1]) // 2 + 1) * indent)

    return dump


def as_ascii(raw: bytes) -> bytes:
    """JSON with every character that is not ASCII escaped, as the standard encoder does."""
    if raw.isascii() and b"\x7f" not in raw:
        return raw
    return _NOT_ASCII.sub(_escaped, raw.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"


def _has_odd_float(value: object) -> bool:
    """Whether there is a float anywhere that the two encoders write differently."""
    kind = type(value)
    if kind is float:
        return value != 0.0 and not _PLAIN_FROM <= abs(value) < _PLAIN_TO  # type: ignore[arg-type]
    if kind is dict:
        return any(_has_odd_float(inner) for inner in value.values() if type(inner) in _MAY_HOLD_FLOATS)  # type: ignore[attr-defined]
    if kind is list or kind is tuple:
        return any(_has_odd_float(inner) for inner in value if type(inner) in _MAY_HOLD_FLOATS)  # type: ignore[attr-defined]
    return False


_MAY_HOLD_FLOATS = frozenset({float, dict, list, tuple})


def _writable(value: Any) -> Any:
    """The same value, and instead of what no reader takes the nearest one that is taken."""
    if isinstance(value, dict):
        return {_writable(str(key)): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and not _LEAST <= value <= _MOST:
        return _writable(_as_float(value))
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
