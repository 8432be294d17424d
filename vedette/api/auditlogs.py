"""The audit log of an organization.

Source: the release specification, section 20, and the API specification, section 18.
"""

from typing import Any, TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import time_range
from vedette.api.operations import ORG_WRITE, PAGING, TIME, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.shapes.base import Moment
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.orgs.audit import AuditEvent, sentence_of, word_of
from vedette.orgs.models import AuditLogEntry

_BY_WORD = {event.word: event for event in AuditEvent}


class AuditActor(TypedDict):
    """Who acted where it was no member: a credential of nobody, by its name."""

    name: str


class AuditEntry(TypedDict):
    """One entry: who did what to which row, from where."""

    id: str
    actor: UserShape | AuditActor
    event: str
    note: str
    ipAddress: str | None
    targetObject: int | None
    targetUser: UserShape | None
    data: dict[str, Any]
    dateCreated: Moment


class AuditLog(TypedDict):
    """A page of entries, and the events that one may ask for."""

    rows: list[AuditEntry]
    options: list[str]


class AuditLogs(OrganizationEndpoint):
    """What was done in an organization."""

    tag = "Organizations"

    @operation(
        Operation(
            "listAuditLogs",
            ORG_WRITE,
            query=(
                Parameter("event", "Only this event, such as `org.edit` or `release.create`."),
                Parameter("actor", "Only what the user with this id did."),
                *TIME,
                *PAGING,
            ),
            answers=AuditLog,
        )
    )
    def get(self, request: Request) -> Response:
        """What was done in the organization and by whom, newest first."""
        query = request.query_params
        rows = AuditLogEntry.objects.filter(organization_id=self.organization.pk)
        if event := query.get("event"):
            if event not in _BY_WORD:
                raise RuleBroken({"event": [f'"{event[:50]}" is not a valid choice.']})
            rows = rows.filter(event=_BY_WORD[event])
        if actor := query.get("actor"):
            rows = rows.filter(actor_id=as_id(actor) or 0)
        if query.get("statsPeriod") or query.get("start"):
            window = time_range(query, clock.now())
            rows = rows.filter(datetime__gte=window.start, datetime__lte=window.end)
        page = by_number(rows.order_by("-datetime", "-pk"), query)
        answer: AuditLog = {"rows": as_entries(page.rows), "options": sorted(_BY_WORD)}
        return self.paged(page, answer)


def as_entries(rows: Any) -> list[AuditEntry]:
    """Entries as the API tells them. Two queries, however many they are."""
    users = users_by_id([number for row in rows for number in (row.actor_id, row.target_user_id)])
    return [
        {
            "id": str(row.pk),
            "actor": users.get(row.actor_id or 0) or AuditActor(name=row.actor_label),
            "event": word_of(row.event),
            "note": sentence_of(row.event, row.data),
            "ipAddress": row.ip_address,
            "targetObject": row.target_object,
            "targetUser": users.get(row.target_user_id or 0),
            "data": row.data,
            "dateCreated": as_z(row.datetime),
        }
        for row in rows
    ]
