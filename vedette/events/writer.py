"""Rows into the event store, and out of it again.

One insert is one batch, columnar, with a token: the engine drops a second insert with the same token and rows, part by
part, so a batch may be replayed after a crash at any moment, and is completed after it (`complete_errors`). Deleting
and moving write patches beside the parts (34-140 ms at a million rows, where a rewrite takes seconds). Everything here
may be repeated without harm.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from vedette.core.clock import EPOCH
from vedette.events.client import EventStore, StoreUnavailable
from vedette.events.filters import at_moment, in_projects
from vedette.events.rows import ErrorRow, KnownEvent, TransactionRow

PATCH_DELETE = {"lightweight_delete_mode": "lightweight_update"}
IDS_PER_DELETE = 1000
COMPLETIONS = 10  # a token of one may itself be noted and lost, by a kill in just that moment again
TABLES = ("errors", "transactions")

_MICROSECOND = timedelta(microseconds=1)
_WEEK = timedelta(days=7)
_PARTITION_ID = re.compile(r"(\d{4})(\d{2})(\d{2})")

# How a value of a row becomes a value of its column, by type; what is not listed goes in as it is.
_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "DateTime64(6, 'UTC')": lambda moment: (moment - EPOCH) // _MICROSECOND,
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


def write_errors(store: EventStore, rows: Sequence[ErrorRow], token: str) -> None:
    """Insert a batch of error events. Durable (synced) when it returns; adds nothing when it had been written before.

    The token belongs to these rows in this order: a replay must bring the same ones.
    """
    _write(store, "errors", ERROR_COLUMNS, rows, token)


def write_transactions(store: EventStore, rows: Sequence[TransactionRow], token: str) -> None:
    """Insert a batch of transactions, under the same promises."""
    _write(store, "transactions", TRANSACTION_COLUMNS, rows, token)


def complete_errors(store: EventStore, rows: Sequence[ErrorRow], token: str) -> int:
    """Insert what is missing of a batch that may have been written, in part, before a kill; gives how many rows were.

    The engine notes a token before the rows that it stands for are in place, so that a kill between the two makes it
    drop the replay of rows that it never kept. After a replay, therefore, look, and write what is not there under
    another token. `rows` are of one `batch_id`, each event once.
    """
    return _complete(store, "errors", ERROR_COLUMNS, rows, token)


def complete_transactions(store: EventStore, rows: Sequence[TransactionRow], token: str) -> int:
    """The same for transactions."""
    return _complete(store, "transactions", TRANSACTION_COLUMNS, rows, token)


def forget_replaced(store: EventStore, known: Iterable[KnownEvent], batch_id: int) -> None:
    """Delete the earlier rows of events that batch `batch_id` wrote again.

    Rows go that have one of these (project, event id, day) and another batch. Call it after the batch is written: a
    reader between the two sees both, and `get_event` takes the newest batch.
    """
    events = defaultdict(list)
    for event in known:
        events[event.project_id, event.day].append(event.event_id)
    for (project_id, day), ids in events.items():
        for start in range(0, len(ids), IDS_PER_DELETE):
            store.run(
                "DELETE FROM errors WHERE project_id = {project:UInt64} AND toDate(timestamp) = {day:Date}"
                " AND event_id IN {ids:Array(UUID)} AND batch_id != {batch:UInt64}",
                {"project": project_id, "day": day, "ids": ids[start : start + IDS_PER_DELETE], "batch": batch_id},
                PATCH_DELETE,
            )


def move_group(store: EventStore, project_id: int, from_group: int, to_group: int) -> None:
    """Give the events of one issue to another (merge). Visible when it returns."""
    store.run(
        "UPDATE errors SET group_id = {to:UInt64} WHERE project_id = {project:UInt64} AND group_id = {from:UInt64}",
        {"project": project_id, "from": from_group, "to": to_group},
    )


def delete_groups(store: EventStore, project_id: int, group_ids: Sequence[int]) -> None:
    """Delete the events of these issues."""
    if group_ids:
        store.run(
            "DELETE FROM errors WHERE project_id = {project:UInt64} AND group_id IN {groups:Array(UInt64)}",
            {"project": project_id, "groups": list(group_ids)},
            PATCH_DELETE,
        )


def delete_project(store: EventStore, project_id: int) -> None:
    """Delete everything that a project has sent."""
    for table in TABLES:
        store.run(f"DELETE FROM {table} WHERE project_id = {{project:UInt64}}", {"project": project_id}, PATCH_DELETE)


def drop_before(store: EventStore, moment: datetime, *, dry_run: bool = False) -> list[str]:
    """Drop the weeks that ended by `moment` (aware); what was dropped, as `table/YYYYMMDD` of each week's Monday.

    A week that `moment` lies in stays whole: retention is exact to a week, and costs nothing. With `dry_run` it only
    says what it would drop.
    """
    dropped = []
    for table in TABLES:
        partitions = store.rows(
            "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase()"
            " AND table = {table:String} ORDER BY partition_id",
            {"table": table},
        )
        for (partition_id,) in partitions:
            match = _PARTITION_ID.fullmatch(partition_id)  # patches live in partitions with longer names
            if match and datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=EPOCH.tzinfo) + _WEEK <= moment:
                if not dry_run:
                    store.run(f"ALTER TABLE {table} DROP PARTITION ID '{match[0]}'")
                dropped.append(f"{table}/{match[0]}")
    return dropped


def _write(
    store: EventStore,
    table: str,
    types: dict[str, str],
    rows: Sequence[ErrorRow] | Sequence[TransactionRow],
    token: str,
) -> None:
    if not rows:
        return
    if not token:
        raise ValueError("an insert without a token could be stored twice")
    columns = [_column(rows, name, kind) for name, kind in types.items()]
    try:
        store.insert(table, tuple(types), tuple(types.values()), columns, token=token)
    except UnicodeEncodeError:  # a lone surrogate that got through: rare, so looked for only now
        store.insert(table, tuple(types), tuple(types.values()), [_encodable(c) for c in columns], token=token)


def _complete(
    store: EventStore,
    table: str,
    types: dict[str, str],
    rows: Sequence[ErrorRow] | Sequence[TransactionRow],
    token: str,
) -> int:
    _write(store, table, types, rows, token)
    added = 0
    for attempt in range(COMPLETIONS):
        missing = _missing(store, table, rows)
        if not missing:
            return added
        _write(store, table, types, missing, f"{token}-{attempt}")
        added += len(missing)
    if _missing(store, table, rows):
        raise StoreUnavailable(f"rows of batch {rows[0].batch_id} do not stay written")
    return added


def _missing(store: EventStore, table: str, rows: Sequence[Any]) -> list[Any]:
    """The rows that are not in the table under their batch."""
    if not rows:
        return []
    moments = [row.timestamp for row in rows]
    sql = in_projects(sorted({row.project_id for row in rows}))
    sql.add(f"batch_id = {sql.bind(rows[0].batch_id, 'UInt64')}")
    sql.add(f"timestamp >= {at_moment(sql, min(moments))} AND timestamp <= {at_moment(sql, max(moments))}")
    found = store.rows(f"SELECT project_id, event_id FROM {table}{sql.clause}", sql.params)
    present = {(project, event.hex) for project, event in found}
    return [row for row in rows if (row.project_id, row.event_id.replace("-", "").lower()) not in present]


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
