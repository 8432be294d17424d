"""Issues: their state and numbers, their hashes, and what is left of those that are gone.

`Group` is the word of code and tables; people read "issue".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.ids import short_id
from vedette.core.relocation import Silo
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

    silo: ClassVar = Silo.REGION

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
            models.Index(fields=["status", "substatus", "first_seen"], name="issues_group_by_substatus"),
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

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    hash = models.CharField(max_length=32)
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="hashes")
    group_tombstone_id = models.BigIntegerField(null=True, blank=True)
    state = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "hash"], name="issues_grouphash_unique")]


class GroupTombstone(models.Model):
    """An issue that was discarded: what leads to it by hash is dropped (`GroupHash.group_tombstone_id`).

    `data` is that of the issue with its title.
    """

    silo: ClassVar = Silo.REGION

    previous_group_id = models.BigIntegerField(unique=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    level = models.PositiveSmallIntegerField(default=LEVELS["error"])
    message = models.TextField(blank=True, default="")
    culprit = models.CharField(max_length=200, blank=True, default="")
    data = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)


class DeletionReason(IntEnum):
    """Why an issue is deleted."""

    DELETED = 1
    DISCARDED = 2
    TOO_OLD = 3


class GroupDeletion(models.Model):
    """An issue that is being deleted, and for a while one that was: its events may have been on their way.

    The row outlives the issue; `deleted_at` is when everything of it was deleted for the first time.
    """

    silo: ClassVar = Silo.REGION

    group_id = models.BigIntegerField(unique=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    reason = models.PositiveSmallIntegerField(default=DeletionReason.DELETED)
    requested_at = models.DateTimeField(default=clock.now)
    deleted_at = models.DateTimeField(null=True, blank=True, db_index=True)


class GroupStorm(models.Model):
    """The newest storm of an issue, and what is counted to notice one.

    `minute` is a minute of receipt, `count` what was counted in it (only while there is much). `began_at` is None
    while there was never a storm; `ended_at` is None while one lasts. `events` arrived while it lasted, of which
    `bodies` kept their bodies.
    """

    silo: ClassVar = Silo.REGION

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="storm")
    minute = models.DateTimeField()
    count = models.BigIntegerField(default=0)
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    noticed_at = models.DateTimeField(default=clock.now, db_index=True)
    events = models.BigIntegerField(default=0)
    bodies = models.BigIntegerField(default=0)

    @property
    def lasts(self) -> bool:
        """Whether it goes on."""
        return self.began_at is not None and self.ended_at is None


class GroupEnvironment(models.Model):
    """An environment that an issue was seen in, and when first."""

    silo: ClassVar = Silo.REGION

    group = models.ForeignKey(Group, on_delete=models.CASCADE)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    first_release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    first_seen = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "environment"], name="issues_groupenvironment_unique")]


class GroupRelease(models.Model):
    """When an issue was first and last seen in a release and an environment (by name)."""

    silo: ClassVar = Silo.REGION

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
