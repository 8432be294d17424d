"""The issue stream and what its buttons do."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from vedette.core.errors import RuleBroken
from vedette.issues.assignees import assignees_of
from vedette.orgs.access import Access
from vedette.projects.access import reachable_projects
from vedette.web import triage
from vedette.web.doors import organization_page
from vedette.web.filters import LEVELS, RANGES, STATUSES, composed, read_filters, tag_term
from vedette.web.rendering import back_to, page, wants_fragment
from vedette.web.streampage import choose_projects, environment_names, load_stream

READ = ("event:read", "event:write", "event:admin")


@require_GET
@organization_page(*READ)
def stream(request: HttpRequest, access: Access) -> HttpResponse:
    """The issues that the address asks for."""
    canonical = composed(request.GET)
    if canonical is not None:
        return redirect(f"{request.path}?{canonical.urlencode()}")
    filters = read_filters(request.GET)
    projects = list(reachable_projects(access).order_by("slug"))
    found = load_stream(access, filters, choose_projects(projects, filters.project), request.GET.get("cursor", ""))
    context = {
        "filters": filters,
        "stream": found,
        "projects": projects,
        "environments": environment_names(access),
        "levels": LEVELS,
        "statuses": STATUSES,
        "ranges": RANGES,
        "nothing_yet": not filters.narrowed
        and not found.page.hits
        and all(one.first_event is None for one in projects),
    }
    return page(request, "web/stream.html", context, status=400 if found.problem else 200)


@require_POST
@organization_page(*triage.SCOPES)
def update(request: HttpRequest, access: Access) -> HttpResponse:
    """Resolve, archive, reopen, assign or undo: for the issue of one button (`one`), or for those that are ticked."""
    verb, _, only = request.POST.get("one", "").partition(":")
    verb = verb or request.POST.get("do", "")
    try:
        if verb == "undo":
            result = triage.take_back(access, request.POST.get("undo", ""))
        else:
            groups = triage.writable_groups(access, [only] if only else request.POST.getlist("issue"))
            if verb == "assign":
                result = triage.hand_over(access, groups, request.POST.get("assignee", ""))
            else:
                result = triage.move(access, verb, groups, request.POST.get("substatus", ""))
    except RuleBroken as broken:
        result = triage.Done((), str(broken))
    if wants_fragment(request):
        context = {
            "done": result,
            "assignees": assignees_of(result.groups),
            "place": "page" if request.POST.get("place") == "page" else "row",
        }
        return page(request, "web/_done.html", context)
    messages.success(request, result.sentence, extra_tags=result.undo)
    return redirect(back_to(request, reverse("web:stream", args=[access.organization.slug])))


@require_GET
@organization_page(*triage.SCOPES)
def assign(request: HttpRequest, access: Access) -> HttpResponse:
    """The choice of whom to give issues to: a page, or a fragment for the dialog."""
    _, _, only = request.GET.get("one", "").partition(":")
    groups = triage.writable_groups(access, [only] if only else request.GET.getlist("issue"))
    context = {
        "groups": groups,
        "choices": triage.choices(groups),
        "place": "page" if request.GET.get("place") == "page" else "row",
        "next": back_to(request, reverse("web:stream", args=[access.organization.slug])),
    }
    return page(request, "web/_assign.html" if wants_fragment(request) else "web/assign.html", context)


@require_GET
@organization_page(*READ)
def release(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """`/organizations/<slug>/releases/<version>/`: the issues that were seen in a release."""
    query = urlencode({"query": tag_term("release", version), "statsPeriod": "90d"})
    return redirect(f"{reverse('web:stream', args=[access.organization.slug])}?{query}")
