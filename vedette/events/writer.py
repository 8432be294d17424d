"""Rows into the event store, and out of it again.

One insert is one batch, columnar, with a token: the engine drops a second insert with the same token and rows, part by
part, so a batch may be replayed after a crash at any moment, and is completed after it (`complete_errors`). Deleting
writes patches beside the parts (34-140 ms at a million rows, where a rewrite takes seconds). Everything here may be
repeated without harm.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from vedette.core.clock import EPOCH
from vedette.events.client import EventStore, StoreUnavailable
from vedette.events.filters import at_moment, in_projects
from vedette.events.rows import ErrorRow, KnownEvent, KnownTransaction, SessionRow, SpanRows, TransactionRow
from vedette.events.spancolumns import SPAN_COLUMNS, span_columns

PATCH_DELETE = {"lightweight_delete_mode": "lightweight_update"}
IDS_PER_DELETE = 1000
COMPLETIONS = 10  # a token of one may itself be noted and lost, by a kill in just that moment again

_MICROSECOND = timedelta(microseconds=1)
_EVENT_KEY = "project_id, event_id"

# How a value of a row becomes a value of its column, by type; what is not listed goes in as it is.
_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "DateTime64(6, 'UTC')": lambda moment: (moment - EPOCH) // _MICROSECOND,
    "DateTime('UTC')": lambda moment: int(moment.timestamp()),
    "Map(LowCardinality(String), String)": dict,
    "Map(LowCardinality(String), Float64)": dict,
}

_MOMENT, _WORD, _TAGS = "DateTime64(6, 'UTC')", "LowCardinality(String)", "Map(LowCardinality(String), String)"

ERROR_COLUMNS: dict[str, str] = {
    "project_id": "UInt64",
    "group_id": "UInt64",
    "primary_hash": "UUID",
    "timestamp": _MOMENT,
    "received_at": _MOMENT,
    "event_id": "UUID",
    "batch_id": "UInt64",
    **dict.fromkeys(("type", "platform", "level", "logger", "environment", "release", "dist"), _WORD),
    **dict.fromkeys(("transaction", "title", "culprit", "location", "message"), "String"),
    **dict.fromkeys(("user", "user_id", "user_email", "user_name", "user_ip"), "String"),
    "sdk_name": _WORD,
    "sdk_version": _WORD,
    "trace_id": "String",
    "span_id": "String",
    "handled": "Nullable(Bool)",
    "exception_types": "Array(LowCardinality(String))",
    "exception_values": "Array(String)",
    "frame_filenames": "Array(LowCardinality(String))",
    "frame_functions": "Array(LowCardinality(String))",
    "tags": _TAGS,
    "error_count": "UInt32",
    "payload": "String",
    "has_body": "Bool",
}

TRANSACTION_COLUMNS: dict[str, str] = {
    "project_id": "UInt64",
    "event_id": "UUID",
    "batch_id": "UInt64",
    "started_at": _MOMENT,
    "timestamp": _MOMENT,
    "received_at": _MOMENT,
    "transaction": "String",
    **dict.fromkeys(("op", "status", "source"), _WORD),
    "duration_ms": "Float64",
    **dict.fromkeys(("trace_id", "span_id", "parent_span_id"), "String"),
    **dict.fromkeys(("platform", "environment", "release", "dist"), _WORD),
    "user": "String",
    "sdk_name": _WORD,
    "sdk_version": _WORD,
    "span_count": "UInt32",
    "tags": _TAGS,
    "measurements": "Map(LowCardinality(String), Float64)",
    "payload": "String",
}

SESSION_COLUMNS: dict[str, str] = {
    "project_id": "UInt64",
    "timestamp": "DateTime('UTC')",
    "environment": _WORD,
    "release": _WORD,
    "batch_id": "UInt64",
    **dict.fromkeys(("sessions", "crashed", "abnormal", "unhandled", "errored_preaggr", "duration_count"), "UInt64"),
    "duration_sum": "Float64",
    "duration_max": "Float64",
    **dict.fromkeys(("errored_sid_ids", "user_ids", "user_errored_ids", "user_crashed_ids"), "Array(UInt64)"),
    **dict.fromkeys(("user_abnormal_ids", "user_unhandled_ids", "user_anr_ids", "user_anr_fg_ids"), "Array(UInt64)"),
    "duration_values": "Array(Float32)",
}


def write_errors(store: EventStore, rows: Sequence[ErrorRow], token: str) -> None:
    """Insert a batch of error events. Durable (synced) when it returns; adds nothing when it had been written before.

    The token belongs to these rows in this order: a replay must bring the same ones.
    """
    _write(store, "errors", ERROR_COLUMNS, rows, token)


def write_transactions(store: EventStore, rows: Sequence[TransactionRow], token: str) -> None:
    """Insert a batch of transactions, under the same promises."""
    _write(store, "transactions", TRANSACTION_COLUMNS, rows, token)


def write_sessions(store: EventStore, rows: Sequence[SessionRow], token: str) -> None:
    """Insert what a batch adds to its minutes, under the same promises."""
    _write(store, "sessions", SESSION_COLUMNS, rows, token)


def complete_errors(store: EventStore, rows: Sequence[ErrorRow], token: str) -> int:
    """Insert what is missing of a batch that may have been written, in part, before a kill; gives how many rows were.

    The engine notes a token before the rows that it stands for are in place, so that a kill between the two makes it
    drop the replay of rows that it never kept. After a replay, therefore, look, and write what is not there under
    another token. Look before it, too: the rows that are there may have been written under the tokens of halves.
    `rows` are of one `batch_id`, each event once.
    """
    return _complete(store, "errors", ERROR_COLUMNS, rows, token)


def complete_transactions(store: EventStore, rows: Sequence[TransactionRow], token: str) -> int:
    """The same for transactions."""
    return _complete(store, "transactions", TRANSACTION_COLUMNS, rows, token)


def complete_sessions(store: EventStore, rows: Sequence[SessionRow], token: str) -> int:
    """The same for sessions: a batch has one row for each project, minute, environment and release. To be called within
    a week of the first attempt: afterwards the rows of all batches are one."""
    return _complete(store, "sessions", SESSION_COLUMNS, rows, token)


def write_spans(store: EventStore, rows: Sequence[SpanRows], token: str) -> None:
    """Insert the spans of a batch of transactions, under the same promises."""
    _write(store, "spans", SPAN_COLUMNS, rows, token)


def complete_spans(store: EventStore, rows: Sequence[SpanRows], token: str) -> int:
    """The same for spans; gives of how many transactions: where one span is missing, all of its transaction's are
    written again."""
    return _complete(store, "spans", SPAN_COLUMNS, rows, token)


def forget_replaced(store: EventStore, known: Iterable[KnownEvent], batch_id: int) -> None:
    """Delete the earlier rows of events that batch `batch_id` wrote again.

    Rows go that have one of these (project, event id, day) and another batch. Call it after the batch is written: a
    reader between the two sees both, and `get_event` takes the newest batch.
    """
    _forget(store, ("errors",), known, batch_id)


def forget_replaced_transactions(store: EventStore, known: Iterable[KnownTransaction], batch_id: int) -> None:
    """The same as `forget_replaced`, for transactions and their spans."""
    _forget(store, ("transactions", "spans"), known, batch_id)


def _forget(
    store: EventStore, tables: Sequence[str], known: Iterable[KnownEvent | KnownTransaction], batch_id: int
) -> None:
    events = defaultdict(list)
    for event in known:
        events[event.project_id, event.day].append(event.event_id)
    for (project_id, day), ids in events.items():
        for start in range(0, len(ids), IDS_PER_DELETE):
            some = {"project": project_id, "day": day, "ids": ids[start : start + IDS_PER_DELETE], "batch": batch_id}
            for table in tables:
                store.run(
                    f"DELETE FROM {table} WHERE project_id = {{project:UInt64}} AND toDate(timestamp) = {{day:Date}}"
                    " AND event_id IN {ids:Array(UUID)} AND batch_id != {batch:UInt64}",
                    some,
                    PATCH_DELETE,
                )


def _write(
    store: EventStore,
    table: str,
    types: dict[str, str],
    rows: Sequence[ErrorRow] | Sequence[TransactionRow] | Sequence[SpanRows] | Sequence[SessionRow],
    token: str,
) -> None:
    if not rows:
        return
    if not token:
        raise ValueError("an insert without a token could be stored twice")
    columns = _columns(rows, types)
    try:
        store.insert(table, tuple(types), tuple(types.values()), columns, token=token)
    except UnicodeEncodeError:  # a lone surrogate that got through: rare, so looked for only now
        store.insert(table, tuple(types), tuple(types.values()), [_encodable(c) for c in columns], token=token)


def _complete(
    store: EventStore,
    table: str,
    types: dict[str, str],
    rows: Sequence[ErrorRow] | Sequence[TransactionRow] | Sequence[SpanRows] | Sequence[SessionRow],
    token: str,
) -> int:
    added = 0
    missing = _missing(store, table, rows)
    if len(missing) == len(rows):
        _write(store, table, types, rows, token)
        missing = _missing(store, table, rows)
    for attempt in range(COMPLETIONS):
        if not missing:
            return added
        _clear(store, missing)
        _write(store, table, types, missing, f"{token}-{attempt}")
        added += len(missing)
        missing = _missing(store, table, rows)
    if missing:
        raise StoreUnavailable(f"rows of batch {rows[0].batch_id} do not stay written")
    return added


def _clear(store: EventStore, missing: Sequence[Any]) -> None:
    """A transaction's spans may lie in two blocks of a large insert, of which a kill left one: those go first."""
    if isinstance(missing[0], SpanRows):
        sql = in_projects(sorted({row.project_id for row in missing}))
        sql.add(f"batch_id = {sql.bind(missing[0].batch_id, 'UInt64')}")
        sql.add(f"event_id IN {sql.bind(sorted({row.event_id for row in missing}), 'Array(UUID)')}")
        store.run(f"DELETE FROM spans{sql.clause}", sql.params, PATCH_DELETE)


def _missing(store: EventStore, table: str, rows: Sequence[Any]) -> list[Any]:
    """The rows that are not in the table under their batch; of spans, the transactions that lack any of theirs."""
    if not rows:
        return []
    moments = [row.timestamp for row in rows]
    sql = in_projects(sorted({row.project_id for row in rows}))
    sql.add(f"batch_id = {sql.bind(rows[0].batch_id, 'UInt64')}")
    sql.add(f"timestamp >= {at_moment(sql, min(moments))} AND timestamp <= {at_moment(sql, max(moments))}")
    key = "project_id, toUnixTimestamp(timestamp), environment, release" if table == "sessions" else _EVENT_KEY
    columns = f"{_EVENT_KEY}, count()" if table == "spans" else key
    present = set(store.rows(f"SELECT {columns} FROM {table}{sql.clause} GROUP BY {key}", sql.params))
    return [row for row in rows if _identity(row) not in present]


def _identity(row: ErrorRow | TransactionRow | SpanRows | SessionRow) -> tuple[Any, ...]:
    """What tells the rows of one batch apart, as `_missing` asks for it."""
    if isinstance(row, SessionRow):
        return (row.project_id, int(row.timestamp.timestamp()), row.environment, row.release)
    if isinstance(row, SpanRows):
        return (row.project_id, UUID(row.event_id), len(row.span_ids))
    return (row.project_id, UUID(row.event_id))


def _columns(rows: Sequence[Any], types: dict[str, str]) -> list[list[Any]]:
    if isinstance(rows[0], SpanRows):
        return span_columns(rows)
    return [_column(rows, name, kind) for name, kind in types.items()]


def _column(rows: Sequence[Any], name: str, kind: str) -> list[Any]:
    convert = _CONVERTERS.get(kind)
    if convert:
        return [convert(getattr(row, name)) for row in rows]
    return [getattr(row, name) for row in rows]


def _encodable(value: Any) -> Any:
    """`value` with U+FFFD in place of every lone surrogate, however deep."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list | tuple):
        return [_encodable(each) for each in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return value
