"""MessagePack as native SDKs write it: one event in a file, or breadcrumbs one behind the other.

Source: the ingest specification, 1.3 and 4.4; the MessagePack format.
"""

from struct import unpack_from
from typing import Any

import msgspec

MAX_BYTES = 512 * 1024  # of a file that is read; SDKs write a few kilobytes

# What stands behind the first byte, from 0xc0 on: how many bytes of length, bytes beside them, and values in it.
_SIZES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4,
    0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_CONTAINERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
_LENGTHS = {1: ">B", 2: ">H", 4: ">I"}


class _Named(msgspec.Struct):
    event_id: Any = None


_decode_named = msgspec.msgpack.Decoder(_Named).decode
_decode_any = msgspec.msgpack.Decoder(ext_hook=lambda code, data: None).decode
_BROKEN = (msgspec.DecodeError, ValueError, TypeError, RecursionError)


def event_id_in(content: bytes | memoryview) -> object:
    """The `event_id` of an event; None if it has none or cannot be read."""
    try:
        return _decode_named(content).event_id if len(content) <= MAX_BYTES else None
    except _BROKEN:
        return None


def read_object(content: bytes | memoryview) -> dict[str, Any] | None:
    """One object, ready to be written as JSON; None if it is none."""
    values = read_values(content)
    return values[0] if values and isinstance(values[0], dict) else None


def read_values(content: bytes | memoryview) -> list[Any]:
    """The values that stand one behind the other, as far as they can be read, ready to be written as JSON."""
    data = bytes(content)
    values: list[Any] = []
    position = 0
    try:
        while position < len(data) <= MAX_BYTES:
            end = _end(data, position)
            values.append(_as_json(_decode_any(data[position:end])))
            position = end
    except (*_BROKEN, IndexError):
        pass
    return values


def _end(data: bytes, position: int) -> int:
    """Where the value at `position` ends. Raises ValueError or IndexError for what is no value, or is cut."""
    missing = 1
    while missing:
        missing -= 1
        first, size, position = data[position], 0, position + 1
        if 0x80 <= first < 0x90:
            missing += 2 * (first & 0x0F)
        elif 0x90 <= first < 0xA0:
            missing += first & 0x0F
        elif 0xA0 <= first < 0xC0:
            size = first & 0x1F
        elif first in _CONTAINERS:
            width, each = _CONTAINERS[first]
            missing += each * _number(data, position, width)
            size = width
        elif first in _SIZES:
            size = _SIZES[first] + _number(data, position, _SIZES[first])
        elif first in _EXTENSIONS:
            size = _EXTENSIONS[first] + 1 + _number(data, position, _EXTENSIONS[first])
        elif 0xC0 <= first < 0xE0:
            size = _FIXED[first] if first in _FIXED else _unknown(first)
        position += size
        if position + missing > len(data):
            raise ValueError("it ends too early")
    return position


def _number(data: bytes, position: int, width: int) -> int:
    if position + width > len(data):
        raise ValueError("it ends too early")
    number: int = unpack_from(_LENGTHS[width], data, position)[0]
    return number


def _unknown(first: int) -> int:
    raise ValueError(f"no value begins with {first:#x}")


def _as_json(value: Any) -> Any:
    """With keys that are texts, and nothing that JSON cannot say."""
    if isinstance(value, dict):
        return {str(key): _as_json(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(element) for element in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
