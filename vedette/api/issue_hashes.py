"""The fingerprints of an issue, and splitting some of them off.

Source: the issue workflow specification, section 9 ("Unmerge").
"""

from typing import TypedDict

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import IssueEndpoint
from vedette.api.errors import Conflict
from vedette.api.operations import EVENT_ADMIN, EVENT_READ, EVENT_WRITE, PAGING, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.shapes.events import EventListItem, as_event_item
from vedette.events.connection import event_store
from vedette.events.queries.hashes import latest_of
from vedette.issues.unmerging import fingerprints_of, unmerge

IDS = (Parameter("id", "Fingerprints, as the list names them.", many=True),)
ALREADY = "Already being unmerged"


class HashShape(TypedDict):
    """A hash that leads to an issue. `latestEvent` is the newest event that has it as its first hash; others are known
    from events that have several."""

    id: str
    latestEvent: EventListItem | None
    mergedBySeer: bool


class IssueHashes(IssueEndpoint):
    """The hashes of an issue."""

    tag = "Issues"

    @operation(Operation("listIssueHashes", EVENT_READ, query=PAGING, answers=list[HashShape]))
    def get(self, request: Request) -> Response:
        """The hashes whose events belong to the issue, that of the newest event first."""
        page = by_number(fingerprints_of(event_store(), self.group), request.query_params)
        counted = [one.events for one in page.rows if one.events]
        latest = latest_of(event_store(), self.group.project_id, self.group.pk, counted)
        body: list[HashShape] = [
            {
                "id": row.hash,
                "latestEvent": as_event_item(latest[row.hash]) if row.hash in latest else None,
                "mergedBySeer": False,
            }
            for row in page.rows
        ]
        return self.paged(page, body)

    @operation(Operation("unmergeIssue", EVENT_WRITE, query=IDS, statuses=(200, 202), fails=(409,)))
    def put(self, request: Request) -> Response:
        """Give fingerprints of the issue an issue of their own, to which their events move soon after (202).

        `Location` leads to it. 200 where none is named. 409 where none of them is the issue's, or all are being split
        off already. At least one with events has to stay.
        """
        return self.split(request)

    @operation(Operation("unmergeIssueByDelete", EVENT_ADMIN, query=IDS, statuses=(200, 202), fails=(409,)))
    def delete(self, request: Request) -> Response:
        """The same, as older clients ask for it."""
        return self.split(request)

    def split(self, request: Request) -> Response:
        """Split off what the request names. Raises `Conflict`."""
        hashes = {value for value in request.query_params.getlist("id") if value}
        if not hashes:
            return Response(status=200)
        made = unmerge(event_store(), self.group, hashes, self.user)
        if made is None:
            raise Conflict(ALREADY)
        return Response(status=202, headers={"Location": f"{settings.VEDETTE.url}/api/0/issues/{made.pk}/"})
