"""One issue: itself, its history, comments and what people reported."""

from datetime import datetime
from typing import Any, TypedDict

from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import User
from vedette.api import numbers
from vedette.api.bodies import Wish, read
from vedette.api.endpoint import IssueEndpoint, OrganizationEndpoint
from vedette.api.filters import environments
from vedette.api.issue_changes import NO_DISCARDING, IssueChanges, apply, is_discard
from vedette.api.issue_fixes import status_details
from vedette.api.operations import (
    ENVIRONMENT,
    EVENT_ADMIN,
    EVENT_READ,
    EVENT_WRITE,
    PAGING,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.shapes.issues import (
    ActivityShape,
    IssueDetails,
    IssueShape,
    UserReportShape,
    as_activities,
    as_inbox,
    as_issue,
    as_notes,
    as_owners,
    as_user_report,
)
from vedette.api.shapes.releases import ReleaseShape, as_releases
from vedette.api.shapes.tags import tag_names
from vedette.api.shapes.users import users_by_id
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.issues.assignees import assignee_of
from vedette.issues.deletion import give_up
from vedette.issues.lookup import feed, find_group
from vedette.issues.marks import marks_of, seen_by, told_about
from vedette.issues.models import Activity, ActivityType, Group, GroupInbox, GroupRelease, UserReport
from vedette.issues.notes import LONGEST_TEXT, add_note, change_note, delete_note, own_note
from vedette.issues.owners import owners_of
from vedette.issues.sharing import shares_of

COLLAPSE = Parameter("collapse", "Parts to leave out: stats, unhandled, tags, release.", many=True)
EXPAND = Parameter("expand", "Parts to add: inbox, owners.", many=True)


class IssueItem(IssueEndpoint):
    """One issue."""

    tag = "Issues"

    @operation(
        Operation("getOrganizationIssue", EVENT_READ, query=(COLLAPSE, EXPAND, *ENVIRONMENT), answers=IssueDetails)
    )
    def get(self, request: Request) -> Response:
        """One issue with its history, tags, releases and numbers of all time."""
        return Response(self.details())

    @operation(
        Operation("updateOrganizationIssue", EVENT_WRITE, takes=IssueChanges, answers=IssueDetails, statuses=(200, 204))
    )
    def put(self, request: Request) -> Response:
        """Change the issue; the answer is the whole issue.

        `discard` alone needs event:admin: it deletes the issue, and drops what would lead to it from then on (204).
        """
        wish = read(IssueChanges, request.data)
        if is_discard(wish):
            if not self.holds(*EVENT_ADMIN):
                raise PermissionDenied(NO_DISCARDING)
            give_up([self.group], self.user, discard=True, ip_address=self.address)
            return Response(status=204)
        apply(wish, [self.group], self.organization, self.user)
        return Response(self.details())

    @operation(Operation("deleteOrganizationIssue", EVENT_ADMIN, statuses=(202,)))
    def delete(self, request: Request) -> Response:
        """Delete the issue: it is gone for everybody at once, its events and files soon after."""
        give_up([self.group], self.user, ip_address=self.address)
        return Response(status=202)

    def details(self) -> IssueDetails:
        """The issue without the parts that the request leaves out."""
        query = self.request.query_params
        collapsed = set(query.getlist("collapse"))
        where = environments(query, self.organization)
        now = clock.now()
        group = self.group
        window = numbers.window((group.project_id,), numbers.always(now), where)
        issue = as_issue(
            group,
            self.organization,
            assignee_of(group),
            status_details([group]).get(group.pk),
            marks_of([group], self.user).get(group.pk),
            shares_of([group]).get(group.pk),
        )
        if "inbox" in query.getlist("expand"):
            issue["inbox"] = as_inbox(GroupInbox.objects.filter(group=group).first())
        if "owners" in query.getlist("expand"):
            issue["owners"] = as_owners(owners_of([group]).get(group.pk, []))
        if "unhandled" not in collapsed:
            issue["isUnhandled"] = group.pk in numbers.unhandled(window, [group.pk])
        if "stats" not in collapsed:
            self.add_numbers(issue, window, now)
        history = feed(group)
        seen, told = seen_by(group), told_about(group)
        people = users_by_id([*seen, *told])
        first, last = (None, None) if "release" in collapsed else self.releases()
        return {
            **issue,
            "firstRelease": first,
            "lastRelease": last,
            "tags": [] if "tags" in collapsed else tag_names(queries.tag_keys(event_store(), window, group.pk)),
            "activity": as_activities(history),
            "seenBy": [people[pk] for pk in seen if pk in people],
            "participants": [people[pk] for pk in told if pk in people],
            "userReportCount": UserReport.objects.filter(group=group).count(),
            "pluginActions": [],
            "pluginIssues": [],
            "pluginContexts": [],
        }

    def add_numbers(self, issue: IssueShape, window: Any, now: datetime) -> None:
        """The counts and series of the issue."""
        group = self.group
        known = numbers.stats(window, [group.pk]).get(group.pk)
        issue["count"] = str(known.count if known and window.environments else group.times_seen)
        issue["userCount"] = known.users if known else 0
        issue["firstSeen"] = as_z(group.first_seen)
        issue["lastSeen"] = as_z(group.last_seen)
        issue["stats"] = {period: numbers.series(window, group.pk, period, now) for period in ("24h", "30d")}

    def releases(self) -> tuple[ReleaseShape | None, ReleaseShape | None]:
        """The releases that the issue was first and last seen in."""
        rows = GroupRelease.objects.filter(group=self.group).select_related("release")
        last = rows.order_by("-last_seen", "-pk").first()
        wanted = {release.pk: release for release in (self.group.first_release, last and last.release) if release}
        shapes = {shape["id"]: shape for shape in as_releases(list(wanted.values()), [self.group.project])}
        return shapes.get(self.group.first_release_id or 0), shapes.get(last.release_id if last else 0)


class Activities(TypedDict):
    """An issue's history."""

    activity: list[ActivityShape]


class IssueActivities(IssueEndpoint):
    """The history of an issue."""

    tag = "Issues"

    @operation(Operation("listIssueActivities", EVENT_READ, answers=Activities))
    def get(self, request: Request) -> Response:
        """What happened to the issue, newest first, its first event last."""
        return Response(Activities(activity=as_activities(feed(self.group))))


class NewNote(Wish):
    """A comment to write. `mentions` are known to clients and not kept."""

    text = serializers.CharField(max_length=LONGEST_TEXT)
    mentions = serializers.ListField(required=False)


class IssueNotes(IssueEndpoint):
    """The comments on an issue."""

    tag = "Issues"

    @operation(Operation("listIssueNotes", EVENT_READ, query=PAGING, answers=list[ActivityShape]))
    def get(self, request: Request) -> Response:
        """The comments on the issue, newest first."""
        rows = Activity.objects.filter(group=self.group, type=ActivityType.NOTE).order_by("-datetime", "-pk")
        page = by_number(rows, request.query_params)
        return self.paged(page, as_notes(page.rows))

    @operation(Operation("createIssueNote", EVENT_WRITE, takes=NewNote, answers=ActivityShape, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Comment on the issue.

        Needs a credential of a user. The same comment again within an hour is refused.
        """
        if self.user is None:
            raise RuleBroken("A comment needs the credential of a user.")
        note = add_note(self.group, self.user, read(NewNote, request.data)["text"])
        return Response(as_notes([note])[0], status=201)


class IssueNote(IssueEndpoint):
    """A comment on an issue, as its author sees it; others change nothing of it."""

    tag = "Issues"

    @operation(Operation("updateIssueNote", EVENT_WRITE, takes=NewNote, answers=ActivityShape))
    def put(self, request: Request) -> Response:
        """Let a comment of one's own say something else."""
        note, _ = self.own()
        change_note(note, read(NewNote, request.data)["text"])
        return Response(as_notes([note])[0])

    @operation(Operation("deleteIssueNote", EVENT_WRITE, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete a comment of one's own."""
        note, by = self.own()
        if not delete_note(self.group, by, note):
            raise NotFound
        return Response(status=204)

    def own(self) -> tuple[Activity, User]:
        """The comment and its author, who asks. Raises `PermissionDenied` for a credential of nobody, and `NotFound`
        for what is not theirs."""
        if self.user is None:
            raise PermissionDenied
        note = own_note(self.group, self.user, as_id(self.path["note_id"]) or 0)
        if note is None:
            raise NotFound
        return note, self.user


class IssueUserReports(IssueEndpoint):
    """What people reported about an issue."""

    tag = "Issues"

    @operation(Operation("listIssueUserReports", EVENT_READ, query=PAGING, answers=list[UserReportShape]))
    def get(self, request: Request) -> Response:
        """What people said about the issue's events, newest first."""
        rows = UserReport.objects.filter(group=self.group).order_by("-date_added", "-pk")
        page = by_number(rows, request.query_params)
        return self.paged(page, [as_user_report(report, None) for report in page.rows])


class ShortId(TypedDict):
    """Where a short id leads."""

    organizationSlug: str
    projectSlug: str
    groupId: str
    shortId: str
    group: IssueShape


class ShortIdItem(OrganizationEndpoint):
    """A short id."""

    tag = "Issues"

    @operation(Operation("resolveShortId", EVENT_READ, answers=ShortId))
    def get(self, request: Request) -> Response:
        """The issue that a short id names."""
        text = self.path["short_id"]
        group: Group | None = None if text.isdigit() else find_group(self.access, text)
        if group is None:
            raise NotFound
        issue = as_issue(group, self.organization, assignee_of(group), status_details([group]).get(group.pk))
        known = numbers.stats(numbers.window((group.project_id,), numbers.always(clock.now())), [group.pk])
        issue["count"] = str(group.times_seen)
        issue["userCount"] = known[group.pk].users if group.pk in known else 0
        issue["firstSeen"], issue["lastSeen"] = as_z(group.first_seen), as_z(group.last_seen)
        return Response(
            ShortId(
                organizationSlug=self.organization.slug,
                projectSlug=group.project.slug,
                groupId=str(group.pk),
                shortId=group.qualified_short_id,
                group=issue,
            )
        )
