"""Grouping: why an event is in its issue, and the rules of a project with a preview of what others would do."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken, TryAgain
from vedette.digest.explanation import explain
from vedette.digest.simulation import Change, Simulated, simulate
from vedette.events.connection import event_store
from vedette.grouping.rule_text import RuleSyntaxError
from vedette.issues.lookup import find_group
from vedette.issues.models import Group, GroupHash
from vedette.orgs.access import Access
from vedette.projects.access import may
from vedette.projects.changes import change_project
from vedette.projects.models import Project
from vedette.projects.options import options_of
from vedette.projects.rules import problem_with_enhancements, problem_with_fingerprinting
from vedette.projects.transitions import version_of
from vedette.web import issuepage
from vedette.web.doors import organization_page
from vedette.web.groupingview import view_of
from vedette.web.reaching import READ, WRITE, project_in, writable_project
from vedette.web.rendering import done, page
from vedette.web.streampage import words_of
from vedette.web.views.stream import READ as READ_ISSUES

SIZES = (100, 300, 1000)


@require_GET
@organization_page(*READ_ISSUES)
def event_grouping(request: HttpRequest, access: Access, issue_id: str, event_id: str) -> HttpResponse:
    """Why an event is in its issue."""
    group = find_group(access, issue_id)
    stored = issuepage.find_event(group, event_id) if group else None
    if group is None or stored is None:
        raise Http404
    view = view_of(explain(group.project, stored.payload, dict(stored.summary.tags)))
    context = {
        "group": group,
        "words": words_of(group),
        "event": stored.summary,
        "grouping": view,
        "hashes": [(value, leads_to) for value, leads_to in _issues_behind(group, view.hashes).items()],
    }
    return page(request, "web/event_grouping.html", context)


def _issues_behind(group: Group, hashes: tuple[str, ...]) -> dict[str, Group | None]:
    """The issue that each hash leads to now; None for one that leads nowhere."""
    rows = GroupHash.objects.filter(project_id=group.project_id, hash__in=hashes).select_related("group__project")
    found = {row.hash: row.group for row in rows}
    return {value: found.get(value) for value in hashes}


@dataclass(frozen=True, slots=True)
class Editor:
    """A text of rules as it is being written. `excerpt` is the line with the mistake, split where it is."""

    name: str
    text: str
    problem: RuleSyntaxError | None = None

    @property
    def excerpt(self) -> tuple[str, str]:
        """The line before and from the mistake on."""
        if self.problem is None:
            return "", ""
        line = self.text.split("\n")[self.problem.line - 1]
        start = max(0, self.problem.column - 61)
        return line[start : self.problem.column - 1], line[self.problem.column - 1 : self.problem.column + 59]


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def project_grouping(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """The rules of a project: read, tried, saved; and the version of grouping that it has."""
    if request.method == "GET":
        found = project_in(access, slug)
        return _rules_page(request, access, found, _editors(options_of([found.pk])[found.pk]))
    found = writable_project(access, slug)
    if request.POST.get("do") == "upgrade":
        return _upgrade(request, access, found)
    editors = _editors({name: _posted(request, name) for name in ("fingerprintingRules", "groupingEnhancements")})
    if any(editor.problem for editor in editors):
        return _rules_page(request, access, found, editors, status=400)
    if request.POST.get("do") != "preview":
        changes = {editor.name: editor.text for editor in editors}
        changed = change_project(found, changes, by=access.user, ip_address=client_address(request))
        said = "The rules are saved; they hold for events from now on." if changed else "Nothing was changed."
        return done(request, said, _address(access, found))
    size = _size(request)
    change = Change(*(editor.text for editor in editors))
    try:
        preview = simulate(event_store(), found, change, size, clock.now())
    except TryAgain:
        return _rules_page(request, access, found, editors, is_away=True)
    return _rules_page(request, access, found, editors, preview=preview, size=size)


def _upgrade(request: HttpRequest, access: Access, found: Project) -> HttpResponse:
    newest = version_of(found, clock.now()).newest.id
    try:
        changed = change_project(found, {"groupingConfig": newest}, by=access.user, ip_address=client_address(request))
    except RuleBroken:
        return redirect(_address(access, found))
    said = "Grouping is upgraded; issues stay what they are." if changed else "This is the newest version already."
    return done(request, said, _address(access, found))


def _editors(texts: dict[str, Any]) -> tuple[Editor, Editor]:
    fingerprinting, enhancements = texts["fingerprintingRules"], texts["groupingEnhancements"]
    return (
        Editor("fingerprintingRules", fingerprinting, problem_with_fingerprinting(fingerprinting)),
        Editor("groupingEnhancements", enhancements, problem_with_enhancements(enhancements)),
    )


def _posted(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\r\n", "\n")


def _size(request: HttpRequest) -> int:
    text = request.POST.get("events", "")
    return next((size for size in SIZES if str(size) == text), SIZES[0])


def _rules_page(
    request: HttpRequest,
    access: Access,
    found: Project,
    editors: tuple[Editor, Editor],
    *,
    preview: Simulated | None = None,
    size: int = SIZES[0],
    is_away: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "project": found,
        "fingerprinting": editors[0],
        "enhancements": editors[1],
        "version": version_of(found, clock.now()),
        "may_write": may(access, found, *WRITE),
        "sizes": SIZES,
        "size": size,
        "simulated": preview,
        "is_away": is_away,
    }
    return page(request, "web/project_grouping.html", context, status=status)


def _address(access: Access, found: Project) -> str:
    return reverse("web:project_grouping", args=[access.organization.slug, found.slug])
