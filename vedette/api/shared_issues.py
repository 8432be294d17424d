"""An issue as its public link shows it: to anybody, without whatever belongs to somebody.

Source: the issue workflow specification, 8.4 with its [V].
"""

from typing import Any, TypedDict

from django.conf import settings
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import Endpoint, find_organization
from vedette.api.operations import Caller, Operation, operation
from vedette.api.shapes.base import Moment
from vedette.api.shapes.entries import entries_of
from vedette.core import json
from vedette.core.clock import as_z
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.rows import StoredEvent
from vedette.issues.models import Group
from vedette.issues.shareable import shareable
from vedette.issues.sharing import shared_group
from vedette.orgs.models import Organization

HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class SharedEntry(TypedDict):
    """A part of an event."""

    type: str
    data: dict[str, Any]


class SharedEvent(TypedDict):
    """The newest event of a shared issue: its exceptions, stack trace and message."""

    id: str
    title: str
    culprit: str
    platform: str
    dateCreated: Moment
    entries: list[SharedEntry]


class SharedIssueShape(TypedDict):
    """What a public link shows of an issue."""

    id: str
    shareId: str
    isPublic: bool
    permalink: str
    title: str
    culprit: str
    type: str
    level: str
    platform: str | None
    firstSeen: Moment
    lastSeen: Moment
    latestEvent: SharedEvent | None


class SharedIssue(Endpoint):
    """An issue by its public link."""

    tag = "Issues"

    @operation(Operation("getSharedIssue", caller=Caller.ANYBODY, answers=SharedIssueShape, fails=(404,)))
    def get(self, request: Request) -> Response:
        """What everybody may see of an issue that has a public link: what broke, and where in the code."""
        return shown(self.path["share_id"], None)


class SharedIssueOfOrganization(Endpoint):
    """An issue of an organization by its public link."""

    tag = "Issues"

    @operation(Operation("getOrganizationSharedIssue", caller=Caller.ANYBODY, answers=SharedIssueShape, fails=(404,)))
    def get(self, request: Request) -> Response:
        """The same; nothing is there for an issue of another organization."""
        organization = find_organization(self.path["organization_id_or_slug"])
        if organization is None:
            raise NotFound
        return shown(self.path["share_id"], organization)


def shown(share_id: str, organization: Organization | None) -> Response:
    """The shared issue. Raises `NotFound`, and `StoreUnavailable`."""
    group = shared_group(share_id, organization)
    if group is None:
        raise NotFound
    stored = queries.edge_event(event_store(), [group.project_id], group.pk)
    return Response(as_shared_issue(group, share_id, stored), headers=HEADERS)


def as_shared_issue(group: Group, share_id: str, stored: StoredEvent | None) -> SharedIssueShape:
    """An issue for everybody."""
    kind = group.data.get("type")
    return {
        "id": str(group.pk),
        "shareId": share_id,
        "isPublic": True,
        "permalink": f"{settings.VEDETTE.url}/share/issue/{share_id}/",
        "title": group.title,
        "culprit": group.culprit,
        "type": kind if isinstance(kind, str) else "error",
        "level": group.level_word,
        "platform": group.platform,
        "firstSeen": as_z(group.first_seen),
        "lastSeen": as_z(group.last_seen),
        "latestEvent": _event(stored) if stored else None,
    }


def _event(stored: StoredEvent) -> SharedEvent:
    try:
        payload = shareable(json.loads(stored.payload))
    except json.JSONDecodeError:
        payload = {}
    entries, _ = entries_of(payload)
    return {
        "id": stored.summary.event_id,
        "title": stored.summary.title,
        "culprit": stored.summary.culprit,
        "platform": stored.summary.platform,
        "dateCreated": as_z(stored.summary.timestamp),
        "entries": [{"type": kind, "data": data} for kind, data in entries],
    }
