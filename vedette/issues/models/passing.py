"""What an issue gives away: some of its fingerprints to a new issue, and a look at itself to whoever has the link."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.issues.models.group import Group
from vedette.projects.models import Project


class GroupSplit(models.Model):
    """Fingerprints that were taken out of an issue (`source`) and lead to an issue of their own (`destination`).

    Their events are moved in turns: `moving` is how many the present turn takes (None between turns), `turn` counts
    those that are over, `moved` their events. `in_flight` are batches that were being digested when the first turn
    began: what they bring is left for a later one. `settled_at` is when nothing was left.
    """

    silo: ClassVar = Silo.REGION

    source = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="splits")
    destination = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="split_from")
    hashes = models.JSONField(default=list)
    in_flight = models.JSONField(null=True, blank=True)
    turn = models.PositiveIntegerField(default=0)
    moving = models.BigIntegerField(null=True, blank=True)
    moved = models.BigIntegerField(default=0)
    requested_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True, db_index=True)


class GroupShare(models.Model):
    """The public link of an issue: whoever knows `uuid` may read a part of it without signing in."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="share")
    uuid = models.CharField(max_length=32, unique=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)
