"""Events out of one store and into another, as lines of JSON: a move between servers carries them.

Each page is some thousand rows of one project and one week in the order of the table's key, whatever is inserted
meanwhile; the server writes the JSON itself. A line is an array: the columns are told once, by `Carried.columns`.
Numbers of batches stay behind: rows that were carried have number `CARRIED_BATCH`. What sessions add up to travels as
the states of the aggregates, which can be merged anywhere and read nowhere.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from clickhouse_connect.driver.exceptions import DatabaseError

from vedette.core.clock import EPOCH
from vedette.events.client import EventStore, StoreShortOfMemory
from vedette.events.spancolumns import SPAN_COLUMNS
from vedette.events.writer import ERROR_COLUMNS, SESSION_COLUMNS, TRANSACTION_COLUMNS

CARRIED_BATCH = 0  # smaller than that of any batch: what comes later replaces what was carried
ROWS_PER_PAGE = 5_000
PAGE_BYTES = 32 * 2**20  # of values in a page; of larger rows there are fewer
_FEWEST_ROWS = 10  # of a page, where rows are large or the store is short of memory
_TOO_MUCH = 396  # ClickHouse's code for a result that is larger than was asked for
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
    """The rows that a project had at `until` (aware), some thousand lines at a time, week by week: so a page becomes
    one part where it is inserted.

    Rows that share a place in the order (the spans of a transaction) are in one page, however many. Raises
    `StoreUnavailable`: pages that were given stay good, but the caller has to begin again.
    """
    known = {"project": project_id, "until": (until - EPOCH).total_seconds()}
    for (week,) in store.rows(f"SELECT DISTINCT toMonday(timestamp) AS week {_source(table)} ORDER BY week", known):
        yield from _pages_of_week(store, table, known | {"week": week}, rows)


def _pages_of_week(store: EventStore, table: Carried, known: Mapping[str, Any], rows: int) -> Iterator[list[bytes]]:
    after: dict[str, Any] = {}
    places = {name: list(table.columns).index(name) for name in table.order}
    size = rows
    while True:
        try:
            lines = _page(store, table, {**known, **after}, size, is_first=not after)
        except (StoreShortOfMemory, DatabaseError) as error:
            if size <= _FEWEST_ROWS or getattr(error, "code", None) not in ("store-short-of-memory", _TOO_MUCH):
                raise
            size = max(size // 4, _FEWEST_ROWS)
            continue
        if len(lines) < size:
            if lines:
                yield lines
            return
        whole = _without_the_last_place(lines, places.values())
        if not whole:  # all of them share one place
            size *= 4
            continue
        yield whole
        last = orjson.loads(whole[-1])
        after = {name: last[place] for name, place in places.items()}
        size = min(2 * size, rows)


def _without_the_last_place(lines: list[bytes], places: Iterable[int]) -> list[bytes]:
    """Without the rows at the end that share a place in the order: there may be more of them."""
    end = len(lines)
    last = _values(lines[-1], places)
    while end and _values(lines[end - 1], places) == last:
        end -= 1
    return lines[:end]


def _values(line: bytes, places: Iterable[int]) -> list[Any]:
    row = orjson.loads(line)
    return [row[place] for place in places]


def _page(store: EventStore, table: Carried, params: Mapping[str, Any], rows: int, *, is_first: bool) -> list[bytes]:
    told = ", ".join(_told(table, name) for name in table.columns)
    statement = f"SELECT {told} {_source(table)} AND toMonday(timestamp) = {{week:Date}}"
    if not is_first:
        statement += f" AND {_behind(table)}"
    if table is SESSIONS:
        statement += f" GROUP BY project_id, {', '.join(_SESSION_KEY)}"
    statement += f" ORDER BY {', '.join(table.order)} LIMIT {{rows:UInt64}}"
    body = store.raw(
        statement, {**params, "rows": rows}, "JSONCompactEachRow", {**_JSON, "max_result_bytes": PAGE_BYTES}
    )
    return body.splitlines(keepends=True)


def _source(table: Carried) -> str:
    until = "toDateTime64({until:Float64}, 6, 'UTC')"
    return f"FROM {table.name} WHERE project_id = {{project:UInt64}} AND {table.until} <= {until}"


def _state(name: str, function: str) -> str:
    called, bracket, rest = function.partition("(")
    return f"hex({called}MergeState{bracket}{rest}({name}))"


_MERGED = {
    **{name: f"sum({name})" for name in _SUMS},
    "duration_max": "max(duration_max)",
    **{name: _state(name, function) for name, function in _STATES.items()},
}


def _told(table: Carried, name: str) -> str:
    """A column as a line tells it. Without names: an alias would stand for the column in conditions."""
    if table.columns[name] == _MOMENT:
        return f"toUnixTimestamp64Micro({name})"
    if table.columns[name] == _SECOND:
        return f"toUnixTimestamp({name})"
    return _MERGED.get(name, name) if table is SESSIONS else name


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
