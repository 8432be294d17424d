"""Moments. Every moment inside Vedette is an aware UTC datetime; on the wire it ends in `Z`."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def from_unix(seconds: float) -> datetime:
    """The moment `seconds` after the Unix epoch, to the microsecond.

    Raises `OverflowError` outside the years 1 to 9999 and `ValueError` for NaN.
    """
    return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))


def as_z(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS[.ffffff]Z`: the form of every date in the API (microseconds only when not zero)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def monotonic() -> float:
    """Seconds of a clock that never jumps, for measuring how long something takes."""
    return time.monotonic()
