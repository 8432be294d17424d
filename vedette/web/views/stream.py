"""The issue stream and what its buttons do."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from vedette.core.errors import RuleBroken
from vedette.issues.assignees import assignees_of
from vedette.issues.models import Group
from vedette.orgs.access import Access
from vedette.web import fixes, putaside, triage
from vedette.web.doors import organization_page
from vedette.web.filters import LEVELS, RANGES, STATUSES, composed, read_filters
from vedette.web.issuepage import suggestions
from vedette.web.reaching import projects_of
from vedette.web.rendering import back_to, page, wants_fragment
from vedette.web.standing import standing_of
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
    projects = projects_of(access)
    found = load_stream(access, filters, choose_projects(projects, filters.project), request.GET.get("cursor", ""))
    context = {
        "filters": filters,
        "stream": found,
        "projects": projects,
        "environments": environment_names(access),
        "levels": LEVELS,
        "statuses": STATUSES,
        "ranges": RANGES,
        "nothing_yet": not filters.narrowed and not found.page.hits and not any(one.has_reported for one in projects),
    }
    return page(request, "web/stream.html", context, status=400 if found.problem else 200)


@require_POST
@organization_page(*triage.SCOPES)
def update(request: HttpRequest, access: Access) -> HttpResponse:
    """Resolve, archive, reopen, assign or undo: for the issue of one button (`one`), or for those that are ticked."""
    verb, _, only = request.POST.get("one", "").partition(":")
    verb, how = verb or request.POST.get("do", ""), request.POST.dict()
    if "fix" in request.POST:  # a button of the dialog: what it names is its value
        kind, _, named = request.POST["fix"].partition(":")
        verb, how = f"resolve.{kind}", {"version": named, "commit": named}
    try:
        if verb == "undo":
            result = triage.take_back(access, request.POST.get("undo", ""))
        else:
            groups = triage.writable_groups(access, [only] if only else request.POST.getlist("issue"))
            if verb == "assign":
                result = triage.hand_over(access, groups, request.POST.get("assignee", ""))
            else:
                result = triage.move(access, verb, groups, how)
    except RuleBroken as broken:
        result = triage.Done((), str(broken))
    if wants_fragment(request):
        on_page = request.POST.get("place") == "page"
        context = {
            "done": result,
            "assignees": assignees_of(result.groups),
            "place": "page" if on_page else "row",
            "standings": {group.pk: standing_of(group) for group in result.groups[:1]} if on_page else {},
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
    choices = triage.choices(groups)
    context = {
        "groups": groups,
        "choices": choices,
        "suggested": suggestions(groups, choices),
        "place": "page" if request.GET.get("place") == "page" else "row",
        "next": back_to(request, reverse("web:stream", args=[access.organization.slug])),
    }
    return page(request, "web/_assign.html" if wants_fragment(request) else "web/assign.html", context)


@require_GET
@organization_page(*triage.SCOPES)
def resolve(request: HttpRequest, access: Access) -> HttpResponse:
    """The choice of a release or a commit that fixes issues: a page, or a fragment for the dialog."""
    groups = _named_groups(request, access)
    text = request.GET.get("find", "")[:250].strip()
    context = _choice(request, access, groups) | {"text": text, "choices": fixes.choices(groups, text)}
    return page(request, "web/_resolve.html" if wants_fragment(request) else "web/resolve.html", context)


@require_GET
@organization_page(*triage.SCOPES)
def archive(request: HttpRequest, access: Access) -> HttpResponse:
    """The choice until when issues are put aside: a page, or a fragment for the dialog."""
    groups = _named_groups(request, access)
    context = _choice(request, access, groups) | {"durations": putaside.DURATIONS, "windows": putaside.WINDOWS}
    return page(request, "web/_archive.html" if wants_fragment(request) else "web/archive.html", context)


def _named_groups(request: HttpRequest, access: Access) -> list[Group]:
    _, _, only = request.GET.get("one", "").partition(":")
    return triage.writable_groups(access, [only] if only else request.GET.getlist("issue"))


def _choice(request: HttpRequest, access: Access, groups: list[Group]) -> dict[str, Any]:
    return {
        "groups": groups,
        "place": "page" if request.GET.get("place") == "page" else "row",
        "next": back_to(request, reverse("web:stream", args=[access.organization.slug])),
    }
