"""Issues and what hangs on them. Columns are those of the issue workflow specification, section 1.

`Group` is the word of code and tables; people read "issue".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from django.db import models

from vedette.core import clock
from vedette.core.ids import short_id
from vedette.orgs.models import Team
from vedette.projects.models import Environment, Project
from vedette.releases.models import Release


class GroupStatus(IntEnum):
    """Where an issue stands. IGNORED is called "archived" on pages."""

    UNRESOLVED = 0
    RESOLVED = 1
    IGNORED = 2
    PENDING_DELETION = 3
    DELETION_IN_PROGRESS = 4
    PENDING_MERGE = 5
    REPROCESSING = 6

    @property
    def word(self) -> str:
        """The name in the API."""
        return "pending_deletion" if self is GroupStatus.DELETION_IN_PROGRESS else self.name.lower()


VISIBLE_STATUSES = (GroupStatus.UNRESOLVED, GroupStatus.RESOLVED, GroupStatus.IGNORED, GroupStatus.REPROCESSING)


class GroupSubStatus(IntEnum):
    """The finer state of an unresolved or an archived issue."""

    ARCHIVED_UNTIL_ESCALATING = 1
    ESCALATING = 2
    ONGOING = 3
    ARCHIVED_UNTIL_CONDITION_MET = 4
    ARCHIVED_FOREVER = 5
    REGRESSED = 6
    NEW = 7

    @property
    def word(self) -> str:
        """The name in the API."""
        return self.name.lower()


LEVELS = {"sample": 0, "debug": 10, "info": 20, "warning": 30, "error": 40, "fatal": 50}
LEVEL_WORDS = {number: word for word, number in LEVELS.items()}

PRIORITY_LOW, PRIORITY_MEDIUM, PRIORITY_HIGH = 25, 50, 75
PRIORITY_WORDS = {PRIORITY_LOW: "low", PRIORITY_MEDIUM: "medium", PRIORITY_HIGH: "high"}


class Group(models.Model):
    """An issue: events that share a hash.

    `times_seen` equals the number of its stored events. `data` holds title, metadata and type for display.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="groups")
    short_id = models.BigIntegerField()
    status = models.PositiveSmallIntegerField(default=GroupStatus.UNRESOLVED)
    substatus = models.PositiveSmallIntegerField(null=True, default=GroupSubStatus.NEW)
    type = models.PositiveSmallIntegerField(default=1)
    level = models.PositiveSmallIntegerField(default=LEVELS["error"])
    priority = models.PositiveSmallIntegerField(null=True, default=PRIORITY_HIGH)
    priority_locked_at = models.DateTimeField(null=True, blank=True)
    platform = models.CharField(max_length=64, null=True, blank=True)
    logger = models.CharField(max_length=64, blank=True, default="")
    culprit = models.CharField(max_length=200, blank=True, default="")
    title = models.CharField(max_length=1024, blank=True, default="")
    message = models.TextField(blank=True, default="")
    data = models.JSONField(default=dict)
    times_seen = models.BigIntegerField(default=0)
    num_comments = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField(default=clock.now)
    last_seen = models.DateTimeField(default=clock.now)
    active_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    first_release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "short_id"], name="issues_group_short_id_unique")]
        indexes = [
            models.Index(fields=["project", "status", "last_seen", "id"], name="issues_group_by_last_seen"),
            models.Index(fields=["project", "status", "first_seen", "id"], name="issues_group_by_first_seen"),
        ]

    def __str__(self) -> str:
        return self.qualified_short_id

    @property
    def qualified_short_id(self) -> str:
        """What people call it: `SHOP-7F`."""
        return short_id(self.project.slug, self.short_id)

    @property
    def status_word(self) -> str:
        """The status as the API names it."""
        return GroupStatus(self.status).word

    @property
    def substatus_word(self) -> str | None:
        """The substatus as the API names it."""
        return GroupSubStatus(self.substatus).word if self.substatus else None

    @property
    def level_word(self) -> str:
        """The level by name."""
        return LEVEL_WORDS.get(self.level, "error")

    @property
    def metadata(self) -> dict[str, Any]:
        """Type, value, filename, function: what the title was made of."""
        found = self.data.get("metadata")
        return found if isinstance(found, dict) else {}


class GroupHash(models.Model):
    """One hash of a project's events, and the issue that it leads to. The row is the lock of an issue's creation."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    hash = models.CharField(max_length=32)
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="hashes")
    group_tombstone_id = models.BigIntegerField(null=True, blank=True)
    state = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "hash"], name="issues_grouphash_unique")]


class GroupEnvironment(models.Model):
    """An environment that an issue was seen in, and when first."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    first_release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    first_seen = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "environment"], name="issues_groupenvironment_unique")]


class GroupRelease(models.Model):
    """When an issue was first and last seen in a release and an environment (by name)."""

    project_id = models.BigIntegerField()
    group = models.ForeignKey(Group, on_delete=models.CASCADE)
    release = models.ForeignKey(Release, on_delete=models.CASCADE)
    environment = models.CharField(max_length=64, blank=True, default="")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "release", "environment"], name="issues_grouprelease_unique")
        ]


class GroupAssignee(models.Model):
    """Who takes care of an issue: a user or a team, never both."""

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


class ActivityType(IntEnum):
    """What happened, as the issue workflow specification numbers it (section 11)."""

    SET_RESOLVED = 1
    SET_UNRESOLVED = 2
    SET_IGNORED = 3
    SET_REGRESSION = 6
    NOTE = 8
    FIRST_SEEN = 9
    ASSIGNED = 11
    UNASSIGNED = 12
    SET_RESOLVED_IN_RELEASE = 13
    MERGE = 14
    SET_PRIORITY = 26

    @property
    def word(self) -> str:
        """The name in the API."""
        return self.name.lower()


class Activity(models.Model):
    """One entry of an issue's history, as people read it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="activities")
    type = models.PositiveSmallIntegerField()
    ident = models.CharField(max_length=64, null=True, blank=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    datetime = models.DateTimeField(default=clock.now)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["group", "datetime"], name="issues_activity_by_time")]


class UserReport(models.Model):
    """What a person said about an event; it may arrive before the event."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    event_id = models.CharField(max_length=32)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="user_reports")
    environment_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=128, blank=True, default="")
    email = models.CharField(max_length=75, blank=True, default="")
    comments = models.TextField(blank=True, default="")
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "event_id"], name="issues_userreport_unique")]


class EventAttachment(models.Model):
    """A file of an event. The bytes lie under the files directory by their SHA-1."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    event_id = models.CharField(max_length=32)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments")
    type = models.CharField(max_length=64, default="event.attachment")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha1 = models.CharField(max_length=40)
    batch_id = models.BigIntegerField(null=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["project", "event_id"], name="issues_attachment_by_event")]
