"""Bytes into an `Event`.

A well-formed payload decodes into the schema in one go. Any other takes the slow road: a tolerant parser, the old
spellings, the repairs of `lenient`, and then the same decoder again.

Source: the ingest specification, 7.1, 9.1; section 13 of it for the order.
"""

import json
import math
import re
from typing import Any

import msgspec
from msgspec import Raw

from vedette.digest.draft import Draft, Dropping
from vedette.digest.legacy import modernise
from vedette.digest.lenient import repair_event
from vedette.digest.nesting import is_deeper_than
from vedette.wire.event import NOTHING, Event, stacktraces
from vedette.wire.outcomes import Outcome

MAX_DEPTH = 100
_decode_event = msgspec.json.Decoder(Event).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.encode
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_BIG_EXPONENT = re.compile(rb"0e\+?000")
_NUMBER_BYTES = b"0.-"
_ENDLESS = b"0" * 300
_LONGEST_INTEGER = 25

INVALID_JSON = Dropping(Outcome.INVALID, "invalid_json")
TOO_DEEP = Dropping(Outcome.INVALID, "too_deep")


def decode(draft: Draft) -> Draft | Dropping:
    """Fill `draft.event` and `draft.free`.

    Drops what is no JSON object, and what is nested deeper than a hundred levels.
    """
    raw = draft.raw
    if is_deeper_than(raw, MAX_DEPTH):
        return TOO_DEEP
    try:
        raw.decode()
        event = _decode_event(raw)
        free = free_text(event)
        if not may_overflow(free):
            draft.event, draft.free = event, free
            return draft
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        return TOO_DEEP
    tree = loads_leniently(raw)
    if not isinstance(tree, dict):
        return INVALID_JSON
    modernise(tree, draft.notes)
    draft.event = _decode_event(_encode(repair_event(tree, draft.notes)))
    draft.free = free_text(draft.event)
    return draft


def free_text(event: Event) -> bytes:
    """The JSON text of all free-form members of `event`, one after another: what the decoder did not look into."""
    parts: list[Raw] = [event.modules, event.measurements, event.breakdowns, event.hpkp, event.expectct]
    parts += (event.expectstaple, event.nel, event.applecrashreport)
    if event.exception is not None:
        for exception in event.exception.values:
            if exception.mechanism is not None:
                parts.append(exception.mechanism.data)
    for stacktrace in stacktraces(event):
        for frame in stacktrace.frames or ():
            if frame.vars is not NOTHING:
                parts.append(frame.vars)
            if frame.lock is not NOTHING:
                parts.append(frame.lock)
    if event.breadcrumbs is not None:
        parts += [crumb.data for crumb in event.breadcrumbs.values]
    if event.contexts is not None:
        parts += event.contexts.values()
    if event.extra is not None:
        parts += event.extra.values()
    if event.logentry is not None:
        parts.append(event.logentry.params)
    if event.threads is not None:
        parts += [thread.held_locks for thread in event.threads.values]
    for span in event.spans or ():
        parts += (span.data, span.tags, span.measurements)
    return b"\n".join(parts)


def loads_leniently(raw: bytes) -> Any:
    """JSON that may hold invalid UTF-8, lone surrogates, NaN, control characters or endless digits; None if not even
    that can be read. What cannot be kept becomes null or U+FFFD. `raw` is known not to be too deep."""
    try:
        raw.decode()
        if not may_overflow(raw):
            return _decode_any(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        tree = json.loads(
            raw.decode("utf-8-sig", "replace"),
            strict=False,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_nothing,
        )
    except (ValueError, RecursionError):
        return None
    return _mended(tree)


def may_overflow(raw: bytes) -> bool:
    """Whether some number of this JSON text may be beyond what a float holds (`1e999`, or very many digits)."""
    folded = raw.translate(_DIGITS)
    if _ENDLESS in folded:
        return True
    if b"0e000" not in folded and b"0e+000" not in folded:
        return False
    for match in _BIG_EXPONENT.finditer(folded):
        position = match.start()
        while position >= 0 and folded[position] in _NUMBER_BYTES:
            position -= 1
        if position < 0 or folded[position] in b":,[ \t\r\n":
            return True
    return False


def _integer(digits: str) -> int | float | None:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else _float(digits)


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _nothing(_: str) -> None:
    return None


def _mended(value: Any) -> Any:
    """The value with surrogates paired where they can be, and replaced by U+FFFD where not."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(element) for element in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(member) for key, member in value.items()}
    return value
