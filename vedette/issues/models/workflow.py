"""What hangs on an issue while people work on it: how it is resolved, put aside, linked, assigned, looked at.

Columns are those of the issue workflow specification, section 1.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.issues.models.group import Group
from vedette.orgs.models import Team
from vedette.projects.models import Project
from vedette.releases.models import Release


class ResolutionType(IntEnum):
    """What a release has to do with a resolution. Null in old rows means the next one."""

    IN_RELEASE = 0
    IN_NEXT_RELEASE = 1


class ResolutionStatus(IntEnum):
    """Whether the release of a resolution is there yet."""

    PENDING = 0
    RESOLVED = 1


class GroupResolution(models.Model):
    """In which release an issue is fixed. A regression deletes it."""

    silo: ClassVar = Silo.REGION

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="resolution")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="+")
    type = models.PositiveSmallIntegerField(null=True, blank=True, default=ResolutionType.IN_RELEASE)
    status = models.PositiveSmallIntegerField(default=ResolutionStatus.RESOLVED)
    current_release_version = models.CharField(max_length=250, null=True, blank=True)
    future_release_version = models.CharField(max_length=250, null=True, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    datetime = models.DateTimeField(default=clock.now)


class GroupResolutionRelease(models.Model):
    """One of the releases in which an issue is fixed, where it is said to be fixed in several: each line has its own.

    All of them have a row, that of the resolution itself too; a resolution in one release has none.
    """

    silo: ClassVar = Silo.REGION

    resolution = models.ForeignKey(GroupResolution, on_delete=models.CASCADE, related_name="listed")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resolution", "release"], name="issues_resolution_listed_once")]


class GroupAssignee(models.Model):
    """Who takes care of an issue: a user or a team, never both."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="assignee")
    user_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user_id__isnull=True) ^ models.Q(team__isnull=True),
                name="issues_assignee_user_or_team",
            )
        ]


class GroupSnooze(models.Model):
    """Until when an archived issue is left alone: a moment, a number of events, a number of users.

    Windows are minutes. Without a window, a number counts from what `state` says it was at the beginning.
    """

    silo: ClassVar = Silo.REGION

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="snooze")
    until = models.DateTimeField(null=True, blank=True, db_index=True)
    count = models.PositiveIntegerField(null=True, blank=True)
    window = models.PositiveIntegerField(null=True, blank=True)
    user_count = models.PositiveIntegerField(null=True, blank=True)
    user_window = models.PositiveIntegerField(null=True, blank=True)
    state = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True, blank=True)


class InboxReason(IntEnum):
    """Why an issue waits to be looked at (issue workflow specification, section 7)."""

    NEW = 0
    UNIGNORED = 1  # in old rows
    REGRESSION = 2
    MANUAL = 3
    REPROCESSED = 4
    ESCALATING = 5
    ONGOING = 6

    @property
    def word(self) -> str:
        """The name in the API."""
        return self.name.lower()


class GroupInbox(models.Model):
    """An issue that nobody has looked at since something happened to it."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="inbox")
    reason = models.PositiveSmallIntegerField(default=InboxReason.NEW)
    reason_details = models.JSONField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["project", "date_added"], name="issues_inbox_by_age")]


class LinkedType(IntEnum):
    """What an issue is linked to."""

    COMMIT = 1
    PULL_REQUEST = 2
    TRACKER_ISSUE = 3


class LinkRelationship(IntEnum):
    """What the linked thing does to the issue."""

    RESOLVES = 1
    REFERENCES = 2


class GroupLink(models.Model):
    """A commit, a pull request or an issue elsewhere that has to do with an issue."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="links")
    linked_type = models.PositiveSmallIntegerField()
    linked_id = models.BigIntegerField()
    relationship = models.PositiveSmallIntegerField(default=LinkRelationship.REFERENCES)
    datetime = models.DateTimeField(default=clock.now)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "linked_type", "linked_id"], name="issues_link_unique")]
        indexes = [models.Index(fields=["linked_type", "linked_id"], name="issues_link_by_linked")]


class SubscriptionReason(IntEnum):
    """Why somebody is told about an issue."""

    IMPLICIT = -1
    UNKNOWN = 0
    COMMENT = 1
    ASSIGNED = 2
    BOOKMARK = 3
    STATUS_CHANGE = 4
    DEPLOY_SETTING = 5
    MENTIONED = 6
    TEAM_MENTIONED = 7


class GroupSubscription(models.Model):
    """Somebody who is told about an issue, or (`is_active` off) asked not to be."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="subscriptions")
    user_id = models.BigIntegerField(db_index=True)
    is_active = models.BooleanField(default=True)
    reason = models.SmallIntegerField(default=SubscriptionReason.UNKNOWN)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user_id"], name="issues_subscription_unique")]


class OwnerType(IntEnum):
    """Why somebody is thought to be responsible."""

    SUSPECT_COMMIT = 0
    OWNERSHIP_RULE = 1
    CODEOWNERS = 2


class GroupOwner(models.Model):
    """Somebody who is probably responsible for an issue; `context` says by which commit or rule."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="owners")
    type = models.PositiveSmallIntegerField()
    user_id = models.BigIntegerField(null=True, blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE)
    context = models.JSONField(default=dict)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["group", "type"], name="issues_owner_by_type")]


class GroupSuspicion(models.Model):
    """When it was last looked for who may have caused an issue, and what is to be looked at now.

    `asked_at` is None while nothing is to be done. Until `rests_until` nobody asks again; while somebody works on it,
    it is the end of their lease, and `attempts` counts those that began.
    """

    silo: ClassVar = Silo.REGION

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="suspicion")
    event_id = models.CharField(max_length=32)
    asked_at = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["asked_at"], condition=models.Q(asked_at__isnull=False), name="issues_suspicion_waiting"
            )
        ]
