"""Issues. Clients decode `count` as a string and `userCount` as a number."""

from collections.abc import Collection
from typing import Any, NotRequired, TypedDict

from django.conf import settings

from vedette.api.shapes.base import Moment, z
from vedette.api.shapes.projects import ProjectName, project_name
from vedette.api.shapes.releases import ReleaseShape
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core.clock import as_z
from vedette.issues.assignees import Assignee
from vedette.issues.lookup import FeedEntry
from vedette.issues.models import PRIORITY_WORDS, Activity, ActivityType, Group, UserReport
from vedette.orgs.models import Organization

Series = dict[str, list[tuple[int, int]]]
ERROR_GROUP_TYPE = 1


class AssigneeShape(TypedDict):
    """Who takes care of an issue: a user or a team."""

    type: str
    id: str
    name: str
    email: NotRequired[str]


class Annotation(TypedDict):
    """A link to somewhere else."""

    displayName: str
    url: str


class Lifetime(TypedDict):
    """Numbers of an issue over another stretch than the one that was asked for."""

    count: str
    userCount: int
    firstSeen: Moment
    lastSeen: Moment
    stats: Series | None


class IssueShape(TypedDict):
    """An issue. What `collapse` names is absent."""

    id: str
    shareId: NotRequired[str | None]
    shortId: NotRequired[str]
    title: NotRequired[str]
    culprit: NotRequired[str | None]
    permalink: NotRequired[str]
    logger: NotRequired[str | None]
    level: NotRequired[str]
    status: NotRequired[str]
    statusDetails: NotRequired[dict[str, Any]]
    substatus: NotRequired[str | None]
    isPublic: NotRequired[bool]
    platform: NotRequired[str | None]
    priority: NotRequired[str | None]
    priorityLockedAt: NotRequired[Moment | None]
    project: NotRequired[ProjectName]
    type: NotRequired[str]
    issueType: NotRequired[str]
    issueCategory: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]
    numComments: NotRequired[int]
    assignedTo: NotRequired[AssigneeShape | None]
    isBookmarked: NotRequired[bool]
    isSubscribed: NotRequired[bool]
    hasSeen: NotRequired[bool]
    isUnhandled: NotRequired[bool]
    subscriptionDetails: NotRequired[dict[str, Any] | None]
    annotations: NotRequired[list[Annotation]]
    count: NotRequired[str]
    userCount: NotRequired[int]
    firstSeen: NotRequired[Moment]
    lastSeen: NotRequired[Moment]
    stats: NotRequired[Series]
    lifetime: NotRequired[Lifetime]
    filtered: NotRequired[Lifetime | None]
    matchingEventId: NotRequired[str | None]


class IssueTagName(TypedDict):
    """A tag of an issue's events."""

    key: str
    name: str
    totalValues: int


class ActivityShape(TypedDict):
    """One entry of an issue's history."""

    id: str
    type: str
    user: UserShape | None
    sentry_app: dict[str, Any] | None
    data: dict[str, Any]
    dateCreated: Moment


class IssueDetails(IssueShape):
    """An issue with its history, tags and releases."""

    firstRelease: ReleaseShape | None
    lastRelease: ReleaseShape | None
    tags: list[IssueTagName]
    activity: list[ActivityShape]
    seenBy: list[UserShape]
    participants: list[UserShape]
    userReportCount: int
    pluginActions: list[Any]
    pluginIssues: list[Any]
    pluginContexts: list[Any]


class UserReportShape(TypedDict):
    """What a person said about an event."""

    id: str
    eventID: str
    name: str
    email: str
    comments: str
    dateCreated: Moment
    user: dict[str, Any] | None
    event: dict[str, str]
    issue: IssueShape | None


def as_issue(group: Group, organization: Organization, assignee: Assignee | None) -> IssueShape:
    """An issue without its numbers; its project has to be fetched with it."""
    kind = group.data.get("type")
    return {
        "id": str(group.pk),
        "shareId": None,
        "shortId": group.qualified_short_id,
        "title": group.title,
        "culprit": group.culprit,
        "permalink": f"{settings.VEDETTE.url}/organizations/{organization.slug}/issues/{group.pk}/",
        "logger": group.logger or None,
        "level": group.level_word,
        "status": group.status_word,
        "statusDetails": {},
        "substatus": group.substatus_word,
        "isPublic": False,
        "platform": group.platform,
        "priority": PRIORITY_WORDS.get(group.priority or 0),
        "priorityLockedAt": z(group.priority_locked_at),
        "project": project_name(group.project),
        "type": kind if isinstance(kind, str) else "error",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": group.metadata,
        "numComments": group.num_comments,
        "assignedTo": as_assignee(assignee),
        "isBookmarked": False,
        "isSubscribed": False,
        "hasSeen": False,
        "subscriptionDetails": None,
        "annotations": [],
    }


def as_assignee(assignee: Assignee | None) -> AssigneeShape | None:
    """An assignee as an object; clients cannot read a text."""
    if assignee is None:
        return None
    shape: AssigneeShape = {"type": assignee.kind, "id": str(assignee.id), "name": assignee.name}
    if assignee.email:
        shape["email"] = assignee.email
    return shape


def as_activities(entries: Collection[FeedEntry]) -> list[ActivityShape]:
    """A history: three queries, however long. The first entry's id is 0."""
    users = users_by_id(entry.user.pk for entry in entries if entry.user)
    return [
        {
            "id": str(entry.id),
            "type": entry.type.word,
            "user": users.get(entry.user.pk) if entry.user else None,
            "sentry_app": None,
            "data": {key: value for key, value in entry.data.items() if key != "mentions"},
            "dateCreated": as_z(entry.datetime),
        }
        for entry in entries
    ]


def as_notes(notes: Collection[Activity]) -> list[ActivityShape]:
    """Comments."""
    users = users_by_id(note.user_id for note in notes)
    return [
        {
            "id": str(note.pk),
            "type": ActivityType.NOTE.word,
            "user": users.get(note.user_id or 0),
            "sentry_app": None,
            "data": {key: value for key, value in note.data.items() if key != "mentions"},
            "dateCreated": as_z(note.datetime),
        }
        for note in notes
    ]


def as_user_report(report: UserReport, issue: IssueShape | None) -> UserReportShape:
    """What a person said about an event."""
    return {
        "id": str(report.pk),
        "eventID": report.event_id,
        "name": report.name,
        "email": report.email,
        "comments": report.comments,
        "dateCreated": as_z(report.date_added),
        "user": None,
        "event": {"id": report.event_id, "eventID": report.event_id},
        "issue": issue,
    }
