"""One issue: its page with one of its events, its events, the values of its tags, an event's JSON and files."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from vedette.core import clock, json
from vedette.core.ids import as_event_id
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.rows import TagValue
from vedette.issues.attachments import download, may_download
from vedette.issues.attachments import picture as show_picture
from vedette.issues.lookup import find_group
from vedette.issues.models import EventAttachment, Group, GroupStatus
from vedette.issues.sharing import may_share
from vedette.orgs.access import Access
from vedette.projects.access import may, reachable_projects
from vedette.web import issuepage, triage
from vedette.web.doors import organization_page
from vedette.web.filters import RANGES, page_number
from vedette.web.fingerprints import public_link
from vedette.web.issueevents import find_events
from vedette.web.rendering import page
from vedette.web.security import NOTHING_POLICY
from vedette.web.standing import Foretold, foretell, standing_of
from vedette.web.streampage import words_of
from vedette.web.views.stream import READ

EVENTS_PER_PAGE = 50
VALUES_PER_PAGE = 100
_LATEST = "latest"


@require_GET
@organization_page(*READ)
def issue(request: HttpRequest, access: Access, issue_id: str, event_id: str = _LATEST) -> HttpResponse:
    """The issue page, with the newest event or the one that the address names."""
    group = _group(access, issue_id)
    period = request.GET.get("statsPeriod", "")
    period = period if period in RANGES else "14d"
    shown = issuepage.load_issue(group, event_id, RANGES[period])
    missing = shown.event is None and not shown.is_away
    context = {
        "issue": shown,
        "group": group,
        "which": event_id,
        "period": period,
        "ranges": RANGES,
        "missing": missing,
        "standing": standing_of(group),
        "checked": _checked(group, request.GET.get("check")),
        "may_write": may(access, group.project, *triage.SCOPES),
        "may_delete": may(access, group.project, "event:admin"),
        "link": public_link(group),
        "may_share": may_share(access.organization),
    }
    not_found = missing and event_id not in (_LATEST, "oldest", "recommended")
    return page(request, "web/issue.html", context, status=404 if not_found else 200)


def _checked(group: Group, version: str | None) -> Foretold | None:
    """What an event of the version that the visitor asks about would do to a resolved issue."""
    if version is None or group.status != GroupStatus.RESOLVED:
        return None
    return foretell(group, version[:250])


@require_GET
@organization_page(*READ)
def events(request: HttpRequest, access: Access, issue_id: str) -> HttpResponse:
    """The events of an issue, newest first; `query` finds some of them, by their tags and by text."""
    group = _group(access, issue_id)
    number, query = page_number(request.GET), request.GET.get("query", "")
    found = find_events(access, group, query, limit=EVENTS_PER_PAGE + 1, offset=(number - 1) * EVENTS_PER_PAGE)
    status = 400 if found.problem else 200
    more = {"query": query, "problem": found.problem}
    return _list_page(request, "web/events.html", group, found.rows, number, EVENTS_PER_PAGE, status=status, **more)


@require_GET
@organization_page(*READ)
def tag(request: HttpRequest, access: Access, issue_id: str, key: str) -> HttpResponse:
    """The values of one tag among the events of an issue, most frequent first."""
    group = _group(access, issue_id)
    number = page_number(request.GET)

    def ask() -> list[TagValue]:
        return queries.tag_values(
            event_store(),
            issuepage.everything(group, clock.now()),
            key,
            group.pk,
            limit=VALUES_PER_PAGE + 1,
            offset=(number - 1) * VALUES_PER_PAGE,
        )

    found = issuepage.or_nothing(ask)
    return _list_page(request, "web/tag.html", group, found, number, VALUES_PER_PAGE, key=key)


@require_GET
@organization_page(*READ)
def event_json(request: HttpRequest, access: Access, issue_id: str, event_id: str) -> HttpResponse:
    """The stored event as JSON, as it is."""
    stored = issuepage.find_event(_group(access, issue_id), event_id)
    if stored is None:
        raise Http404
    answer = HttpResponse(json.dump_indented(issuepage.payload_of(stored)), content_type="application/json")
    answer["Content-Security-Policy"] = NOTHING_POLICY
    return answer


@require_GET
@organization_page(*READ)
def attachment(request: HttpRequest, access: Access, issue_id: str, attachment_id: int) -> HttpResponseBase:
    """A file of an event: always as a download of no particular type, because strangers wrote it."""
    found = _attachment(access, issue_id, attachment_id)
    try:
        return download(found)
    except FileNotFoundError:
        raise Http404 from None


@require_GET
@organization_page(*READ)
def picture(request: HttpRequest, access: Access, issue_id: str, attachment_id: int) -> HttpResponseBase:
    """A file of an event to be looked at, if its bytes are those of a picture."""
    found = _attachment(access, issue_id, attachment_id)
    try:
        shown = show_picture(found)
    except FileNotFoundError:
        raise Http404 from None
    if shown is None:
        raise Http404
    return shown


@require_GET
@organization_page(*READ)
def discover(request: HttpRequest, access: Access, place: str) -> HttpResponse:
    """`/organizations/<slug>/discover/<project>:<event>/`, as Grafana links to: the event on its issue's page."""
    project, _, text = place.partition(":")
    event_id = as_event_id(text)
    projects = reachable_projects(access).filter(slug=project)
    ids = tuple(projects.values_list("pk", flat=True))
    found = queries.event_project(event_store(), ids, event_id) if event_id and ids else None
    if found is None:
        raise Http404
    return redirect("web:event", access.organization.slug, str(found[1]), event_id)


def _attachment(access: Access, issue_id: str, attachment_id: int) -> EventAttachment:
    group = _group(access, issue_id)
    found = EventAttachment.objects.filter(pk=attachment_id, project=group.project).first()
    if found is None or (found.group_id not in (None, group.pk)):
        raise Http404
    if not may_download(access):
        raise PermissionDenied
    return found


def _group(access: Access, issue_id: str) -> Group:
    found = find_group(access, issue_id)
    if found is None:
        raise Http404
    return found


def _list_page(
    request: HttpRequest,
    template: str,
    group: Group,
    found: Sequence[Any] | None,
    number: int,
    size: int,
    *,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    rows = found or []
    context = {
        "group": group,
        "words": words_of(group),
        "rows": rows[:size],
        "is_away": found is None,
        "number": number,
        "has_next": len(rows) > size,
        **more,
    }
    return page(request, template, context, status=status)
