"""Traces: spans under their parents, with the errors that happened in them.

Source: the API specification, P1 `trace` and `trace-meta`; the names are those of the public API.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from vedette.events.performance import StoredSpan, TraceError, TraceFacts
from vedette.events.tracetree import TraceTree
from vedette.projects.models import Project

DEEPEST = 50  # levels of the answer; what lies deeper stands on the last of them


class TraceErrorShape(TypedDict):
    """An error of a trace."""

    event_id: str
    event_type: str
    issue_id: int
    project_id: int
    project_slug: str
    level: str
    title: str
    message: str
    transaction: str
    start_timestamp: float
    timestamp: float
    children: list[dict[str, Any]]


class TraceSpanShape(TypedDict):
    """A span, or a transaction; `children` are spans like this one. Times are Unix seconds, durations milliseconds."""

    event_id: str
    event_type: str
    transaction_id: str
    transaction: str
    is_transaction: bool
    project_id: int
    project_slug: str
    parent_span_id: str | None
    op: str
    name: str
    description: str
    status: str
    start_timestamp: float
    end_timestamp: float
    duration: float
    exclusive_time: float
    measurements: dict[str, float]
    errors: list[TraceErrorShape]
    occurrences: list[dict[str, Any]]
    children: list[dict[str, Any]]


class TraceMeta(TypedDict):
    errors: int
    performance_issues: int
    logs: int
    span_count: int
    span_count_map: dict[str, int]
    transaction_child_count_map: list[dict[str, Any]]


TraceMeta.__doc__ = "How much a trace holds."


def as_trace(
    spans: Sequence[StoredSpan],
    errors: Sequence[TraceError],
    measured: Mapping[str, Mapping[str, float]],
    projects: Mapping[int, Project],
) -> list[TraceSpanShape | TraceErrorShape]:
    """The trace as a list of what has no parent: spans first, then errors of spans that are not here."""
    of_span: dict[str, list[TraceError]] = defaultdict(list)
    for error in errors:
        of_span[error.span_id].append(error)
    top: list[Any] = []
    path: list[TraceSpanShape] = []
    for index, depth in TraceTree(spans).in_order():
        span = spans[index]
        shape = _span(span, measured.get(span.event_id, {}), projects[span.project_id])
        shape["errors"] = [_error(error, projects[error.project_id]) for error in of_span.pop(span.span_id, ())]
        del path[min(depth, DEEPEST) :]
        (path[-1]["children"] if path else top).append(shape)  # type: ignore[arg-type]
        path.append(shape)
    left = [error for some in of_span.values() for error in some]
    return [*top, *(_error(error, projects[error.project_id]) for error in left)]


def as_trace_meta(facts: TraceFacts, spans: Sequence[StoredSpan]) -> TraceMeta:
    """The counts of a trace; children are counted among `spans`."""
    children: dict[str, int] = defaultdict(int)
    for span in spans:
        children[span.event_id] += 1
    return {
        "errors": facts.errors,
        "performance_issues": 0,
        "logs": 0,
        "span_count": facts.spans,
        "span_count_map": {op: count for op, count, _ in facts.by_op},
        "transaction_child_count_map": [
            {"transaction.event_id": event_id, "count()": count} for event_id, count in children.items()
        ],
    }


def _span(span: StoredSpan, measured: Mapping[str, float], project: Project) -> TraceSpanShape:
    start = span.started_at.timestamp()
    return {
        "event_id": span.span_id,
        "event_type": "span",
        "transaction_id": span.event_id,
        "transaction": span.transaction,
        "is_transaction": span.is_segment,
        "project_id": span.project_id,
        "project_slug": project.slug,
        "parent_span_id": span.parent_span_id or None,
        "op": span.op,
        "name": span.transaction if span.is_segment else span.op,
        "description": span.description,
        "status": span.status,
        "start_timestamp": start,
        "end_timestamp": start + span.duration_us / 1_000_000,
        "duration": span.duration_us / 1000,
        "exclusive_time": span.exclusive_us / 1000,
        "measurements": dict(measured) if span.is_segment else {},
        "errors": [],
        "occurrences": [],
        "children": [],
    }


def _error(error: TraceError, project: Project) -> TraceErrorShape:
    return {
        "event_id": error.event_id,
        "event_type": "error",
        "issue_id": error.group_id,
        "project_id": error.project_id,
        "project_slug": project.slug,
        "level": error.level,
        "title": error.title,
        "message": error.title,
        "transaction": error.transaction,
        "start_timestamp": error.timestamp.timestamp(),
        "timestamp": error.timestamp.timestamp(),
        "children": [],
    }
