"""What a column's value looks like in a file, and the way back.

Values come out as Python has them: moments aware and in UTC, with the microseconds that the file has; UUIDs as `UUID`;
bits and integers as int; arrays as lists; options and JSON as what JSON knows. They go in with three decimals of a
second (the others are cut off), bits as text, options and arrays as JSON text. None is null in every encoding.
Source: the relocation specification, 1.2.
"""

import json
import math
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import orjson

from vedette.core.relocation import Encoding
from vedette.relocation.files.arrays import read_array
from vedette.relocation.files.pickles import read_pickle
from vedette.relocation.files.values import BadValue, describe, judge_nested

__all__ = ["BadValue", "Decoder", "decode", "decoder", "encode", "encoder"]

Decoder = Callable[[Any], Any]

_LONGEST_SHOWN = 40
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_LEAST, _MOST = -(2**63), 2**63 - 1
_BOOLEANS: dict[Any, bool] = {
    **dict.fromkeys(("true", "True", "t", "1"), True),
    **dict.fromkeys(("false", "False", "f", "0"), False),
}
_read_json = msgspec.json.Decoder().decode


def decode(encoding: Encoding, value: Any) -> Any:
    """The value that a file's `value` stands for. Raises `BadValue`, which says what was expected."""
    return _DECODERS[encoding](value)


def encode(encoding: Encoding, value: Any) -> Any:
    """What a file says for `value`: a JSON value. The opposite of `decode`."""
    return None if value is None else _ENCODERS[encoding](value)


def decoder(encoding: Encoding) -> Decoder:
    """`decode` for one encoding, to be looked up once for many values."""
    return _DECODERS[encoding]


def encoder(encoding: Encoding) -> Decoder:
    """`encode` for one encoding; not for None."""
    return _ENCODERS[encoding]


# ---------------------------------------------------------------- out of a file


def _text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)  # edited by hand; the reference takes it too
    raise BadValue(f"expected text, found {describe(value)}")


def _integer(value: Any) -> int | None:
    if type(value) is int and _LEAST <= value <= _MOST:
        return value
    if value is None:
        return None
    number: int | None = None
    if (type(value) is str and _INTEGER.fullmatch(value)) or (type(value) is float and value.is_integer()):
        number = int(value)
    if number is None or not _LEAST <= number <= _MOST:
        raise BadValue(f"expected an integer, found {_shown(value)}")
    return number


def _float(value: Any) -> float | None:
    if type(value) is float or value is None:
        return value
    if type(value) is int or (type(value) is str and _NUMBER.fullmatch(value)):
        number = float(value)
        if math.isfinite(number):
            return number
    raise BadValue(f"expected a number, found {_shown(value)}")


def _boolean(value: Any) -> bool | None:
    if value is None or type(value) is bool:
        return value
    found = _BOOLEANS.get(value) if type(value) is str else value == 1 if value in (0, 1) else None
    if found is None:
        raise BadValue(f"expected true or false, found {_shown(value)}")
    return found


def _moment(value: Any) -> datetime | None:
    if type(value) is str:
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is UTC:
                return moment
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    elif value is None:
        return None
    raise BadValue(f'expected a date-time such as "2023-06-22T22:59:55.488Z", found {_shown(value)}')


def _uuid(value: Any) -> UUID | None:
    if value is None:
        return None
    if type(value) is str:
        try:
            return UUID(value)
        except ValueError:
            pass
    raise BadValue(f"expected a UUID, found {_shown(value)}")


def _bits(value: Any) -> int | None:
    try:
        return _integer(value)
    except BadValue:
        raise BadValue(f"expected the bits as a decimal number in a string, found {_shown(value)}") from None


def _json(value: Any) -> Any:
    return value


def _option(value: Any) -> Any:
    """Never unpickled: what is pickled is read by a machine that knows plain values only."""
    if type(value) is not str:
        return value
    try:
        found = _read_json(value)
        if type(found) is dict or type(found) is list:
            judge_nested(found, 3)
        return found
    except RecursionError as error:
        raise BadValue("expected JSON text, found one that is nested too deep") from error
    except ValueError as error:
        if value[:1] in '[{"':
            raise BadValue("expected JSON text, found one that is broken") from error
    return _as_json(read_pickle(value))


def _array(value: Any) -> list[Any] | None:
    return None if value is None else read_array(value)


_DECODERS: Mapping[Encoding, Decoder] = MappingProxyType(
    {
        Encoding.TEXT: _text,
        Encoding.EMAIL: _text,
        Encoding.INTEGER: _integer,
        Encoding.FLOAT: _float,
        Encoding.BOOLEAN: _boolean,
        Encoding.MOMENT: _moment,
        Encoding.UUID: _uuid,
        Encoding.BITS: _bits,
        Encoding.JSON: _json,
        Encoding.OPTION: _option,
        Encoding.JSON_TEXT: _option,
        Encoding.LITERAL_LIST: _array,
        Encoding.TEXT_LIST: _array,
    }
)


def _as_json(value: Any) -> Any:
    """A plain pickled value as JSON knows it: bytes become base64 text, as U2F bindings have it in newer exports."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [_as_json(inner) for inner in value]
    if isinstance(value, dict):
        return {_as_key(key): _as_json(inner) for key, inner in value.items()}
    return value


def _as_key(key: Any) -> str:
    if isinstance(key, bytes):
        return b64encode(key).decode()
    return key if isinstance(key, str) else json.dumps(key)


def _shown(value: Any) -> str:
    """A value of a column that holds no secrets, cut."""
    if isinstance(value, str) and len(value) <= _LONGEST_SHOWN:
        return json.dumps(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return describe(value)


# ---------------------------------------------------------------- into a file


def _same(value: Any) -> Any:
    return value


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _z(value: datetime) -> str:
    if value.tzinfo is not UTC:
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{value.isoformat(timespec='milliseconds')[:-6]}Z"


def _dashed(value: UUID | str) -> str:
    return str(value if isinstance(value, UUID) else UUID(value))


def _bit_text(value: int) -> str:
    return str(int(value))


def _raw_or_json_text(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    return _json_text(value)


def _json_text(value: Any) -> str:
    """Compact. What orjson cannot write (an integer beyond 64 bits) the standard encoder can."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"))


def _array_text(value: Any) -> str:
    """As PostgreSQL arrays are exported; older columns were Python literals, and every reader takes JSON for them."""
    return json.dumps(list(value))


_ENCODERS: Mapping[Encoding, Decoder] = MappingProxyType(
    {
        Encoding.TEXT: _same,
        Encoding.EMAIL: _same,
        Encoding.INTEGER: _same,
        Encoding.FLOAT: _finite,
        Encoding.BOOLEAN: _same,
        Encoding.MOMENT: _z,
        Encoding.UUID: _dashed,
        Encoding.BITS: _bit_text,
        Encoding.JSON: _same,
        Encoding.OPTION: _raw_or_json_text,
        Encoding.JSON_TEXT: _json_text,
        Encoding.LITERAL_LIST: _array_text,
        Encoding.TEXT_LIST: _array_text,
    }
)
