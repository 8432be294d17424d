"""What webhooks can be told of, and in which words. Names and forms are those of the field's integrations.

A body is `{"action", "installation": {"uuid"}, "data", "actor"}`; what it is about (`issue`, `release`, `deploy`)
stands in a header. Source: the API specification, section 17.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from vedette.accounts.models import User
from vedette.core.clock import as_z
from vedette.issues.announce import IssueAssigned, IssueStatusChanged
from vedette.issues.assignees import assignees_of
from vedette.issues.models import LEVEL_WORDS, Group, GroupStatus, GroupSubStatus
from vedette.orgs.models import Organization
from vedette.shipping.deploytold import DeployCreated
from vedette.shipping.releasetold import ReleaseCreated

RESOLVED, UNRESOLVED, ARCHIVED = "issue.resolved", "issue.unresolved", "issue.archived"
ASSIGNED, TEST = "issue.assigned", "webhook.test"
RELEASED, DEPLOYED = "release.created", "deploy.created"
EVENTS: dict[str, str] = {
    RESOLVED: "An issue is resolved, by somebody or by a release.",
    UNRESOLVED: "An issue is open again: somebody reopened it, or it came back.",
    ARCHIVED: "An issue is archived.",
    ASSIGNED: "An issue is given to somebody.",
    RELEASED: "Somebody made a release: over the API, with a client, by a build hook.",
    DEPLOYED: "A release reached an environment.",
}
_OF_STATUS = {
    GroupStatus.RESOLVED: RESOLVED,
    GroupStatus.UNRESOLVED: UNRESOLVED,
    GroupStatus.IGNORED: ARCHIVED,
}
_WORDS = {GroupStatus.RESOLVED: "resolved", GroupStatus.UNRESOLVED: "unresolved", GroupStatus.IGNORED: "ignored"}
_NOBODY = {"type": "application", "id": "vedette", "name": "Vedette"}


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened in an organization: its name, and what is said about it."""

    event: str
    data: Mapping[str, Any]
    actor: Mapping[str, Any]

    def body(self, guid: str) -> dict[str, Any]:
        """What is sent to the webhook `guid`."""
        return {
            "action": self.event.rpartition(".")[2],
            "installation": {"uuid": guid},
            "data": dict(self.data),
            "actor": dict(self.actor),
        }


def event_of(change: IssueStatusChanged) -> str:
    """The name of a change of an issue's status."""
    return _OF_STATUS[change.status]


def of_changes(organization: Organization, changes: Collection[IssueStatusChanged]) -> list[Told]:
    """Changes of issues of one organization, in their order: three queries, however many."""
    groups = _groups([change.group_id for change in changes])
    actors = _actors([change.user_id for change in changes])
    return [
        Told(
            event_of(change),
            {
                "issue": {
                    **_issue(organization, groups[change.group_id]),
                    "status": _WORDS[change.status],
                    "kind": change.kind,
                    "changedAt": as_z(change.at),
                }
            },
            actors.get(change.user_id or 0, _NOBODY),
        )
        for change in changes
        if change.group_id in groups
    ]


def of_assignments(organization: Organization, changes: Collection[IssueAssigned]) -> list[Told]:
    """Issues of one organization that were given to somebody just now."""
    groups = _groups([change.group_id for change in changes])
    actors, assignees = _actors([change.user_id for change in changes]), assignees_of(groups.values())
    told = []
    for change in changes:
        group, to = groups.get(change.group_id), assignees.get(change.group_id)
        if group is None or to is None:
            continue
        who = {"type": to.kind, "id": str(to.id), "name": to.name}
        if to.email:
            who["email"] = to.email
        shown = {**_issue(organization, group), "status": _WORDS.get(GroupStatus(group.status), ""), "assignedTo": who}
        told.append(Told(ASSIGNED, {"issue": shown}, actors.get(change.user_id or 0, _NOBODY)))
    return told


def of_deploy(deploy: DeployCreated) -> Told:
    """A new deploy."""
    data = {
        "id": str(deploy.deploy_id),
        "environment": deploy.environment,
        "name": deploy.name,
        "url": deploy.url,
        "dateStarted": as_z(deploy.date_started) if deploy.date_started else None,
        "dateFinished": as_z(deploy.date_finished),
        "release": {"version": deploy.version},
        "projects": [{"id": str(project.id), "slug": project.slug} for project in deploy.projects],
        "web_url": deploy.web_url,
    }
    return Told(DEPLOYED, {"deploy": data}, _NOBODY)


def of_release(release: ReleaseCreated) -> Told:
    """A new release."""
    data = {
        "id": str(release.release_id),
        "version": release.version,
        "ref": release.ref,
        "url": release.url,
        "dateCreated": as_z(release.date_created),
        "dateReleased": as_z(release.date_released) if release.date_released else None,
        "projects": [{"id": str(project.id), "slug": project.slug} for project in release.projects],
        "web_url": release.web_url,
    }
    return Told(RELEASED, {"release": data}, _actors([release.user_id]).get(release.user_id or 0, _NOBODY))


def of_test() -> Told:
    """Something to try a webhook with."""
    return Told(TEST, {"webhook": {"message": "It works."}}, _NOBODY)


def _groups(ids: Collection[int]) -> dict[int, Group]:
    rows = Group.objects.filter(pk__in=set(ids)).select_related("project")
    return {group.pk: group for group in rows}


def _actors(ids: Collection[int | None]) -> dict[int, dict[str, Any]]:
    wanted = {pk for pk in ids if pk}
    users = User.objects.filter(pk__in=wanted) if wanted else []
    return {user.pk: {"type": "user", "id": str(user.pk), "name": user.display_name} for user in users}


def _issue(organization: Organization, group: Group) -> dict[str, Any]:
    base = settings.VEDETTE.url
    substatus = GroupSubStatus(group.substatus).word if group.substatus else None
    return {
        "id": str(group.pk),
        "shortId": group.qualified_short_id,
        "title": group.title,
        "culprit": group.culprit,
        "level": LEVEL_WORDS.get(group.level, "error"),
        "substatus": substatus,
        "platform": group.platform,
        "firstSeen": as_z(group.first_seen),
        "lastSeen": as_z(group.last_seen),
        "project": {"id": str(group.project_id), "slug": group.project.slug, "name": group.project.name},
        "url": f"{base}/api/0/organizations/{organization.slug}/issues/{group.pk}/",
        "web_url": f"{base}/organizations/{organization.slug}/issues/{group.pk}/",
    }
