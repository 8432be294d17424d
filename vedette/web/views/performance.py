"""Performance: the transactions of an organization, one transaction, one trace and one of its spans."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from vedette.core.ids import as_event_id
from vedette.orgs.access import Access
from vedette.web.doors import organization_page
from vedette.web.filters import RANGES, page_number
from vedette.web.performancepage import load_overview, load_summary, read_performance_filters
from vedette.web.reaching import project_in, projects_of
from vedette.web.rendering import page, wants_fragment
from vedette.web.streampage import choose_projects, environment_names
from vedette.web.tracepage import load_span, load_trace
from vedette.web.views.stream import READ
from vedette.web.waterfall import KINDS

MOST_PAGES = 200
_SPAN_ID = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{16})?")


@require_GET
@organization_page(*READ)
def performance(request: HttpRequest, access: Access) -> HttpResponse:
    """The transactions that the address asks for, with their numbers."""
    filters = read_performance_filters(request.GET)
    projects = projects_of(access)
    number = page_number(request.GET, MOST_PAGES)
    context = {
        "filters": filters,
        "overview": load_overview(filters, choose_projects(projects, filters.project), number),
        "projects": projects,
        "environments": environment_names(access),
        "ranges": RANGES,
        "number": number,
    }
    return page(request, "web/performance.html", context)


@require_GET
@organization_page(*READ)
def summary(request: HttpRequest, access: Access) -> HttpResponse:
    """One transaction: `transaction` is its name, `project` the slug or id of its project, `op` its operation."""
    name = request.GET.get("transaction", "")
    if not name:
        raise Http404
    project = project_in(access, request.GET.get("project", ""))
    filters, op = read_performance_filters(request.GET), request.GET.get("op", "")
    context = {
        "filters": filters,
        "name": name,
        "op": op,
        "project": project,
        "environments": environment_names(access),
        "ranges": RANGES,
        "summary": load_summary(filters, project, name, op),
    }
    return page(request, "web/transaction.html", context)


@require_GET
@organization_page(*READ)
def trace(request: HttpRequest, access: Access, trace_id: str) -> HttpResponse:
    """All of a trace that the visitor reaches, as a waterfall; `span` opens one of its spans."""
    known = as_event_id(trace_id)  # a trace's id has the form of an event's
    found = load_trace(projects_of(access), known) if known else None
    if known is None or found is None:
        raise Http404
    event_id, _, span_id = request.GET.get("span", "").partition("-")
    opened = _span(access, known, event_id, span_id) if span_id else None
    context = {"trace": found, "trace_id": known, "legend": KINDS, "opened": opened}
    return page(request, "web/trace.html", context)


@require_GET
@organization_page(*READ)
def span(request: HttpRequest, access: Access, trace_id: str, event_id: str, span_id: str) -> HttpResponse:
    """One span, as the fragment that opens under its row; as a page of its own without scripts."""
    known = as_event_id(trace_id)
    found = _span(access, known, event_id, span_id) if known else None
    if found is None:
        raise Http404
    context = {"one": found, "trace_id": known}
    return page(request, "web/_span.html" if wants_fragment(request) else "web/span.html", context)


def _span(access: Access, trace_id: str, event_id: str, span_id: str) -> object | None:
    event = as_event_id(event_id)
    return load_span(projects_of(access), trace_id, event, span_id) if event and _SPAN_ID.fullmatch(span_id) else None
