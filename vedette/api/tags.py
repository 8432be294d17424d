"""Tags of issues and of organizations."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import numbers
from vedette.api.endpoint import IssueEndpoint, OrganizationEndpoint
from vedette.api.filters import asked_range, environments, projects, time_range
from vedette.api.operations import (
    ENVIRONMENT,
    EVENT_READ,
    ORG_READ,
    PAGING,
    PROJECT,
    TIME,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_offset, cursor_of, per_page
from vedette.api.shapes.issues import IssueTagName
from vedette.api.shapes.tags import TagShape, TagValueShape, as_tag, as_tag_value, tag_names
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.queries.tags import ValueOrder
from vedette.events.rows import Window

TOP = 10
SORTS: dict[str, ValueOrder] = {
    "-count": "-count",
    "count": "count",
    "-date": "-last_seen",
    "date": "last_seen",
    "-id": "-first_seen",
    "id": "first_seen",
}
SORT = Parameter("sort", "By default the last seen first.", choices=tuple(SORTS))
VALUE = Parameter("query", "Text in the value.")


class _OfIssue(IssueEndpoint):
    """Something about the tags of one issue."""

    tag = "Issues"

    def window(self) -> Window:
        """The window that the request names, or all time."""
        query = self.request.query_params
        now = clock.now()
        when = asked_range(query, now) or numbers.always(now)
        return numbers.window((self.group.project_id,), when, environments(query, self.organization))


class IssueTags(_OfIssue):
    """The tags of an issue."""

    @operation(
        Operation(
            "listIssueTags",
            EVENT_READ,
            query=(Parameter("key", "Only these tags.", many=True), *ENVIRONMENT, *TIME),
            answers=list[TagShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The tags of the issue's events with their ten most frequent values, most carried first."""
        keys = request.query_params.getlist("key")
        found = queries.facets(event_store(), self.window(), self.group.pk, TOP, keys=keys)
        return Response([as_tag(facet) for facet in found])


class IssueTag(_OfIssue):
    """One tag of an issue."""

    @operation(Operation("getIssueTag", EVENT_READ, query=(*ENVIRONMENT, *TIME), answers=TagShape))
    def get(self, request: Request) -> Response:
        """One tag of the issue's events with its most frequent values."""
        found = queries.facets(event_store(), self.window(), self.group.pk, TOP, keys=[self.path["key"]])
        if not found:
            raise NotFound
        return Response(as_tag(found[0]))


class IssueTagValues(_OfIssue):
    """The values of a tag of an issue."""

    @operation(
        Operation(
            "listIssueTagValues",
            EVENT_READ,
            query=(SORT, VALUE, *ENVIRONMENT, *TIME, *PAGING),
            answers=list[TagValueShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The values of one tag of the issue's events."""
        query = request.query_params
        sort = query.get("sort") or "-date"
        if sort not in SORTS:
            raise RuleBroken(f"Sort key '{sort[:50]}' not supported.")
        cursor, size, key = cursor_of(query), per_page(query), self.path["key"]
        start = max(cursor.offset, 0) if cursor else 0
        found = queries.tag_values(
            event_store(),
            self.window(),
            key,
            self.group.pk,
            contains=query.get("query", ""),
            sort=SORTS[sort],
            limit=size + 1,
            offset=start,
        )
        page = by_offset(found, start, size)
        return self.paged(page, [as_tag_value(key, value) for value in page.rows])


class OrganizationTags(OrganizationEndpoint):
    """The tags of an organization's events."""

    tag = "Events"

    @operation(
        Operation("listOrganizationTags", ORG_READ, query=(*PROJECT, *ENVIRONMENT, *TIME), answers=list[IssueTagName])
    )
    def get(self, request: Request) -> Response:
        """The tags that events carry, most carried first."""
        query = request.query_params
        view = projects(query, self.access)
        where = environments(query, self.organization)
        now = clock.now()
        if not view:
            return Response([])
        when = numbers.with_skew(time_range(query, now), now)
        window = numbers.window([project.pk for project in view], when, where)
        return Response(tag_names(queries.tag_keys(event_store(), window)))
