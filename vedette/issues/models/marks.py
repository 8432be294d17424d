"""What single people and merges leave on an issue, and what is expected of an archived one.

Columns are those of the issue workflow specification, section 1.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.issues.models.group import Group
from vedette.projects.models import Project


class GroupBookmark(models.Model):
    """Somebody keeps an eye on an issue."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="bookmarks")
    user_id = models.BigIntegerField(db_index=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user_id"], name="issues_bookmark_unique")]


class GroupSeen(models.Model):
    """Somebody has looked at an issue, `last_seen` for the last time."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="seen")
    user_id = models.BigIntegerField(db_index=True)
    last_seen = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user_id"], name="issues_seen_unique")]


class GroupForecast(models.Model):
    """How many events an hour are expected of an archived issue at most: one number a day since `made_at`."""

    silo: ClassVar = Silo.REGION

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="forecast")
    ceilings = models.JSONField(default=list)
    made_at = models.DateTimeField(default=clock.now)


class GroupRedirect(models.Model):
    """An issue that was merged into another one, and what it was called. It is found by both ever after.

    `moved_at` is when its events and rows had been moved, `settled_at` when that was looked at once more, because
    events may have been on their way.
    """

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="redirects")
    previous_group_id = models.BigIntegerField(unique=True)
    previous_short_id = models.BigIntegerField()
    previous_project_slug = models.CharField(max_length=100)
    date_added = models.DateTimeField(default=clock.now)
    moved_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "previous_short_id", "previous_project_slug"],
                name="issues_redirect_by_short_id",
            )
        ]
