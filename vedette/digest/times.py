"""Timestamps of payloads: reading them, clock drift, and the range that events may have.

Source: the ingest specification, section 8.
"""

import math
from datetime import UTC, datetime, timedelta

from vedette.digest.draft import Draft, Dropping
from vedette.wire.event import Event
from vedette.wire.outcomes import Outcome

DRIFT_SECONDS = 55 * 60
FUTURE_SECONDS = 60
_END_OF_TIME = 253_402_300_800.0  # the year 10000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_timestamp(value: object) -> float | None:
    """Unix seconds of an RFC 3339 text (without a zone: UTC) or a number; None if it is neither.

    The result may be out of range: see `is_in_range`.
    """
    if type(value) is str:
        if len(value) < 16 or value[10] not in "T t" or value[4] != "-":
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    if type(value) is float or type(value) is int:
        try:
            seconds = float(value)
        except OverflowError:
            return None
        return seconds if math.isfinite(seconds) else None
    return None


def is_in_range(seconds: float) -> bool:
    """Whether Unix seconds name a moment between 1970 and 9999."""
    return 0 <= seconds < _END_OF_TIME


def settle_times(draft: Draft) -> Draft | Dropping:
    """Every timestamp of the event as Unix seconds, corrected for the sender's clock, and the event's own in range.

    Drops the event (`invalid/timestamp`) when its own timestamps are negative or beyond the calendar.
    """
    event, notes = draft.event, draft.notes
    received = draft.received
    ended = started = None
    for name, value in (("timestamp", event.timestamp), ("start_timestamp", event.start_timestamp)):
        if value is None:
            continue
        seconds = read_timestamp(value)
        if seconds is None:
            notes.error("invalid_data", name, value=value, reason="expected a timestamp")
        elif not is_in_range(seconds):
            return Dropping(Outcome.INVALID, "timestamp")
        elif name == "timestamp":
            ended = seconds
        else:
            started = seconds
    shift = _drift(draft, ended)
    if ended is not None:
        moved = _into_range(draft, _moved(ended, shift))
        shift += moved - (ended + shift)
        ended = moved
    event.timestamp = received if ended is None else ended
    event.start_timestamp = None
    if started is not None:
        event.start_timestamp = _shifted(draft, started, shift, "start_timestamp")
    event.received = received
    _shift_parts(draft, event, shift)
    return draft


def _drift(draft: Draft, ended: float | None) -> float:
    if draft.sent_at is None:
        return 0.0
    drift = draft.received - draft.sent_at
    if abs(drift) < DRIFT_SECONDS:
        return 0.0
    draft.notes.error("clock_drift", "timestamp", sdk_time=_iso(draft.sent_at), server_time=_iso(draft.received))
    return drift


def _into_range(draft: Draft, seconds: float) -> float:
    received = draft.received
    if seconds > received + FUTURE_SECONDS:
        kind = "future_timestamp"
    elif seconds < received - draft.config.retention_days * 86_400:
        kind = "past_timestamp"
    else:
        return seconds
    draft.notes.error(kind, "timestamp", sdk_time=_iso(seconds), server_time=_iso(received))
    return received


def _shift_parts(draft: Draft, event: Event, shift: float) -> None:
    if event.breadcrumbs is not None:
        for index, crumb in enumerate(event.breadcrumbs.values):
            if crumb.timestamp is not None:
                seconds = read_timestamp(crumb.timestamp)
                if shift or seconds is None or not 0 <= seconds < _END_OF_TIME:
                    crumb.timestamp = _shifted(
                        draft, seconds, shift, ("breadcrumbs", "values", str(index), "timestamp")
                    )
                else:
                    crumb.timestamp = seconds
    for index, span in enumerate(event.spans or ()):
        started, ended = span.start_timestamp, span.timestamp
        if not shift and type(started) is float and type(ended) is float and 0 <= started <= ended < _END_OF_TIME:
            continue  # as nearly all of them are
        for name in ("start_timestamp", "timestamp"):
            value = getattr(span, name)
            if value is not None:
                setattr(span, name, _shifted(draft, read_timestamp(value), shift, ("spans", str(index), name)))


def _moved(seconds: float, shift: float) -> float:
    """Rounded to microseconds where something was added: sums of floats are ugly."""
    return round(seconds + shift, 6) if shift else seconds


def _shifted(draft: Draft, seconds: float | None, shift: float, path: str | tuple[str, ...]) -> float | None:
    """Where the moment comes to lie; None, and noted, if that or what it was is no moment of the calendar."""
    if seconds is not None and is_in_range(seconds):
        moved = _moved(seconds, shift)
        if is_in_range(moved):
            return moved
    draft.notes.error("invalid_data", path, reason="expected a timestamp")
    return None


def _iso(seconds: float) -> str | None:
    if not is_in_range(seconds):
        return None
    return (_EPOCH + timedelta(microseconds=round(seconds * 1_000_000))).isoformat()
