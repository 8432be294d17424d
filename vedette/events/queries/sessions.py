"""Sessions in numbers: counters summed up, sets united, over any stretch of time, whole or divided.

What the numbers mean is for `vedette.releases.rates` to say. Source: the release health specification, section 5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from vedette.events.client import EventStore
from vedette.events.filters import Sql, at_moment, in_environments, in_projects, like_pattern
from vedette.events.rows import SessionTotals, Window

Dimension = Literal["project", "release", "environment"]

MAX_ROWS = 100_000
_COLUMNS: dict[Dimension, str] = {"project": "project_id", "release": "release", "environment": "environment"}
# Names of sums never repeat a column's: ClickHouse would read the alias instead of the column.
_COUNTERS = (
    "sum(sessions)",
    "sum(crashed)",
    "sum(abnormal)",
    "sum(unhandled)",
    "sum(errored_preaggr) + uniqCombined64Merge(errored_sids)",
)
_USERS = tuple(
    f"uniqCombined64Merge({name})"
    for name in (
        "users",
        "users_errored",
        "users_crashed",
        "users_abnormal",
        "users_unhandled",
        "users_anr",
        "users_anr_foreground",
    )
)
_DURATIONS = (
    "sum(duration_count)",
    "sum(duration_sum)",
    "max(duration_max)",
    "quantilesTDigestMerge(0.5, 0.75, 0.9, 0.95, 0.99)(durations)",
)


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Only (`negated`: all but) the sessions with one of these values. In a value for `like` a star is any run of
    characters. Projects are compared as the text of their number."""

    dimension: Dimension
    values: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SessionSums:
    """What `totals` counts of one combination of dimensions, in one bucket (its place; 0 where nothing is divided)."""

    by: tuple[Any, ...]
    bucket: int
    totals: SessionTotals


@dataclass(frozen=True, slots=True)
class SessionEdges:
    """The first and last hour of a release that have sessions."""

    first: datetime
    last: datetime


def session_sums(
    store: EventStore,
    window: Window,
    by: Sequence[Dimension] = (),
    *,
    interval_seconds: int = 0,
    filters: Iterable[SessionFilter] = (),
    releases: Sequence[str] | None = None,
    users: bool = True,
    durations: bool = False,
) -> list[SessionSums]:
    """The sums for each combination of `by` that has data, and each bucket of it when an interval is given.

    Buckets begin at the window's start. Without `users` and `durations` those numbers are 0 and None. `releases` are
    the only ones to look at. Combinations come in order; at most `MAX_ROWS` of them.
    """
    sql = _sessions(window, filters, releases)
    keys = [_COLUMNS[name] for name in by]
    bucket = "0"
    if interval_seconds:
        start, interval = sql.bind(int(window.start.timestamp()), "Int64"), sql.bind(interval_seconds, "Int64")
        bucket = f"intDiv(toInt64(toUnixTimestamp(timestamp)) - {start}, {interval})"
    told = [*keys, f"{bucket} AS bucket", *_COUNTERS, *(_USERS if users else ()), *(_DURATIONS if durations else ())]
    grouped = ", ".join([*keys, "bucket"])
    rows = store.rows(
        f"SELECT {', '.join(told)} FROM sessions{sql.clause} GROUP BY {grouped} ORDER BY {grouped} LIMIT {MAX_ROWS}",
        sql.params,
    )
    return [_sums(row, len(keys), users, durations) for row in rows]


def session_edges(store: EventStore, window: Window, releases: Sequence[str]) -> dict[tuple[int, str], SessionEdges]:
    """The first and last hour with sessions by (project, release); what has none is missing."""
    if not releases:
        return {}
    sql = _sessions(window, (), releases)
    sql.add("sessions > 0")
    rows = store.rows(
        "SELECT project_id, release, toStartOfHour(min(timestamp)), toStartOfHour(max(timestamp)) FROM sessions"
        f"{sql.clause} GROUP BY project_id, release",
        sql.params,
    )
    return {(row[0], row[1]): SessionEdges(row[2], row[3]) for row in rows}


def session_releases(store: EventStore, window: Window) -> dict[tuple[int, str], datetime]:
    """Every (project, release) that sent sessions in the window, and the minute of its oldest there."""
    sql = _sessions(window, (), None)
    rows = store.rows(
        f"SELECT project_id, release, min(timestamp) FROM sessions{sql.clause} GROUP BY project_id, release"
        f" ORDER BY project_id, release LIMIT {MAX_ROWS}",
        sql.params,
    )
    return {(row[0], row[1]): row[2] for row in rows}


def session_projects(store: EventStore, start: datetime, end: datetime) -> list[int]:
    """The projects that sent sessions in this time, whoever they belong to: for work that goes over all of them."""
    sql = Sql()
    sql.add(f"timestamp >= {at_moment(sql, start)} AND timestamp < {at_moment(sql, end)}")
    return [
        row[0] for row in store.rows(f"SELECT DISTINCT project_id FROM sessions{sql.clause} ORDER BY 1", sql.params)
    ]


def _sessions(window: Window, filters: Iterable[SessionFilter], releases: Sequence[str] | None) -> Sql:
    sql = in_projects(window.projects)
    sql.add(f"timestamp >= {at_moment(sql, window.start)} AND timestamp < {at_moment(sql, window.end)}")
    in_environments(sql, window.environments)
    if releases is not None:
        sql.add(f"release IN {sql.bind(list(releases), 'Array(String)')}")
    for each in filters:
        sql.add(_condition(sql, each))
    return sql


def _condition(sql: Sql, each: SessionFilter) -> str:
    column = "toString(project_id)" if each.dimension == "project" else _COLUMNS[each.dimension]
    either = [f"{column} IN {sql.bind(list(each.values), 'Array(String)')}"]
    either += [f"lowerUTF8({column}) LIKE lowerUTF8({sql.bind(like_pattern(one), 'String')})" for one in each.like]
    condition = " OR ".join(either)
    return f"NOT ({condition})" if each.negated else condition


def _sums(row: Sequence[Any], keys: int, users: bool, durations: bool) -> SessionSums:
    by, bucket, rest = tuple(row[:keys]), int(row[keys]), list(row[keys + 1 :])
    counted = rest[: len(_COUNTERS)] + (rest[len(_COUNTERS) : len(_COUNTERS) + len(_USERS)] if users else [])
    counted += [0] * (len(_COUNTERS) + len(_USERS) - len(counted))
    totals = SessionTotals(*counted)
    if durations and rest[-4]:
        count, total, longest, quantiles = rest[-4:]
        average = total / count
        totals = replace(
            totals, duration_average=average, duration_longest=longest, duration_quantiles=tuple(quantiles)
        )
    return SessionSums(by, bucket, totals)
