"""What people say about the errors that they met."""

from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.authentication import Kind
from vedette.api.bodies import Wish, read
from vedette.api.endpoint import ProjectEndpoint
from vedette.api.errors import Conflict
from vedette.api.operations import PAGING, PROJECT_READ, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.senders import admit_sender
from vedette.api.shapes.issues import UserReportShape, as_issue, as_user_report
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_event_id
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.issues.assignees import assignees_of
from vedette.issues.feedback import AlreadyReported, Known, report
from vedette.issues.models import Group, GroupStatus, UserReport

LONGEST_COMMENT = 4096


class NewFeedback(Wish):
    """What a person says about an event."""

    event_id = serializers.CharField(max_length=36)
    name = serializers.CharField(max_length=128)
    email = serializers.EmailField(max_length=75)
    comments = serializers.CharField(max_length=LONGEST_COMMENT)


class ProjectFeedback(ProjectEndpoint):
    """What people said about a project's events."""

    tag = "Projects"

    @operation(
        Operation(
            "listProjectUserFeedback",
            PROJECT_READ,
            query=(Parameter("status", "Empty: also of issues that are settled.", choices=("unresolved", "")), *PAGING),
            answers=list[UserReportShape],
        )
    )
    def get(self, request: Request) -> Response:
        """What people said about the project's events, newest first; by default only of unresolved issues."""
        rows = UserReport.objects.filter(project=self.project).select_related("group__project")
        if request.query_params.get("status", "unresolved") == "unresolved":
            rows = rows.filter(group__status=GroupStatus.UNRESOLVED)
        page = by_number(rows.order_by("-date_added", "-pk"), request.query_params)
        assignees = assignees_of([one.group for one in page.rows if one.group])
        body = [
            as_user_report(
                one, as_issue(one.group, self.organization, assignees.get(one.group.pk)) if one.group else None
            )
            for one in page.rows
        ]
        return self.paged(page, body)

    @operation(
        Operation(
            "createProjectUserFeedback",
            PROJECT_READ,
            takes=NewFeedback,
            answers=UserReportShape,
            fails=(409, 429),
            takes_dsn=True,
        )
    )
    def post(self, request: Request) -> Response:
        """Say something about an event; a DSN is credential enough.

        Within five minutes the same event's feedback can be sent again, and replaces the first; half an hour after the
        event it is too late to send any. A DSN is good for pages of the project's allowed domains only, and for as many
        reports as the project's limit of feedback lets in.
        """
        if self.caller.kind is Kind.DSN:
            admit_sender(request, self.caller, self.project)
        wish = read(NewFeedback, request.data)
        event_id = as_event_id(wish["event_id"])
        if event_id is None:
            raise RuleBroken({"event_id": ["Invalid event id."]})
        try:
            kept = report(
                self.project,
                event_id,
                name=wish["name"],
                email=wish["email"],
                comments=wish["comments"],
                event=self.known(event_id),
            )
        except AlreadyReported as error:
            raise Conflict(str(error)) from error
        return Response(as_user_report(kept, None))

    def locate(self, **path: str) -> None:
        """Find the project; a DSN is good for its own one only, whatever else there may be."""
        try:
            super().locate(**path)
        except NotFound:
            if self.caller.kind is Kind.DSN:
                raise RuleBroken("The DSN is not of this project.") from None
            raise

    def known(self, event_id: str) -> Known | None:
        """The event, if it is known yet; without the event store nobody waits for it."""
        try:
            found = queries.get_event(event_store(), [self.project.pk], event_id)
        except StoreUnavailable:
            return None
        if found is None:
            return None
        summary = found.summary
        group = Group.objects.filter(pk=summary.group_id, project=self.project).first()
        return Known(group, summary.timestamp, summary.environment)
