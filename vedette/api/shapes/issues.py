"""Issues. Clients decode `count` as a string and `userCount` as a number."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from django.conf import settings

from vedette.api.shapes.base import Moment, z
from vedette.api.shapes.commits import CommitShape, PullRequestShape, commits_by_id, pull_requests_by_id
from vedette.api.shapes.projects import ProjectName, project_name
from vedette.api.shapes.releases import ReleaseShape
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core.clock import as_z
from vedette.issues.assignees import Assignee
from vedette.issues.lookup import OTHER_ISSUES, FeedEntry
from vedette.issues.marks import NONE, Marks
from vedette.issues.models import (
    PRIORITY_WORDS,
    Activity,
    ActivityType,
    Group,
    GroupInbox,
    GroupOwner,
    OwnerType,
    UserReport,
)
from vedette.orgs.models import Organization

Series = dict[str, list[tuple[int, int]]]
ERROR_GROUP_TYPE = 1
_WITH_COMMITS = frozenset(
    {
        ActivityType.SET_RESOLVED_IN_RELEASE,
        ActivityType.SET_RESOLVED_IN_COMMIT,
        ActivityType.REFERENCED_IN_COMMIT,
    }
)
_WITH_PULL_REQUESTS = frozenset(
    {
        ActivityType.SET_RESOLVED_IN_PULL_REQUEST,
        ActivityType.PULL_REQUEST_CLOSED,
        ActivityType.PULL_REQUEST_REOPENED,
        ActivityType.PULL_REQUEST_MERGED,
        ActivityType.PULL_REQUEST_UNLINKED,
    }
)


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


class InboxShape(TypedDict):
    """Why an issue waits to be looked at (0 new, 2 came back, 3 somebody put it there, 4 reprocessed, 5 escalating,
    6 its archive is over), and since when."""

    reason: int
    reason_details: dict[str, Any] | None
    date_added: Moment


class Lifetime(TypedDict):
    """Numbers of an issue over another stretch than the one that was asked for."""

    count: str
    userCount: int
    firstSeen: Moment
    lastSeen: Moment
    stats: Series | None


class OwnerShape(TypedDict):
    """Somebody who is probably responsible: `user:5` or `team:3`, and why (`suspectCommit`)."""

    type: str
    owner: str
    date_added: str


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
    inbox: NotRequired[InboxShape | None]
    owners: NotRequired[list[OwnerShape]]


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


def as_issue(
    group: Group,
    organization: Organization,
    assignee: Assignee | None,
    details: dict[str, Any] | None = None,
    marks: Marks | None = None,
    share_id: str | None = None,
) -> IssueShape:
    """An issue without its numbers; its project has to be fetched with it. `details` say how it is resolved or until
    when it is archived, `marks` what the caller said about it, `share_id` is that of its public link."""
    own = marks or NONE
    kind = group.data.get("type")
    return {
        "id": str(group.pk),
        "shareId": share_id,
        "shortId": group.qualified_short_id,
        "title": group.title,
        "culprit": group.culprit,
        "permalink": f"{settings.VEDETTE.url}/organizations/{organization.slug}/issues/{group.pk}/",
        "logger": group.logger or None,
        "level": group.level_word,
        "status": group.status_word,
        "statusDetails": details or {},
        "substatus": group.substatus_word,
        "isPublic": share_id is not None,
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
        "isBookmarked": own.is_bookmarked,
        "isSubscribed": own.reason is not None,
        "hasSeen": own.has_seen,
        "subscriptionDetails": {"reason": own.reason.name.lower()} if own.reason is not None else None,
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
    """A history: three queries, however long, and some more where commits are in it. The first entry's id is 0."""
    users = users_by_id(entry.user.pk for entry in entries if entry.user)
    commits = commits_by_id(_named(entries, _WITH_COMMITS, "commit"))
    requests = pull_requests_by_id(_named(entries, _WITH_PULL_REQUESTS, "pull_request"))
    return [
        {
            "id": str(entry.id),
            "type": entry.type.word,
            "user": users.get(entry.user.pk) if entry.user else None,
            "sentry_app": None,
            "data": _data_of(entry, commits, requests),
            "dateCreated": as_z(entry.datetime),
        }
        for entry in entries
    ]


def as_inbox(row: GroupInbox | None) -> InboxShape | None:
    """Why an issue waits, if it does."""
    if row is None:
        return None
    return {"reason": row.reason, "reason_details": row.reason_details, "date_added": as_z(row.date_added)}


def as_owners(rows: Sequence[GroupOwner]) -> list[OwnerShape]:
    """Who is probably responsible for an issue."""
    return [
        {
            "type": _OWNER_WORDS.get(row.type, ""),
            "owner": f"team:{row.team_id}" if row.team_id else f"user:{row.user_id}",
            "date_added": as_z(row.date_added),
        }
        for row in rows
    ]


_OWNER_WORDS: dict[int, str] = {
    OwnerType.SUSPECT_COMMIT: "suspectCommit",
    OwnerType.OWNERSHIP_RULE: "ownershipRule",
    OwnerType.CODEOWNERS: "codeowners",
}


def _named(entries: Collection[FeedEntry], kinds: Collection[ActivityType], key: str) -> set[int]:
    """The ids that entries of these kinds keep under `key`."""
    ids = {entry.data.get(key) for entry in entries if entry.type in kinds}
    return {pk for pk in ids if isinstance(pk, int)}


def _data_of(
    entry: FeedEntry, commits: Mapping[int, CommitShape], requests: Mapping[int, PullRequestShape]
) -> dict[str, Any]:
    data = {key: value for key, value in entry.data.items() if key != "mentions"}
    if entry.type in _WITH_COMMITS and "commit" in data:
        data["commit"] = commits.get(data["commit"])
    if entry.type in _WITH_PULL_REQUESTS and "pull_request" in data:
        data["pullRequest"] = requests.get(data.pop("pull_request"))
    if entry.type in OTHER_ISSUES:
        name = OTHER_ISSUES[entry.type].removesuffix("_id")
        data[name] = as_issue(entry.issue, entry.issue.project.organization, None) if entry.issue else None
    return data


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
