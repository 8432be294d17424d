"""The spans of a transaction as columns, which is how they are stored: one pass, and nothing per span but its values.

The first entry of each column is the transaction itself, as a span. Source: the ingest specification, 6.1 and 15.1.
"""

import msgspec
from msgspec import Raw

from vedette.digest.spandescriptions import describe, hash_of
from vedette.digest.values import PreparedSpans
from vedette.wire.event import NOTHING, Event, Span

RAW_CHARACTERS = 4096
DESCRIPTION_CHARACTERS = 1024
_WORD = 128
_MICROSECONDS = 1_000_000
_MOST_PRINTS, _PRINT_CHARACTERS = 20, 200


class _Details(msgspec.Struct, omit_defaults=True, gc=False):
    """What is kept of a span beside its columns."""

    data: Raw = NOTHING
    tags: Raw = NOTHING
    measurements: Raw = NOTHING
    origin: str | None = None
    same_process_as_parent: bool | None = None


_encode = msgspec.json.Encoder().encode


def spans_of(event: Event, span_id: str, parent_span_id: str, op: str, status: str) -> PreparedSpans:
    """The columns of a settled and scrubbed transaction, whose own span the arguments after `event` describe."""
    spans = event.spans or []
    ids = [span_id, *[span.span_id for span in spans]]
    parents = [parent_span_id, *[span.parent_span_id or "" for span in spans]]
    starts = [_micro(event.start_timestamp), *[_micro(span.start_timestamp) for span in spans]]
    ends = [_micro(event.timestamp), *[_micro(span.timestamp) for span in spans]]
    name = event.transaction or ""
    described = [(name, hash_of(name)), *[_described(span) for span in spans]]
    raw = [(span.description or "")[:RAW_CHARACTERS] for span in spans]
    return PreparedSpans(
        span_ids=ids,
        parent_span_ids=parents,
        started_us=starts,
        duration_us=[max(end - start, 0) for start, end in zip(starts, ends, strict=True)],
        exclusive_us=exclusive_times(ids, parents, starts, ends),
        ops=[op, *[(span.op or "")[:_WORD] for span in spans]],
        statuses=[status, *[(span.status or "")[:_WORD] for span in spans]],
        descriptions=[one[0][:DESCRIPTION_CHARACTERS] for one in described],
        # Where nothing was stripped the normalised description is the raw one, and is stored once.
        raw_descriptions=[
            "",
            *["" if text == known[0] else text for text, known in zip(raw, described[1:], strict=True)],
        ],
        group_hashes=[one[1] for one in described],
        details=[b"", *[_details(span) for span in spans]],
    )


def exclusive_times(ids: list[str], parents: list[str], starts: list[int], ends: list[int]) -> list[int]:
    """How long each span ran while none of its direct children did. Of spans with one id the first has the children."""
    place: dict[str, int] = {}
    for index, span_id in enumerate(ids):
        place.setdefault(span_id, index)
    exclusive = [max(end - start, 0) for start, end in zip(starts, ends, strict=True)]
    covered_until = list(starts)
    for index in sorted(range(1, len(ids)), key=starts.__getitem__):
        parent = place.get(parents[index], index)
        if parent == index:
            continue
        start, end = max(starts[index], covered_until[parent]), min(ends[index], ends[parent])
        if end > start:
            exclusive[parent] -= end - start
            covered_until[parent] = end
    return exclusive


def _described(span: Span) -> tuple[str, str]:
    normalised, group_hash = describe(span.op or "", span.description or "")
    prints = span.fingerprint
    if isinstance(prints, list) and prints:
        parts = [part[:_PRINT_CHARACTERS] for part in prints[:_MOST_PRINTS] if isinstance(part, str)]
        group_hash = hash_of("\0".join(parts)) if parts else group_hash
    return normalised, group_hash


def _details(span: Span) -> bytes:
    if (
        span.data is NOTHING
        and span.tags is NOTHING
        and span.measurements is NOTHING
        and not span.origin
        and span.same_process_as_parent is None
    ):
        return b""
    return _encode(
        _Details(
            span.data, span.tags, span.measurements, (span.origin or "")[:_WORD] or None, span.same_process_as_parent
        )
    )


def _micro(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)
