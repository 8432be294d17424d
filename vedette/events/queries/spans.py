"""Spans: where the time of a transaction goes, and everything of one trace."""

from collections.abc import Sequence
from typing import Any

from vedette.events.client import EventStore
from vedette.events.filters import Sql, in_projects, in_window
from vedette.events.performance import SpanGroup, SpanOp, StoredSpan, TraceError, TraceFacts
from vedette.events.rows import Window

_SPAN = (
    "project_id, event_id, timestamp, transaction, environment, release, trace_id, span_id, parent_span_id, is_segment,"
    " started_at, duration_us, exclusive_us, op, status, if(raw_description = '', description, raw_description),"
    " group_hash"
)


def spans_by_op(
    store: EventStore, window: Window, transaction: str, *, release: str = "", limit: int = 12
) -> list[SpanOp]:
    """The time that each kind of span took by itself in the transactions of this name, most first."""
    sql = _of_transactions(window, transaction, release)
    rows = store.rows(
        "SELECT if(is_segment, '', op) AS kind, count() AS count, uniqExact(event_id), sum(exclusive_us) AS exclusive,"
        f" quantile(0.95)(duration_us) FROM spans{sql.clause} GROUP BY kind ORDER BY exclusive DESC, kind"
        f" LIMIT {sql.bind(limit, 'UInt64')}",
        sql.params,
    )
    return [
        SpanOp(op, count, transactions, exclusive / 1000, p95 / 1000)
        for op, count, transactions, exclusive, p95 in rows
    ]


def span_groups(
    store: EventStore, window: Window, transaction: str, *, release: str = "", limit: int = 10
) -> list[SpanGroup]:
    """The spans that take the most time by themselves in the transactions of this name, by group, with an example."""
    sql = _of_transactions(window, transaction, release)
    sql.add("NOT is_segment AND group_hash != ''")
    rows = store.rows(
        "SELECT group_hash, any(op), any(description), count(), uniqExact(event_id), sum(exclusive_us) AS exclusive,"
        " quantiles(0.5, 0.95)(duration_us), argMax((trace_id, span_id), duration_us)"
        f" FROM spans{sql.clause} GROUP BY group_hash ORDER BY exclusive DESC, group_hash"
        f" LIMIT {sql.bind(limit, 'UInt64')}",
        sql.params,
    )
    return [
        SpanGroup(group, op, description, count, transactions, exclusive / 1000, p50 / 1000, p95 / 1000, *example)
        for group, op, description, count, transactions, exclusive, (p50, p95), example in rows
    ]


def trace_spans(store: EventStore, projects: Sequence[int], trace_id: str, limit: int) -> list[StoredSpan]:
    """At most `limit` spans of a trace in these projects: transactions first, then the longest spans."""
    sql = in_projects(projects)
    sql.add(f"trace_id = {sql.bind(trace_id, 'String')}")
    rows = store.rows(
        f"SELECT {_SPAN} FROM spans{sql.clause} ORDER BY is_segment DESC, duration_us DESC, span_id"
        f" LIMIT {sql.bind(limit, 'UInt64')}",
        sql.params,
    )
    return [_span(row) for row in rows]


def trace_facts(store: EventStore, projects: Sequence[int], trace_id: str) -> TraceFacts:
    """How much a trace holds in these projects."""
    sql = in_projects(projects)
    sql.add(f"trace_id = {sql.bind(trace_id, 'String')}")
    spans = store.rows(
        "SELECT op, count(), sum(exclusive_us), countIf(is_segment) FROM spans"
        f"{sql.clause} GROUP BY op ORDER BY sum(exclusive_us) DESC, op",
        sql.params,
    )
    errors = store.value(f"SELECT count() FROM errors{sql.clause}", sql.params)
    return TraceFacts(
        spans=sum(row[1] for row in spans),
        transactions=sum(row[3] for row in spans),
        errors=int(errors),
        by_op=tuple((op, count, exclusive / 1000) for op, count, exclusive, _ in spans),
    )


def trace_errors(store: EventStore, projects: Sequence[int], trace_id: str, limit: int = 100) -> list[TraceError]:
    """Errors of a trace in these projects, oldest first."""
    sql = in_projects(projects)
    sql.add(f"trace_id = {sql.bind(trace_id, 'String')}")
    rows = store.rows(
        "SELECT event_id, project_id, group_id, timestamp, level, title, transaction, span_id"
        f" FROM errors{sql.clause} ORDER BY timestamp, event_id LIMIT {sql.bind(limit, 'UInt64')}",
        sql.params,
    )
    return [TraceError(event_id.hex, *rest) for event_id, *rest in rows]


def get_span(
    store: EventStore, projects: Sequence[int], trace_id: str, event_id: str, span_id: str
) -> tuple[StoredSpan, bytes] | None:
    """One span of a transaction with its details (JSON, or empty); None where there is none in these projects."""
    sql = in_projects(projects)
    sql.add(f"trace_id = {sql.bind(trace_id, 'String')} AND span_id = {sql.bind(span_id, 'String')}")
    sql.add(f"event_id = {sql.bind(event_id, 'UUID')}")
    rows = store.rows(
        f"SELECT {_SPAN}, details FROM spans{sql.clause} ORDER BY batch_id DESC, is_segment DESC LIMIT 1",
        sql.params,
        as_bytes=("details",),
    )
    return (_span(rows[0][:-1]), rows[0][-1]) if rows else None


def _span(row: Sequence[Any]) -> StoredSpan:
    project_id, event_id, *rest = row
    return StoredSpan(project_id, event_id.hex, *rest)


def _of_transactions(window: Window, name: str, release: str) -> Sql:
    sql = in_window(window)
    sql.add(f"transaction = {sql.bind(name, 'String')}")
    if release:
        sql.add(f"release = {sql.bind(release, 'String')}")
    return sql
