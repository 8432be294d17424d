"""Releases: the list, one of them with its health and its commits, and two side by side."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.orgs.access import Access
from vedette.releases.files import artifacts_of
from vedette.releases.models import ReleaseStatus
from vedette.shipping.commits import UnknownRelease
from vedette.shipping.create import ReleaseSaid, update_release
from vedette.shipping.sender import Sender
from vedette.web.comparepage import compare_releases, latest_choices
from vedette.web.doors import organization_page
from vedette.web.filters import page_number
from vedette.web.reaching import READ, projects_of
from vedette.web.releaseactivity import activity_of
from vedette.web.releasecommits import ROWS_PER_PAGE, commits_of, files_in, files_of, lines_of, newest_commits
from vedette.web.releasefilters import PERIODS, SORTS, STATUSES, read_release_filters
from vedette.web.releasehealth import busiest, load_panel
from vedette.web.releaseissues import KINDS, load_issues
from vedette.web.releasepage import WRITE, OpenedRelease, load_summary, may_change, neighbours_of, open_release
from vedette.web.releasepulse import load_pulse
from vedette.web.releasespage import load_releases
from vedette.web.rendering import back_to, done, page
from vedette.web.streampage import choose_projects, environment_names

FIRST_COMMITS, FIRST_FILES, MOST_FILES = 12, 12, 200
MOST_ARTIFACTS = 50


@require_GET
@organization_page(*READ)
def releases(request: HttpRequest, access: Access) -> HttpResponse:
    """Every release of the visitor's projects, with how healthy it is and how much it is used."""
    filters = read_release_filters(request.GET)
    projects = projects_of(access)
    number = page_number(request.GET)
    chosen = choose_projects(projects, filters.project)
    listed = load_releases(filters, chosen, number) if chosen else None
    context = {
        "filters": filters,
        "listed": listed,
        "projects": projects,
        "chosen": chosen,
        "environments": environment_names(access),
        "periods": PERIODS,
        "sorts": SORTS,
        "statuses": STATUSES,
        "number": number,
        "server": request.build_absolute_uri("/").rstrip("/"),
    }
    return page(request, "web/releases.html", context, status=400 if listed and listed.problem else 200)


@require_GET
@organization_page(*READ)
def release(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """What a release brought, fixed and broke, how it does, and whom to ask."""
    opened = _opened(request, access, version)
    filters = read_release_filters(request.GET)
    summary, beside = load_summary(opened), neighbours_of(opened)
    kind = request.GET.get("issues", "")
    if kind not in KINDS:
        kind = next((name for name in KINDS if summary.counts[name]), "new")
    number = page_number(request.GET)
    lines, has_next = load_issues(opened.release, opened.shown, kind, number)
    commits = newest_commits(opened.release, FIRST_COMMITS)
    context = {
        **_context(access, opened, beside=beside),
        "filters": filters,
        "periods": PERIODS,
        "environments": environment_names(access),
        "summary": summary,
        "pulse": load_pulse(opened, filters.period, filters.environment, beside.previous, summary.history),
        "kind": kind,
        "kinds": KINDS,
        "lines": lines,
        "number": number,
        "has_next": has_next,
        "commits": lines_of(commits, access.organization.pk),
        "files": files_of([opened.release.pk], FIRST_FILES),
        "artifacts": artifacts_of(opened.release, opened.shown, MOST_ARTIFACTS + 1),
        "most_artifacts": MOST_ARTIFACTS,
        "activity": activity_of(opened, summary.history),
    }
    return page(request, "web/release.html", context)


@require_GET
@organization_page(*READ)
def release_commits(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """All commits of a release, a page of them with the files that those changed."""
    opened = _opened(request, access, version)
    repository = request.GET.get("repository", "")
    number = page_number(request.GET)
    start = (number - 1) * ROWS_PER_PAGE
    found = [link.commit for link in commits_of(opened.release, repository)[start : start + ROWS_PER_PAGE + 1]]
    shown = found[:ROWS_PER_PAGE]
    context = {
        **_context(access, opened),
        "summary": load_summary(opened),
        "repository": repository,
        "commits": lines_of(shown, access.organization.pk),
        "files": files_in(shown, MOST_FILES),
        "number": number,
        "has_next": len(found) > ROWS_PER_PAGE,
    }
    return page(request, "web/release_commits.html", context)


@require_GET
@organization_page(*READ)
def release_health(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """One release's health in one of its projects; `project` names which, and else it is the one with most sessions."""
    opened = _opened(request, access, version)
    if not opened.shown:
        raise Http404
    filters = read_release_filters(request.GET)
    project = busiest(opened.shown, opened.release)
    context = {
        **_context(access, opened),
        "filters": filters,
        "project": project,
        "environments": environment_names(access),
        "periods": PERIODS,
        "panel": load_panel(filters, project, opened.release),
    }
    return page(request, "web/release_health.html", context)


@require_POST
@organization_page(*WRITE)
def change_release(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """Archive a release, or restore it."""
    opened = _opened(request, access, version)
    verb = request.POST.get("do")
    if verb not in ("archive", "restore"):
        raise Http404
    if not may_change(access, opened.release):
        raise PermissionDenied
    status = ReleaseStatus.ARCHIVED if verb == "archive" else ReleaseStatus.OPEN
    by = Sender(
        user=access.user,
        user_agent=request.headers.get("User-Agent", "").replace("\0", "")[:256],
        ip_address=client_address(request),
    )
    try:
        update_release(opened.release, ReleaseSaid({}, status), by=by, now=clock.now())
    except UnknownRelease:
        raise Http404 from None
    word = "Archived: lists leave it out from now on." if verb == "archive" else "Restored."
    return done(request, word, back_to(request, reverse("web:release", args=[access.organization.slug, version])))


@require_GET
@organization_page(*READ)
def compare(request: HttpRequest, access: Access) -> HttpResponse:
    """Two releases side by side: `a` and `b` name them, `project` one project if not all."""
    filters = read_release_filters(request.GET)
    projects = projects_of(access)
    wanted = [request.GET.get(side, "")[:250].strip(" ") and request.GET.get(side, "")[:250] for side in ("a", "b")]
    found = [open_release(access, version, filters.project) if version else None for version in wanted]
    sides = [side for side in found if side is not None]
    context: dict[str, Any] = {
        "filters": filters,
        "projects": projects,
        "periods": PERIODS,
        "environments": environment_names(access),
        "a": wanted[0],
        "b": wanted[1],
        "unknown": [version for version, side in zip(wanted, found, strict=True) if version and side is None],
        "choices": latest_choices(access.organization.pk, choose_projects(projects, filters.project)),
        "comparison": compare_releases(sides[0], sides[1], filters) if len(sides) == 2 else None,
    }
    return page(request, "web/compare_releases.html", context, status=404 if context["unknown"] else 200)


def _opened(request: HttpRequest, access: Access, version: str) -> OpenedRelease:
    wish = request.GET.get("project", "") if request.method == "GET" else ""
    opened = open_release(access, version, wish)
    if opened is None:
        raise Http404
    return opened


def _context(access: Access, opened: OpenedRelease, beside: Any = None) -> dict[str, Any]:
    return {
        "opened": opened,
        "release": opened.release,
        "projects": opened.projects,
        "may_change": may_change(access, opened.release),
        "beside": beside or neighbours_of(opened),
        "one_project": opened.shown[0] if len(opened.shown) == 1 and len(opened.projects) > 1 else None,
    }
