"""Transactions: lists, the numbers of each name, and how they change over time.

A transaction fails unless its status is ok, cancelled or unknown (search specification, 14).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from vedette.events.client import EventStore
from vedette.events.filters import Sql, in_projects, in_window, like_pattern
from vedette.events.performance import (
    LatencyBucket,
    Measurement,
    TransactionBucket,
    TransactionStats,
    TransactionSummary,
)
from vedette.events.queries.events import days_of
from vedette.events.queries.series import bucket_count, bucket_index
from vedette.events.rows import KnownTransaction, Window

FAILED = "status NOT IN ('', 'ok', 'cancelled', 'unknown')"
STEPS_PER_DOUBLING = 2  # of the buckets of a histogram

_SUMMARY = (
    "event_id, project_id, started_at, timestamp, transaction, op, status, duration_ms, trace_id, span_id,"
    " environment, release, user, span_count"
)
# `quantiles` keeps a sample of 8192: exact for fewer, and in bounded memory for more.
_STATS = (
    "count() AS count, countIf(" + FAILED + ") AS failed, uniqIf(user, user != '') AS users,"
    " quantiles(0.5, 0.75, 0.95)(duration_ms) AS percentiles, sum(duration_ms) AS total, max(timestamp) AS last_seen"
)
_ORDERS = {
    "total": "total",
    "count": "count",
    "p50": "percentiles[1]",
    "p75": "percentiles[2]",
    "p95": "percentiles[3]",
    "failures": "failed / count",
    "users": "users",
    "last": "last_seen",
}
Order = Literal["total", "count", "p50", "p75", "p95", "failures", "users", "last"]
ORDERS: tuple[Order, ...] = ("total", "count", "p50", "p75", "p95", "failures", "users", "last")


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions of a window. `name` is exact, `contains` any part of it whatever the letter case (a star is
    any run of characters); empty texts ask for nothing."""

    name: str = ""
    contains: str = ""
    op: str = ""
    release: str = ""


ANY = TransactionFilter()


def list_transactions(
    store: EventStore,
    window: Window,
    where: TransactionFilter = ANY,
    *,
    slowest: bool = False,
    failed: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[TransactionSummary]:
    """Transactions of the window, newest first or slowest first."""
    sql = _matching(window, where)
    if failed:
        sql.add(FAILED)
    order = "duration_ms DESC, timestamp DESC, event_id DESC" if slowest else "timestamp DESC, event_id DESC"
    rows = store.rows(
        f"SELECT {_SUMMARY} FROM transactions{sql.clause} ORDER BY {order}"
        f" LIMIT {sql.bind(limit, 'UInt64')} OFFSET {sql.bind(offset, 'UInt64')}",
        sql.params,
    )
    return [summary_of(row) for row in rows]


def count_transactions(store: EventStore, window: Window) -> int:
    """How many transactions the window holds."""
    sql = in_window(window)
    return int(store.value(f"SELECT count() FROM transactions{sql.clause}", sql.params))


def known_transactions(store: EventStore, ids: Sequence[tuple[int, str, datetime]]) -> list[KnownTransaction]:
    """Which of these (project, event id, moment) are stored already: same project, same UTC day, same id.

    The counterpart of `known_events`: one query for a batch, and several rows of one transaction all come back.
    """
    if not ids:
        return []
    asked, sql = days_of(ids)
    rows = store.rows(
        "SELECT project_id, event_id, toString(toDate(timestamp)), batch_id"
        f" FROM transactions{sql.clause} ORDER BY batch_id",
        sql.params,
    )
    found = [KnownTransaction(project_id, event_id.hex, *rest) for project_id, event_id, *rest in rows]
    return [one for one in found if one.identity in asked]


def transaction_stats(
    store: EventStore,
    window: Window,
    where: TransactionFilter = ANY,
    *,
    by: Order = "total",
    ascending: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> list[TransactionStats]:
    """The numbers of each (project, name, operation) of the window, in this order; ties by name."""
    sql = _matching(window, where)
    rows = store.rows(
        f"SELECT project_id, transaction, op, {_STATS} FROM transactions{sql.clause}"
        f" GROUP BY project_id, transaction, op ORDER BY {_ORDERS[by]} {'ASC' if ascending else 'DESC'},"
        f" transaction, op, project_id LIMIT {sql.bind(limit, 'UInt64')} OFFSET {sql.bind(offset, 'UInt64')}",
        sql.params,
    )
    return [_stats(row) for row in rows]


def transaction_totals(store: EventStore, window: Window, where: TransactionFilter = ANY) -> TransactionStats | None:
    """The same numbers of all of them together (project 0, no name); None where there is none."""
    sql = _matching(window, where)
    row = store.rows(f"SELECT 0, '', '', {_STATS} FROM transactions{sql.clause}", sql.params)[0]
    return _stats(row) if row[3] else None


def transaction_series(
    store: EventStore, window: Window, interval_seconds: int, where: TransactionFilter = ANY
) -> list[TransactionBucket]:
    """Counts, failures and percentiles per interval, oldest first, empty buckets filled in."""
    buckets = [TransactionBucket(0, 0, 0.0, 0.0)] * bucket_count(window, interval_seconds)
    sql = _matching(window, where)
    bucket = bucket_index(sql, window, interval_seconds)
    rows = store.rows(
        f"SELECT {bucket} AS bucket, count(), countIf({FAILED}), quantiles(0.5, 0.95)(duration_ms)"
        f" FROM transactions{sql.clause} GROUP BY bucket",
        sql.params,
    )
    for index, count, failed, (p50, p95) in rows:
        buckets[index] = TransactionBucket(count, failed, p50, p95)
    return buckets


def latency_histogram(store: EventStore, window: Window, where: TransactionFilter = ANY) -> list[LatencyBucket]:
    """How many took how long: two buckets for each doubling of milliseconds, shortest first, gaps filled in."""
    sql = _matching(window, where)
    # Less than a tenth of a millisecond is one bucket, so that a hostile zero is no endless run of gaps.
    step = f"toInt32(floor(log2(greatest(duration_ms, 0.1)) * {STEPS_PER_DOUBLING}))"
    rows = store.rows(f"SELECT {step} AS step, count() FROM transactions{sql.clause} GROUP BY step", sql.params)
    counts = {int(row[0]): int(row[1]) for row in rows}
    if not counts:
        return []
    steps = range(min(counts), max(counts) + 1)
    return [
        LatencyBucket(2 ** (step / STEPS_PER_DOUBLING), 2 ** ((step + 1) / STEPS_PER_DOUBLING), counts.get(step, 0))
        for step in steps
    ]


def measurements(
    store: EventStore, window: Window, where: TransactionFilter = ANY, *, limit: int = 20
) -> list[Measurement]:
    """What the transactions measured (web vitals and others): count, median and 75th percentile of each, by count."""
    sql = _matching(window, where)
    rows = store.rows(
        "SELECT pair.1 AS name, count() AS count, quantiles(0.5, 0.75)(pair.2) FROM ("
        f"SELECT arrayJoin(measurements) AS pair FROM transactions{sql.clause}"
        f") GROUP BY name ORDER BY count DESC, name LIMIT {sql.bind(limit, 'UInt64')}",
        sql.params,
    )
    return [Measurement(name, count, p50, p75) for name, count, (p50, p75) in rows]


def trace_transactions(store: EventStore, projects: Sequence[int], trace_id: str, limit: int = 200) -> dict[str, Any]:
    """What the transactions of a trace measured, by event id."""
    sql = in_projects(projects)
    sql.add(f"trace_id = {sql.bind(trace_id, 'String')}")
    sql.add("notEmpty(measurements)")
    rows = store.rows(
        f"SELECT event_id, measurements FROM transactions{sql.clause} LIMIT {sql.bind(limit, 'UInt64')}", sql.params
    )
    return {event_id.hex: values for event_id, values in rows}


def summary_of(row: Sequence[Any]) -> TransactionSummary:
    """One row of the columns of a summary."""
    event_id, *rest = row
    return TransactionSummary(event_id.hex, *rest)


def _stats(row: Sequence[Any]) -> TransactionStats:
    project_id, transaction, op, count, failed, users, (p50, p75, p95), total, last_seen = row
    return TransactionStats(project_id, transaction, op, count, failed, users, p50, p75, p95, total, last_seen)


def _matching(window: Window, where: TransactionFilter) -> Sql:
    sql = in_window(window)
    for column, value in (("transaction", where.name), ("op", where.op), ("release", where.release)):
        if value:
            sql.add(f"{column} = {sql.bind(value, 'String')}")
    if where.contains:
        pattern = sql.bind("%" + like_pattern(where.contains) + "%", "String")
        sql.add(f"lowerUTF8(transaction) LIKE lowerUTF8({pattern})")
    return sql
