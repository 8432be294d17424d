"""Values of columns as JSON, and back again, every type and length checked: an archive may come from anybody."""

import base64
import binascii
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db import models

from vedette.core.clock import EPOCH

DEEPEST = 64  # levels of a JSON value
MOST_KEY = 2**63 - 1
_BYTES = 16 * 2**20
_EARLIEST, _LATEST = EPOCH - timedelta(days=365), datetime(2200, 1, 1, tzinfo=UTC)

Read = Callable[[Any], Any]


def as_json(value: Any) -> Any:
    """What JSON has no form for itself: bytes as base64. (Moments and UUIDs have one.)"""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"no JSON for {type(value).__name__}")


def reader_of(field: Any) -> Read:
    """A function that turns JSON into a value of a column; it raises ValueError, saying what is wrong.

    Keys are numbers from 1 on. A null is only taken by a column that takes one.
    """
    read = _plain(field)
    if field.null:
        return lambda value: None if value is None else read(value)
    return read


def _plain(field: Any) -> Read:
    if isinstance(field, models.ForeignKey):
        return _whole(1, MOST_KEY)
    for kind, make in _KINDS:
        if isinstance(field, kind):
            return make(field)
    raise TypeError(f"no reader for {type(field).__name__}")


def _whole(least: int, most: int) -> Read:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"is no whole number from {least} to {most}")
        return value

    return read


def _text(longest: int | None) -> Read:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("is no text")
        if longest is not None and len(value) > longest:
            raise ValueError(f"has more than {longest} characters")
        if "\0" in value:
            raise ValueError("has a NUL in it")
        return value

    return read


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("is no moment")
    found = datetime.fromisoformat(value)
    if found.tzinfo is None or not _EARLIEST <= found <= _LATEST:
        raise ValueError("is no moment of our time")
    return found.astimezone(UTC)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is no number")
    return float(value)


def _document(value: Any) -> Any:
    """Any JSON, as long as every tool can walk it. A NUL is no text that PostgreSQL keeps."""
    pending = [(value, 0)]
    while pending:
        one, depth = pending.pop()
        if depth > DEEPEST:
            raise ValueError(f"is nested more than {DEEPEST} levels deep")
        if isinstance(one, dict):
            pending += [(each, depth + 1) for pair in one.items() for each in pair]
        elif isinstance(one, list):
            pending += [(each, depth + 1) for each in one]
        elif isinstance(one, str) and "\0" in one:
            raise ValueError("has a NUL in it")
    return value


def _binary(value: Any) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * _BYTES:
        raise ValueError("is no base64 of a reasonable length")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("is no base64") from error


def _uuid(value: Any) -> uuid.UUID:
    if not isinstance(value, str):
        raise ValueError("is no UUID")
    return uuid.UUID(value)


def _address(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 45:
        raise ValueError("is no IP address")
    try:
        validate_ipv46_address(value)
    except ValidationError as error:
        raise ValueError("is no IP address") from error
    return value


_KINDS: tuple[tuple[type[Any], Callable[[Any], Read]], ...] = (
    (models.BooleanField, lambda _: _flag),
    (models.PositiveSmallIntegerField, lambda _: _whole(0, 2**15 - 1)),
    (models.SmallIntegerField, lambda _: _whole(-(2**15), 2**15 - 1)),
    (models.PositiveIntegerField, lambda _: _whole(0, 2**31 - 1)),
    (models.BigIntegerField, lambda _: _whole(-(2**63), MOST_KEY)),
    (models.IntegerField, lambda _: _whole(-(2**31), 2**31 - 1)),
    (models.FloatField, lambda _: _number),
    (models.DateTimeField, lambda _: _moment),
    (models.JSONField, lambda _: _document),
    (models.BinaryField, lambda _: _binary),
    (models.UUIDField, lambda _: _uuid),
    (models.GenericIPAddressField, lambda _: _address),
    (models.TextField, lambda _: _text(None)),
    (models.CharField, lambda field: _text(field.max_length)),
)
