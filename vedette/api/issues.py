"""Lists of issues: searching them and changing many at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import numbers
from vedette.api.bodies import read
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import TimeRange, environments, projects, time_range
from vedette.api.issue_changes import NO_DISCARDING, IssueChanges, apply, is_discard
from vedette.api.operations import (
    CURSOR,
    ENVIRONMENT,
    EVENT_ADMIN,
    EVENT_READ,
    EVENT_WRITE,
    PROJECT,
    TIME,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import Page, cursor_of, headers_of, limit
from vedette.api.shapes.issue_lists import Parts, as_issue_list
from vedette.api.shapes.issues import IssueShape
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_event_id, as_id, parse_short_id
from vedette.core.paging import Cursor
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.issues.deletion import give_up
from vedette.issues.lookup import find_group, groups_by_id, visible_groups
from vedette.issues.models import Group, GroupHash
from vedette.issues.stream import MAX_HITS, StreamRequest, StreamRow, fill, read_stream
from vedette.projects.models import Project

DEFAULT_QUERY = "is:unresolved"
MAX_SELECTED = 1000
BULK_PAGE = 100
# What clients ask for by other names is ordered by the last event.
SORTS = dict.fromkeys(("trends", "priority", "betterPriority", "recommended"), "date")

QUERY = Parameter("query", "A search; absent is `is:unresolved`, empty is every issue.")
SORT = Parameter("sort", "`date` last event, `new` first event, `freq` events, `user` users; greatest first.")
LIMIT = Parameter("limit", "How many issues a page holds, at most 100.", "integer")
STATS = Parameter("groupStatsPeriod", "Which series each issue brings.", choices=("", "24h", "14d", "auto"))
GROUP = Parameter("group", "These issues by id, whatever the query says.", "integer", many=True)
SHORT_ID = Parameter("shortIdLookup", "`1`: a query that is a short id finds that issue.", choices=("0", "1"))
COLLAPSE = Parameter("collapse", "Parts to leave out: stats, lifetime, filtered, unhandled, base.", many=True)
EXPAND = Parameter("expand", "Parts to add: inbox, owners.", many=True)
SELECT = Parameter("id", "The issues to change; without any the query selects up to 1000.", "integer", many=True)
HASHES = Parameter("hashes", "Only the issues of these hashes.", many=True)


class _Issues(OrganizationEndpoint):
    """What the two lists share."""

    def view(self) -> list[Project]:
        """The projects that the request is about."""
        raise NotImplementedError

    def when(self, now: datetime) -> TimeRange:
        """The window that the request is about."""
        raise NotImplementedError

    def stream_request(self, view: Sequence[Project], now: datetime, series: str) -> StreamRequest:
        """The search that the request's parameters spell."""
        query = self.request.query_params
        when = numbers.with_skew(self.when(now), now)
        return StreamRequest(
            organization=self.organization,
            projects=tuple(view),
            start=when.start,
            end=when.end,
            environments=environments(query, self.organization),
            query=query.get("query", DEFAULT_QUERY),
            sort=SORTS.get(query.get("sort", "date"), query.get("sort") or "date"),
            limit=limit(query),
            cursor=cursor_of(query),
            series=series,
            viewer=self.user,
            viewer_teams=frozenset(self.access.teams),
        )

    def search(self, series: str) -> Response:
        """A page of the stream, or the one issue that the query names."""
        now = clock.now()
        view = self.view()
        parts = Parts.of(self.request.query_params)
        wanted = replace(self.stream_request(view, now, series), ever=parts.lifetime)
        direct = self.direct_hit(view)
        if direct is not None:
            groups, event_id = direct
            rows, degraded = rows_of(groups, wanted)
            body = as_issue_list(rows, self.organization, replace(wanted, query=""), parts, degraded=degraded)
            for issue in body:
                issue["matchingEventId"] = event_id
            page: Page[Any] = Page(body, Cursor(), Cursor(), False, False, len(body))
            hit = {"X-Sentry-Direct-Hit": "1"} if len(body) == 1 else {}
            return Response(body, headers={**headers_of(page, self.request), **hit})
        found = read_stream(wanted)
        page = Page(found.rows, found.previous, found.next, found.has_previous, found.has_next, found.hits)
        body = as_issue_list(found.rows, self.organization, wanted, parts, degraded=found.degraded)
        counted = {"X-Max-Hits": str(MAX_HITS)} if found.hits is not None else {}
        return Response(body, headers={**headers_of(page, self.request), **counted})

    def direct_hit(self, view: Sequence[Project]) -> tuple[list[Group], str | None] | None:
        """The issues that the request names outright, with the event that it names; None if it is a search."""
        query = self.request.query_params
        if ids := query.getlist("group"):
            return self.in_view(groups_by_id(self.access, whole_numbers(ids)), view), None
        if hashes := query.getlist("hashes"):
            found = GroupHash.objects.filter(project__in=view, hash__in=hashes).values("group_id")
            return list(visible_groups(self.access).filter(pk__in=found)), None
        text = query.get("query", "").strip()
        if query.get("shortIdLookup") == "1" and parse_short_id(text):
            group = find_group(self.access, text)
            if group is not None:
                return [group], None
        event_id = as_event_id(text)
        return None if event_id is None else self.of_event(event_id, view)

    def of_event(self, event_id: str, view: Sequence[Project]) -> tuple[list[Group], str] | None:
        """The issue of an event in these projects."""
        found = queries.event_project(event_store(), [project.pk for project in view], event_id) if view else None
        groups = groups_by_id(self.access, [found[1]]) if found else []
        return (groups, event_id) if groups else None

    def in_view(self, groups: list[Group], view: Sequence[Project]) -> list[Group]:
        """Those of `groups` that belong to `view`."""
        ids = {project.pk for project in view}
        return [group for group in groups if group.project_id in ids]

    def change(self) -> Response:
        """Change the issues that the request selects; 204 when it selects none."""
        wish = read(IssueChanges, self.request.data)
        if is_discard(wish):
            return self.delete_selected(discard=True)
        groups = self.selected()
        if not groups:
            return Response(status=204)
        return Response(apply(wish, groups, self.organization, self.user))

    def delete_selected(self, *, discard: bool = False) -> Response:
        """Delete the issues that the request selects, or discard them; 204 also when it selects none."""
        if not self.holds(*EVENT_ADMIN):
            raise PermissionDenied(NO_DISCARDING if discard else None)
        give_up(self.selected(), self.user, discard=discard, ip_address=self.address)
        return Response(status=204)

    def selected(self) -> list[Group]:
        """The issues with the given ids; without ids what the search finds, at most 1000. Raises `RuleBroken`."""
        view = self.view()
        query = self.request.query_params
        if "id" in query:
            return self.in_view(groups_by_id(self.access, whole_numbers(query.getlist("id"))), view)
        wanted = self.stream_request(view, clock.now(), "")
        if "query" not in query and query.get("status"):
            wanted = replace(wanted, query=f"is:{query['status']}")
        return all_of(wanted)


def all_of(wanted: StreamRequest) -> list[Group]:
    """The issues that a search finds, best first, at most 1000."""
    groups: list[Group] = []
    wanted = replace(wanted, limit=BULK_PAGE, cursor=None)
    while True:
        page = read_stream(wanted)
        groups += [row.group for row in page.rows]
        if not page.has_next or len(groups) >= MAX_SELECTED:
            return groups[:MAX_SELECTED]
        wanted = replace(wanted, cursor=page.next)


def rows_of(groups: Sequence[Group], wanted: StreamRequest) -> tuple[list[StreamRow], bool]:
    """Rows of issues that were found by name, with the numbers of all time; and whether the event store is away."""
    rows, degraded = fill(groups, replace(wanted, ever=True))
    return [replace(row, count=row.group.times_seen, users=row.users_ever) for row in rows], degraded


def whole_numbers(texts: Sequence[str]) -> list[int]:
    """The ids that the texts spell; numbers that no row can have are left out. Raises `RuleBroken`."""
    if not all(text.isascii() and text.isdigit() for text in texts):
        raise RuleBroken("Group ids must be integers")
    return [number for text in texts if (number := as_id(text)) is not None]


class OrganizationIssues(_Issues):
    """The issues of an organization."""

    tag = "Issues"

    def view(self) -> list[Project]:
        """The projects that the request names, or all that the caller reaches."""
        return projects(self.request.query_params, self.access)

    def when(self, now: datetime) -> TimeRange:
        """The window that the request names."""
        return time_range(self.request.query_params, now)

    @operation(
        Operation(
            "listOrganizationIssues",
            EVENT_READ,
            query=(QUERY, SORT, LIMIT, CURSOR, STATS, *PROJECT, *ENVIRONMENT, *TIME, GROUP, SHORT_ID, COLLAPSE, EXPAND),
            answers=list[IssueShape],
        )
    )
    def get(self, request: Request) -> Response:
        """Search the issues of an organization."""
        return self.search(request.query_params.get("groupStatsPeriod", "24h"))

    @operation(
        Operation(
            "updateOrganizationIssues",
            EVENT_WRITE,
            query=(SELECT, QUERY, *PROJECT, *ENVIRONMENT, *TIME),
            takes=IssueChanges,
            answers=dict[str, Any],
            statuses=(200, 204),
        )
    )
    def put(self, request: Request) -> Response:
        """Change many issues: those with the given ids, or those that a search finds.

        204 when nothing was selected. The answer holds what was set, not the issues. `discard` alone needs event:admin:
        it deletes the issues, and drops what would lead to them from then on.
        """
        return self.change()

    @operation(
        Operation(
            "deleteOrganizationIssues",
            EVENT_ADMIN,
            query=(SELECT, QUERY, *PROJECT, *ENVIRONMENT, *TIME),
            statuses=(204,),
        )
    )
    def delete(self, request: Request) -> Response:
        """Delete many issues: those with the given ids, or those that a search finds.

        They are gone for everybody at once; their events and files are deleted soon after.
        """
        return self.delete_selected()


class ProjectIssues(_Issues, ProjectEndpoint):
    """The issues of a project."""

    tag = "Issues"

    def view(self) -> list[Project]:
        """The project."""
        return [self.project]

    def when(self, now: datetime) -> TimeRange:
        """The last 90 days: here `statsPeriod` selects the series only."""
        query = self.request.query_params.copy()
        query.pop("statsPeriod", None)
        return time_range(query, now)

    @operation(
        Operation(
            "listProjectIssues",
            EVENT_READ,
            query=(
                QUERY,
                SORT,
                LIMIT,
                CURSOR,
                Parameter("statsPeriod", "Which series each issue brings.", choices=("", "24h", "14d")),
                *ENVIRONMENT,
                HASHES,
                SHORT_ID,
                COLLAPSE,
                EXPAND,
            ),
            answers=list[IssueShape],
        )
    )
    def get(self, request: Request) -> Response:
        """Search the issues of a project."""
        period = request.query_params.get("statsPeriod", "24h")
        if period not in ("", "24h", "14d"):
            raise RuleBroken("Invalid stats_period. Valid choices are '', '24h', and '14d'")
        return self.search(period)

    @operation(
        Operation(
            "updateProjectIssues",
            EVENT_WRITE,
            query=(SELECT, QUERY, Parameter("status", "Without ids and a query: the issues of this status.")),
            takes=IssueChanges,
            answers=dict[str, Any],
            statuses=(200, 204),
        )
    )
    def put(self, request: Request) -> Response:
        """Change many issues of a project: those with the given ids, or those that a search finds.

        204 when nothing was selected. The answer holds what was set, not the issues.
        """
        return self.change()

    @operation(
        Operation(
            "deleteProjectIssues",
            EVENT_ADMIN,
            query=(SELECT, QUERY, Parameter("status", "Without ids and a query: the issues of this status.")),
            statuses=(204,),
        )
    )
    def delete(self, request: Request) -> Response:
        """Delete many issues of a project: those with the given ids, or those that a search finds.

        They are gone for everybody at once; their events and files are deleted soon after.
        """
        return self.delete_selected()
