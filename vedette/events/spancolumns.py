"""The columns of `spans`, made of the spans of many transactions.

Spans come as columns already, one set for each transaction, so that nothing is done for a single span: values that a
transaction's spans share are repeated, the others are joined.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

from vedette.core.clock import EPOCH
from vedette.events.rows import SpanRows

_MICROSECOND = timedelta(microseconds=1)
_MOMENT, _WORD = "DateTime64(6, 'UTC')", "LowCardinality(String)"

SPAN_COLUMNS: dict[str, str] = {
    "project_id": "UInt64",
    "event_id": "UUID",
    "batch_id": "UInt64",
    "timestamp": _MOMENT,
    "transaction": "String",
    "environment": _WORD,
    "release": _WORD,
    "trace_id": "String",
    "span_id": "String",
    "parent_span_id": "String",
    "started_at": _MOMENT,
    "duration_us": "UInt64",
    "exclusive_us": "UInt64",
    "op": _WORD,
    "status": _WORD,
    "description": "String",
    "raw_description": "String",
    "group_hash": "String",
    "details": "String",
    "is_segment": "Bool",
}
_SHARED = ("project_id", "event_id", "batch_id", "timestamp", "transaction", "environment", "release", "trace_id")
_JOINED = {
    "span_id": "span_ids",
    "parent_span_id": "parent_span_ids",
    "started_at": "started_us",
    "op": "ops",
    "status": "statuses",
    "description": "descriptions",
    "raw_description": "raw_descriptions",
    "group_hash": "group_hashes",
}


def span_columns(rows: Sequence[SpanRows]) -> list[list[Any]]:
    """The values of each of `SPAN_COLUMNS`, in their order."""
    sizes = [len(row.span_ids) for row in rows]
    return [_column(name, rows, sizes) for name in SPAN_COLUMNS]


def _column(name: str, rows: Sequence[SpanRows], sizes: Sequence[int]) -> list[Any]:
    if name == "is_segment":
        return list(chain.from_iterable([True, *repeat(False, size - 1)] for size in sizes))
    if name not in _SHARED:
        field = _JOINED.get(name, name)
        return list(chain.from_iterable(getattr(row, field) for row in rows))
    values = [(row.timestamp - EPOCH) // _MICROSECOND if name == "timestamp" else getattr(row, name) for row in rows]
    return list(chain.from_iterable(map(repeat, values, sizes)))
