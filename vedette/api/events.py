"""Events: lists, single ones, and where an event id leads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import numbers
from vedette.api.endpoint import IssueEndpoint, OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import asked_range, environments
from vedette.api.operations import (
    ENVIRONMENT,
    EVENT_READ,
    ORG_READ,
    PAGING,
    PROJECT_READ,
    TIME,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import Page, by_offset, cursor_of, per_page
from vedette.api.shapes.events import EventDetails, EventListItem, as_event, as_event_item
from vedette.api.shapes.issues import as_user_report
from vedette.api.shapes.releases import as_releases
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_event_id
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.rows import EventSummary, StoredEvent
from vedette.issues import search
from vedette.issues.conditions import split
from vedette.issues.models import Group, UserReport
from vedette.projects.access import reachable_projects
from vedette.projects.models import Project
from vedette.releases.conditions import Scope
from vedette.releases.models import Release

FULL = Parameter("full", "`1`: whole events.", choices=("0", "1", "true", "false"))
QUERY = Parameter("query", "A search among the events: tags and text in the title or the message.")
NEWEST = ("latest", "recommended")


class _Events(OrganizationEndpoint):
    """What the two lists share."""

    def page(self, project: Project, now: datetime, group: Group | None = None) -> Page[EventSummary]:
        """The page of events that the request asks for, newest first."""
        query = self.request.query_params
        when = asked_range(query, now)
        window = numbers.window(
            (project.pk,),
            numbers.with_skew(when, now) if when else numbers.always(now),
            environments(query, self.organization),
        )
        scope = Scope(self.organization.pk, window.projects, window.environments)
        terms = split(search.parse(query.get("query", "")), self.organization, self.user, scope=scope)
        if terms.relational:
            raise RuleBroken(f"{search.PREFIX}conditions on issues do not apply to events")
        cursor, size = cursor_of(query), per_page(query)
        start = max(cursor.offset, 0) if cursor else 0
        if terms.nothing:
            return by_offset([], start, size)
        found = queries.list_events(
            event_store(),
            window,
            group.pk if group else None,
            text=terms.text,
            tags=terms.tags,
            limit=size + 1,
            offset=start,
        )
        return by_offset(found, start, size)

    def listed(self, page: Page[EventSummary], project: Project) -> Response:
        """The page as items, or as whole events when `full` says so."""
        if self.request.query_params.get("full") in ("1", "true"):
            stored = (queries.get_event(event_store(), [project.pk], event.event_id) for event in page.rows)
            return self.paged(page, [whole(event, project) for event in stored if event])
        groups = Group.objects.in_bulk({event.group_id for event in page.rows})
        items = [
            as_event_item(event, _of_events(groups[event.group_id].metadata) if event.group_id in groups else None)
            for event in page.rows
        ]
        return self.paged(page, items)


def _of_events(metadata: dict[str, Any]) -> dict[str, Any]:
    """What an issue's metadata have from its events, without what was noted when it was made."""
    return {key: value for key, value in metadata.items() if key not in ("initial_priority", "sdk")}


class ProjectEvents(_Events, ProjectEndpoint):
    """The events of a project."""

    tag = "Events"

    @operation(
        Operation(
            "listProjectEvents",
            PROJECT_READ,
            query=(FULL, QUERY, *TIME, *PAGING),
            answers=list[EventListItem | EventDetails],
        )
    )
    def get(self, request: Request) -> Response:
        """The events of a project, newest first."""
        return self.listed(self.page(self.project, clock.now()), self.project)


class IssueEvents(_Events, IssueEndpoint):
    """The events of an issue."""

    tag = "Issues"

    @operation(
        Operation(
            "listIssueEvents",
            EVENT_READ,
            query=(FULL, QUERY, *ENVIRONMENT, *TIME, *PAGING),
            answers=list[EventListItem | EventDetails],
        )
    )
    def get(self, request: Request) -> Response:
        """The events of an issue, newest first."""
        return self.listed(self.page(self.group.project, clock.now(), self.group), self.group.project)


def whole(stored: StoredEvent, project: Project, where: Sequence[str] = ()) -> EventDetails:
    """A whole event with its neighbours in its issue, its release and what a person said about it."""
    event = stored.summary
    older, newer = queries.neighbours(event_store(), event, where) if event.group_id else (None, None)
    release = None
    if event.release:
        rows = Release.objects.filter(organization_id=project.organization_id, version=event.release)
        release = next(iter(as_releases(list(rows), [project])), None)
    report = UserReport.objects.filter(project=project, event_id=event.event_id).first()
    return as_event(stored, older, newer, release, as_user_report(report, None) if report else None)


class IssueEvent(IssueEndpoint):
    """One event of an issue."""

    tag = "Issues"

    @operation(Operation("getIssueEvent", EVENT_READ, query=ENVIRONMENT, answers=EventDetails))
    def get(self, request: Request) -> Response:
        """One event of the issue by its id, or `latest`, `oldest` or `recommended`."""
        where = environments(request.query_params, self.organization)
        stored = self.find(self.path["event_id"], where)
        if stored is None:
            raise NotFound
        return Response(whole(stored, self.group.project, where))

    def find(self, text: str, where: Sequence[str]) -> StoredEvent | None:
        """The event that `text` names."""
        project = [self.group.project_id]
        if text in NEWEST:
            return queries.edge_event(event_store(), project, self.group.pk, "latest", where)
        if text == "oldest":
            return queries.edge_event(event_store(), project, self.group.pk, "oldest", where)
        event_id = as_event_id(text)
        return queries.get_event(event_store(), project, event_id, self.group.pk) if event_id else None


class EventOfProject(ProjectEndpoint):
    """Something of one event of a project."""

    tag = "Events"

    def find(self) -> StoredEvent:
        """The event that the path names. Raises `NotFound`."""
        event_id = as_event_id(self.path["event_id"])
        stored = queries.get_event(event_store(), [self.project.pk], event_id) if event_id else None
        if stored is None:
            raise NotFound
        return stored


class ProjectEvent(EventOfProject):
    """One event of a project."""

    @operation(Operation("getProjectEvent", PROJECT_READ, answers=EventDetails))
    def get(self, request: Request) -> Response:
        """One event of the project."""
        return Response(whole(self.find(), self.project))


class ProjectEventJson(EventOfProject):
    """The stored form of an event."""

    @operation(Operation("getProjectEventJson", PROJECT_READ, answers=dict[str, Any]))
    def get(self, request: Request) -> HttpResponse:
        """The event as it is stored, in the words of the protocol."""
        return HttpResponse(self.find().payload, content_type="application/json")


class EventId(TypedDict):
    """Where an event id leads."""

    organizationSlug: str
    projectSlug: str
    groupId: str
    eventId: str
    event: EventDetails


class EventIdItem(OrganizationEndpoint):
    """An event id."""

    tag = "Events"

    @operation(Operation("resolveEventId", ORG_READ, answers=EventId))
    def get(self, request: Request) -> Response:
        """The project and the issue that an event belongs to, and the event."""
        event_id = as_event_id(self.path["event_id"])
        view = {project.pk: project for project in reachable_projects(self.access)}
        stored = queries.get_event(event_store(), list(view), event_id) if event_id and view else None
        if stored is None:
            raise NotFound
        project = view[stored.summary.project_id]
        return Response(
            EventId(
                organizationSlug=self.organization.slug,
                projectSlug=project.slug,
                groupId=str(stored.summary.group_id),
                eventId=stored.summary.event_id,
                event=whole(stored, project),
            )
        )
