"""Traces: the whole tree of spans, and how much it holds.

Source: the API specification, P1 `O/trace/{trace}/` and `O/trace-meta/{trace}/`.
"""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import projects
from vedette.api.operations import EVENT_READ, PROJECT, Operation, operation
from vedette.api.shapes.traces import TraceErrorShape, TraceMeta, TraceSpanShape, as_trace, as_trace_meta
from vedette.core.ids import as_event_id
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.projects.models import Project

MOST_SPANS = 10_000
MOST_ERRORS = 1000


class _OfTrace(OrganizationEndpoint):
    """Something of one trace: as much of it as lies in the projects that the caller reaches and names."""

    tag = "Events"

    def asked(self) -> tuple[str, dict[int, Project]]:
        """The trace's id and where to look. Raises `NotFound` for what is no id."""
        trace_id = as_event_id(self.path["trace_id"])
        if trace_id is None:
            raise NotFound
        return trace_id, {project.pk: project for project in projects(self.request.query_params, self.access)}


class TraceItem(_OfTrace):
    """One trace."""

    @operation(
        Operation("getTrace", EVENT_READ, query=PROJECT, answers=list[TraceSpanShape | TraceErrorShape]),
    )
    def get(self, request: Request) -> Response:
        """The spans of a trace under their parents.

        An empty list where nothing of it is kept. Of more than ten thousand spans the transactions and the longest
        spans are given.
        """
        trace_id, known = self.asked()
        if not known:
            return Response([])
        store, ids = event_store(), list(known)
        spans = queries.trace_spans(store, ids, trace_id, MOST_SPANS)
        errors = queries.trace_errors(store, ids, trace_id, MOST_ERRORS)
        measured = queries.trace_transactions(store, ids, trace_id) if spans else {}
        return Response(as_trace(spans, errors, measured, known))


class TraceMetaItem(_OfTrace):
    """How much one trace holds."""

    @operation(Operation("getTraceMeta", EVENT_READ, query=PROJECT, answers=TraceMeta))
    def get(self, request: Request) -> Response:
        """How many spans, transactions and errors a trace holds."""
        trace_id, known = self.asked()
        if not known:
            raise NotFound
        store, ids = event_store(), list(known)
        spans = queries.trace_spans(store, ids, trace_id, MOST_SPANS)
        return Response(as_trace_meta(queries.trace_facts(store, ids, trace_id), spans))
