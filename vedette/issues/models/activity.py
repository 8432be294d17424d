"""What happened to issues and projects, as people read it and as reports count it."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.issues.models.group import Group
from vedette.projects.models import Project
from vedette.releases.models import Release


class ActivityType(IntEnum):
    """What happened, as the issue workflow specification numbers it (section 11)."""

    SET_RESOLVED = 1
    SET_UNRESOLVED = 2
    SET_IGNORED = 3
    SET_PUBLIC = 4
    SET_PRIVATE = 5
    SET_REGRESSION = 6
    NOTE = 8
    FIRST_SEEN = 9
    RELEASE = 10
    ASSIGNED = 11
    UNASSIGNED = 12
    SET_RESOLVED_IN_RELEASE = 13
    MERGE = 14
    SET_RESOLVED_BY_AGE = 15
    SET_RESOLVED_IN_COMMIT = 16
    DEPLOY = 17
    UNMERGE_SOURCE = 19
    UNMERGE_DESTINATION = 20
    SET_RESOLVED_IN_PULL_REQUEST = 21
    MARK_REVIEWED = 23
    AUTO_SET_ONGOING = 24
    SET_ESCALATING = 25
    SET_PRIORITY = 26
    REFERENCED_IN_COMMIT = 28
    PULL_REQUEST_CLOSED = 38
    PULL_REQUEST_REOPENED = 39
    PULL_REQUEST_MERGED = 40
    PULL_REQUEST_UNLINKED = 41
    STORM_BEGAN = 10000  # from here on our own
    STORM_ENDED = 10001

    @property
    def word(self) -> str:
        """The name in the API."""
        return self.name.lower()


class Activity(models.Model):
    """One entry of an issue's history, as people read it."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="activities")
    type = models.PositiveSmallIntegerField()
    ident = models.CharField(max_length=64, null=True, blank=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    datetime = models.DateTimeField(default=clock.now)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["group", "datetime"], name="issues_activity_by_time")]


class HistoryStatus(IntEnum):
    """What a row of `GroupHistory` says, as the issue workflow specification numbers it (section 12)."""

    UNRESOLVED = 0
    RESOLVED = 1
    AUTO_RESOLVED = 2
    IGNORED = 3
    UNIGNORED = 4
    ASSIGNED = 5
    UNASSIGNED = 6
    REGRESSED = 7
    DELETED = 8
    DELETED_AND_DISCARDED = 9
    REVIEWED = 10
    SET_RESOLVED_IN_RELEASE = 11
    SET_RESOLVED_IN_COMMIT = 12
    SET_RESOLVED_IN_PULL_REQUEST = 13
    ESCALATING = 14
    ARCHIVED_UNTIL_ESCALATING = 15
    ARCHIVED_FOREVER = 16
    ARCHIVED_UNTIL_CONDITION_MET = 17
    PRIORITY_HIGH = 21
    PRIORITY_MEDIUM = 22
    PRIORITY_LOW = 23


class GroupHistory(models.Model):
    """One change of an issue, for reports. `prev_history` is the newest earlier row of an opposite kind.

    `release` is set for regressions only.
    """

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="history")
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    user_id = models.BigIntegerField(null=True, blank=True)
    team_id = models.BigIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField()
    prev_history = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    prev_history_date = models.DateTimeField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["group", "status"], name="issues_history_by_status")]
