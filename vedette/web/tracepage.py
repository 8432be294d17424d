"""What the page of a trace shows: its waterfall, its errors, where its time went, and one of its spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vedette.core import json
from vedette.core.clock import from_unix
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.performance import StoredSpan, TraceError, TraceFacts
from vedette.issues.models import Group
from vedette.projects.models import Project
from vedette.web.eventview.reading import as_dict
from vedette.web.eventview.values import Pairs, pairs_of
from vedette.web.vitals import Vital, order_of, read_vital
from vedette.web.waterfall import Waterfall, build, kind_of, kinds_of

MOST_SPANS = 2000
MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class FoundError:
    """An error of the trace with its issue, and whether its span stands in the waterfall. `offset_ms` is from the
    beginning of the trace, None where no span says when that was."""

    error: TraceError
    group: Group | None
    is_placed: bool
    offset_ms: float | None


@dataclass(frozen=True, slots=True)
class TracePage:
    """Everything of the page."""

    waterfall: Waterfall
    facts: TraceFacts
    errors: tuple[FoundError, ...]
    projects: tuple[Project, ...]
    kinds: list[tuple[str, str, int, float]]
    started_at: datetime | None
    measured: tuple[tuple[str, tuple[Vital, ...]], ...] = ()  # by the transaction's name

    @property
    def is_cut(self) -> bool:
        """Whether not all spans are shown."""
        return self.facts.spans > self.waterfall.shown


@dataclass(frozen=True, slots=True)
class SpanPage:
    """One span with all that is kept of it."""

    span: StoredSpan
    kind: str
    project: Project
    data: Pairs
    tags: Pairs
    measurements: tuple[Vital, ...]
    origin: str


def load_trace(projects: Sequence[Project], trace_id: str) -> TracePage | None:
    """The trace as far as it lies in these projects; None where none of it does. Raises `StoreUnavailable`."""
    store, known = event_store(), {project.pk: project for project in projects}
    if not known:
        return None
    spans = queries.trace_spans(store, list(known), trace_id, MOST_SPANS)
    errors = queries.trace_errors(store, list(known), trace_id, MOST_ERRORS)
    if not spans and not errors:
        return None
    waterfall = build(spans, errors)
    measured = queries.trace_transactions(store, list(known), trace_id) if spans else {}
    facts = queries.trace_facts(store, list(known), trace_id)
    seen = {span.project_id for span in spans} | {error.project_id for error in errors}
    return TracePage(
        waterfall=waterfall,
        facts=facts,
        errors=_errors(errors, spans, waterfall, known),
        projects=tuple(project for project in projects if project.pk in seen),
        kinds=kinds_of(facts.by_op),
        started_at=from_unix(waterfall.start_us / 1_000_000) if spans else errors[0].timestamp,
        measured=tuple(
            (span.transaction, _vitals(measured[span.event_id]))
            for span in spans
            if span.is_segment and span.event_id in measured
        ),
    )


def load_span(projects: Sequence[Project], trace_id: str, event_id: str, span_id: str) -> SpanPage | None:
    """One span of a trace; None where it does not lie in these projects. Raises `StoreUnavailable`."""
    known = {project.pk: project for project in projects}
    found = queries.get_span(event_store(), list(known), trace_id, event_id, span_id) if known else None
    if found is None:
        return None
    span, text = found
    details = _read(text)
    origin = details.get("origin")
    return SpanPage(
        span=span,
        kind=kind_of(span.op),
        project=known[span.project_id],
        data=pairs_of(list(as_dict(details.get("data")).items())),
        tags=pairs_of(list(as_dict(details.get("tags")).items())),
        measurements=_vitals(_numbers(details.get("measurements"))),
        origin=origin if isinstance(origin, str) else "",
    )


def _errors(
    errors: Sequence[TraceError], spans: Sequence[StoredSpan], waterfall: Waterfall, known: Mapping[int, Project]
) -> tuple[FoundError, ...]:
    groups = Group.objects.filter(project_id__in=known).select_related("project")
    issues = groups.in_bulk({error.group_id for error in errors})
    placed = {span.span_id for span in spans}
    start = from_unix(waterfall.start_us / 1_000_000) if spans else None
    return tuple(
        FoundError(
            error,
            issues.get(error.group_id),
            error.span_id in placed,
            (error.timestamp - start).total_seconds() * 1000 if start else None,
        )
        for error in errors
    )


def _read(text: bytes) -> dict[object, object]:
    try:
        return as_dict(json.loads(text)) if text else {}
    except json.JSONDecodeError:
        return {}


def _numbers(node: object) -> dict[str, float]:
    """`{name: {"value": number}}` as an SDK sends it, as plain numbers."""
    found = {str(name): as_dict(entry).get("value") for name, entry in as_dict(node).items()}
    return {name: float(value) for name, value in found.items() if isinstance(value, (int, float))}


def _vitals(values: Mapping[str, float]) -> tuple[Vital, ...]:
    return tuple(read_vital(name, values[name]) for name in sorted(values, key=order_of))
