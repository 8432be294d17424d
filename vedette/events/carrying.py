"""Events out of one store and into another, as lines of JSON: a move between servers carries them.

Each page is some thousand rows of one project in the order of the table's key, whatever is inserted meanwhile; the
server writes the JSON itself. A line is an array: the columns are told once, by `Carried.columns`. Numbers of batches
stay behind: rows that were carried have number `CARRIED_BATCH`. What sessions add up to travels as the states of the
aggregates, which can be merged anywhere and read nowhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from vedette.core.clock import EPOCH
from vedette.events.client import EventStore, StoreShortOfMemory
from vedette.events.spancolumns import SPAN_COLUMNS
from vedette.events.writer import ERROR_COLUMNS, SESSION_COLUMNS, TRANSACTION_COLUMNS

CARRIED_BATCH = 0  # smaller than that of any batch: what comes later replaces what was carried
ROWS_PER_PAGE = 2_000
_FEWEST_ROWS = 10  # of a page, where the store is short of memory
_MOMENT, _SECOND = "DateTime64(6, 'UTC')", "DateTime('UTC')"
_STATES = {
    **dict.fromkeys(
        (
            *("errored_sids", "users", "users_errored", "users_crashed", "users_abnormal", "users_unhandled"),
            *("users_anr", "users_anr_foreground"),
        ),
        "uniqCombined64",
    ),
    "durations": "quantilesTDigest(0.5, 0.75, 0.9, 0.95, 0.99)",
}
_SUMS = ("sessions", "crashed", "abnormal", "unhandled", "errored_preaggr", "duration_count", "duration_sum")
_SESSION_KEY = ("timestamp", "environment", "release")
_JSON = {"output_format_json_quote_64bit_integers": 0, "output_format_json_escape_forward_slashes": 0}


@dataclass(frozen=True, slots=True)
class Carried:
    """How the rows of one table are carried.

    `columns` are names and types of the lines: moments are microseconds since 1970 (of `sessions`, seconds), states are
    hex digits. `order` is what pages go by within a project; `until` is the column whose later values stay behind.
    """

    name: str
    columns: Mapping[str, str]
    order: tuple[str, ...]
    until: str = "received_at"


ERRORS = Carried(
    "errors",
    {name: kind for name, kind in ERROR_COLUMNS.items() if name != "batch_id"},
    ("primary_hash", "timestamp", "event_id"),
)
TRANSACTIONS = Carried(
    "transactions",
    {name: kind for name, kind in TRANSACTION_COLUMNS.items() if name != "batch_id"},
    ("transaction", "timestamp", "event_id"),
)
SPANS = Carried(
    "spans",
    {name: kind for name, kind in SPAN_COLUMNS.items() if name != "batch_id"},
    ("transaction", "timestamp", "event_id"),
    until="timestamp",
)
SESSIONS = Carried(
    "sessions",
    {
        name: kind
        for name, kind in SESSION_COLUMNS.items()
        if name in ("project_id", *_SESSION_KEY, *_SUMS, "duration_max")
    }
    | dict.fromkeys(_STATES, "String"),
    _SESSION_KEY,
    until="timestamp",
)
CARRIED = (ERRORS, TRANSACTIONS, SPANS, SESSIONS)


def count_rows(store: EventStore, table: Carried, project_ids: Sequence[int]) -> dict[int, int]:
    """How many rows these projects have in a table, by project; those without any are left out."""
    if not project_ids:
        return {}
    rows = store.rows(
        f"SELECT project_id, count() FROM {table.name} WHERE project_id IN {{projects:Array(UInt64)}}"
        " GROUP BY project_id",
        {"projects": list(project_ids)},
    )
    return {int(project): int(count) for project, count in rows}


def pages_of(
    store: EventStore, table: Carried, project_id: int, until: datetime, rows: int = ROWS_PER_PAGE
) -> Iterator[list[bytes]]:
    """The rows that a project had at `until` (aware), some thousand lines at a time.

    A page is longer than `rows` only where more have the same place in the order; it is shorter where the store was
    short of memory. Raises `StoreUnavailable`: pages that were given stay good, but the caller has to begin again.
    """
    after: dict[str, Any] = {}
    size = rows
    while True:
        try:
            lines = _page(store, table, project_id, until, after, size)
        except StoreShortOfMemory:
            if size <= _FEWEST_ROWS:
                raise
            size = max(size // 4, _FEWEST_ROWS)
            continue
        if lines:
            yield lines
        if len(lines) < size:
            return
        last = orjson.loads(lines[-1])
        names = list(table.columns)
        after = {name: last[names.index(name)] for name in table.order}


def _page(
    store: EventStore, table: Carried, project_id: int, until: datetime, after: Mapping[str, Any], rows: int
) -> list[bytes]:
    params: dict[str, Any] = {"project": project_id, "rows": rows, **after}
    params["until"] = (until - EPOCH).total_seconds()
    conditions = "project_id = {project:UInt64} AND " + table.until + " <= toDateTime64({until:Float64}, 6, 'UTC')"
    if after:
        conditions += f" AND {_behind(table)}"
    if table is SESSIONS:
        values = [f"{_MERGED.get(name, name)} AS c{place}" for place, name in enumerate(table.columns)]
        source = f"SELECT {', '.join(values)} FROM sessions WHERE {conditions} GROUP BY project_id, "
        source += ", ".join(_SESSION_KEY)
    else:
        source = (
            f"SELECT {', '.join(f'{name} AS c{place}' for place, name in enumerate(table.columns))}"
            f" FROM {table.name} WHERE {conditions}"
        )
    names = list(table.columns)
    order = ", ".join(f"c{names.index(name)}" for name in table.order)
    told = ", ".join(_told(place, table.columns[name]) for place, name in enumerate(names))
    # Ordered in the inner query, which reads along the key; the outer one keeps the order of its single stream.
    statement = f"SELECT {told} FROM ({source} ORDER BY {order} LIMIT {{rows:UInt64}} WITH TIES)"
    body = store.raw(statement, params, "JSONCompactEachRow", {**_JSON, "max_threads": 1})
    return body.splitlines(keepends=True)


def _state(name: str, function: str) -> str:
    called, bracket, rest = function.partition("(")
    return f"hex({called}MergeState{bracket}{rest}({name}))"


_MERGED = {
    **{name: f"sum({name})" for name in _SUMS},
    "duration_max": "max(duration_max)",
    **{name: _state(name, function) for name, function in _STATES.items()},
}


def _told(place: int, kind: str) -> str:
    if kind == _MOMENT:
        return f"toUnixTimestamp64Micro(c{place})"
    return f"toUnixTimestamp(c{place})" if kind == _SECOND else f"c{place}"


def _behind(table: Carried) -> str:
    """That a row comes after the one whose values are bound, in the form that the index understands."""
    condition = ""
    for name in reversed(table.order):
        value = f"{{{name}:{_bound(table.columns[name])}}}"
        if table.columns[name] == _MOMENT:
            value = f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')"
        elif table.columns[name] == _SECOND:
            value = f"toDateTime({{{name}:UInt32}}, 'UTC')"
        further = f" OR ({name} = {value} AND {condition})" if condition else ""
        condition = f"({name} > {value}{further})"
    return condition


def _bound(kind: str) -> str:
    return "String" if kind.startswith("LowCardinality") else kind


def write_carried(store: EventStore, table: Carried, columns: Sequence[Sequence[Any]], token: str) -> None:
    """Insert rows that were carried: the values of each of `table.columns`, in their order. Durable when it returns.

    The token makes a second insert of the same rows a no-op, as far as the store remembers it: after an interruption
    the caller looks what is there. Raises `StoreUnavailable`, and ValueError for values that are none of their column.
    """
    if not columns or not columns[0]:
        return
    batch = [CARRIED_BATCH] * len(columns[0])
    if table is SESSIONS:
        _write_sessions(store, columns, batch, token)
        return
    names, kinds = (*table.columns, "batch_id"), (*table.columns.values(), "UInt64")
    store.insert(table.name, names, kinds, [*columns, batch], token=token)


def _write_sessions(store: EventStore, columns: Sequence[Sequence[Any]], batch: Sequence[int], token: str) -> None:
    """States are parsed one by one from a text of their own, so that none can reach into what follows it."""
    names = (*SESSIONS.columns, "batch_id")
    lines = []
    for row in zip(*columns, batch, strict=True):
        values = (bytes.fromhex(value) if name in _STATES else value for name, value in zip(names, row, strict=True))
        lines.append(b"\t".join(map(_escaped, values)) + b"\n")
    store.insert_text("sessions", names, b"".join(lines), "TabSeparated", token=token)


def _escaped(value: Any) -> bytes:
    raw = value if isinstance(value, bytes) else str(value).encode()
    raw = raw.replace(b"\\", b"\\\\")
    for plain, letter in ((b"\t", b"t"), (b"\n", b"n"), (b"\r", b"r"), (b"\0", b"0"), (b"\b", b"b"), (b"\f", b"f")):
        raw = raw.replace(plain, b"\\" + letter)
    return raw


def present_of(store: EventStore, table: Carried, project_id: int, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Which of these event ids (32 hex digits) a project has in a table: ids, each with its UTC day (`2026-11-21`)."""
    if not ids:
        return set()
    rows = store.rows(
        f"SELECT DISTINCT replaceAll(toString(event_id), '-', ''), toString(toDate(timestamp)) FROM {table.name}"
        " WHERE project_id = {project:UInt64} AND event_id IN {ids:Array(UUID)}",
        {"project": project_id, "ids": list(ids)},
    )
    return {(str(found), str(day)) for found, day in rows}


def carried_minutes(
    store: EventStore, project_ids: Sequence[int], first: int, last: int
) -> set[tuple[int, int, str, str]]:
    """Which rows of sessions were carried already between two moments (seconds since 1970, both included): project,
    moment, environment, release. To be asked within a week: afterwards the rows of all batches are one."""
    rows = store.rows(
        "SELECT DISTINCT project_id, toUnixTimestamp(timestamp), environment, release FROM sessions"
        " WHERE project_id IN {projects:Array(UInt64)} AND batch_id = {batch:UInt64}"
        " AND timestamp >= toDateTime({first:UInt32}, 'UTC') AND timestamp <= toDateTime({last:UInt32}, 'UTC')",
        {"projects": list(project_ids), "batch": CARRIED_BATCH, "first": first, "last": last},
    )
    return {(int(project), int(moment), str(env), str(release)) for project, moment, env, release in rows}
