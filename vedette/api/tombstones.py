"""What is left of discarded issues: what leads to one by its hash is dropped, until it is removed.

Source: the issue workflow specification, section 10.
"""

from typing import Any, TypedDict

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import ProjectEndpoint
from vedette.api.operations import EVENT_ADMIN, EVENT_READ, PAGING, Operation, operation
from vedette.api.paging import by_number
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core.ids import as_id
from vedette.issues.deletion import let_in_again
from vedette.issues.models import LEVEL_WORDS, GroupTombstone


class TombstoneShape(TypedDict):
    """A discarded issue."""

    id: str
    level: str
    message: str
    culprit: str
    type: str
    metadata: dict[str, Any]
    actor: UserShape | None


class TombstoneList(ProjectEndpoint):
    """The discarded issues of a project."""

    tag = "Issues"

    @operation(Operation("listTombstones", EVENT_READ, query=PAGING, answers=list[TombstoneShape]))
    def get(self, request: Request) -> Response:
        """The discarded issues of the project, newest first."""
        rows = GroupTombstone.objects.filter(project=self.project).order_by("-pk")
        page = by_number(rows, request.query_params)
        people = users_by_id(row.actor_id for row in page.rows if row.actor_id)
        body = [
            TombstoneShape(
                id=str(row.pk),
                level=LEVEL_WORDS.get(row.level, "error"),
                message=row.message,
                culprit=row.culprit,
                type=str(row.data.get("type") or "default"),
                metadata=row.data.get("metadata") or {},
                actor=people.get(row.actor_id or 0),
            )
            for row in page.rows
        ]
        return self.paged(page, body)


class TombstoneItem(ProjectEndpoint):
    """A discarded issue."""

    tag = "Issues"

    @operation(Operation("deleteTombstone", EVENT_ADMIN, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Let the events of a discarded issue in again: the next one makes a new issue."""
        number = as_id(self.path["tombstone_id"])
        rows = GroupTombstone.objects.filter(project=self.project, pk=number or 0)
        tombstone = rows.select_related("project__organization").first()
        if tombstone is None or not let_in_again(tombstone, self.user, ip_address=self.address):
            raise NotFound
        return Response(status=204)
