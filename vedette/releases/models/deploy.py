"""Deploys: a release reached an environment. Columns are those of the release specification, section 1."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.orgs.models import Organization
from vedette.projects.models import Environment
from vedette.releases.models.release import Release


class Deploy(models.Model):
    """One deploy. `notified` says that its activity is written and its people were told."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="deploys")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    date_finished = models.DateTimeField(default=clock.now)
    date_started = models.DateTimeField(null=True, blank=True)
    name = models.CharField(max_length=64, null=True, blank=True)
    url = models.CharField(max_length=500, null=True, blank=True)
    notified = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["release", "date_finished"], name="releases_deploy_by_time")]


class DeployProject(models.Model):
    """A project that a deploy is about; it need not be about all of the release's."""

    silo: ClassVar = Silo.REGION

    deploy = models.ForeignKey(Deploy, on_delete=models.CASCADE, related_name="project_links")
    project_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deploy", "project_id"], name="releases_deployproject_unique")]
