"""What is counted about issues: over all tenants, and of a project."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.projects.models import Project


class ResolvedCount(models.Model):
    """How many issues were ever resolved in one way, `kind` being a word of `announce.IssueStatusChanged`."""

    silo: ClassVar = Silo.REGION

    kind = models.CharField(max_length=32, primary_key=True)
    quantity = models.BigIntegerField(default=0)


class ProjectVelocity(models.Model):
    """From how many events an hour on a new issue of a project comes too fast, computed anew every day.

    Source: the issue workflow specification, 4.6.
    """

    silo: ClassVar = Silo.REGION

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="velocity")
    threshold = models.FloatField()
    made_at = models.DateTimeField(default=clock.now)
