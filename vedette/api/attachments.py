"""Files that came with an event."""

from typing import Any, TypedDict

from django.conf import settings
from django.http import FileResponse
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import ProjectEndpoint
from vedette.api.errors import FORBIDDEN
from vedette.api.operations import EVENT_WRITE, PAGING, PROJECT_READ, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.shapes.base import Moment
from vedette.core.clock import as_z
from vedette.core.files import FileStore
from vedette.core.ids import as_event_id, as_id
from vedette.issues.attachments import download, may_download
from vedette.issues.files import delete_attachments
from vedette.issues.models import EventAttachment


class AttachmentShape(TypedDict):
    """A file of an event."""

    id: str
    event_id: str
    type: str
    name: str
    mimetype: str
    size: int
    sha1: str
    headers: dict[str, str]
    dateCreated: Moment


def as_attachment(attachment: EventAttachment) -> AttachmentShape:
    """A file, without its bytes."""
    return {
        "id": str(attachment.pk),
        "event_id": attachment.event_id,
        "type": attachment.type,
        "name": attachment.name,
        "mimetype": attachment.content_type,
        "size": attachment.size,
        "sha1": attachment.sha1,
        "headers": {"Content-Type": attachment.content_type},
        "dateCreated": as_z(attachment.date_added),
    }


class _OfEvent(ProjectEndpoint):
    """Something about the files of one event."""

    tag = "Events"

    def attachments(self) -> Any:
        """The files of the event, oldest first. Raises `NotFound` for what is no event id."""
        event_id = as_event_id(self.path["event_id"])
        if event_id is None:
            raise NotFound
        return EventAttachment.objects.filter(project=self.project, event_id=event_id).order_by("pk")


class AttachmentList(_OfEvent):
    """The files of an event."""

    @operation(Operation("listEventAttachments", PROJECT_READ, query=PAGING, answers=list[AttachmentShape]))
    def get(self, request: Request) -> Response:
        """The files that came with an event."""
        page = by_number(self.attachments(), request.query_params)
        return self.paged(page, [as_attachment(attachment) for attachment in page.rows])


class AttachmentItem(_OfEvent):
    """One file of an event."""

    @operation(
        Operation(
            "getEventAttachment",
            PROJECT_READ,
            query=(Parameter("download", "Given at all: the bytes instead of the description."),),
            answers=AttachmentShape,
        )
    )
    def get(self, request: Request) -> Response | FileResponse:
        """One file of an event: what it is, or with `download` its bytes."""
        attachment = self.attachment()
        if "download" not in request.query_params:
            return Response(as_attachment(attachment))
        if not may_download(self.access):
            raise PermissionDenied(FORBIDDEN)
        try:
            return download(attachment)
        except FileNotFoundError:
            raise NotFound from None

    @operation(Operation("deleteEventAttachment", EVENT_WRITE, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete one file of an event."""
        attachment = self.attachment()
        delete_attachments(FileStore(settings.VEDETTE.files_dir), EventAttachment.objects.filter(pk=attachment.pk))
        return Response(status=204)

    def attachment(self) -> EventAttachment:
        """The file that the path names. Raises `NotFound`."""
        found: EventAttachment | None = self.attachments().filter(pk=as_id(self.path["attachment_id"]) or 0).first()
        if found is None:
            raise NotFound
        return found
