"""Releases and where they were seen. Columns are those of the release specification, section 1.

`Release.date_added` only ever moves backwards: nothing but `vedette.releases.age.witness` writes it after the insert.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.orgs.models import Organization
from vedette.projects.models import Environment, Project

_SEMVER = ("major", "minor", "patch", "revision", "prerelease_key")


class ReleaseStatus(IntEnum):
    """Whether a release is shown in lists."""

    OPEN = 0
    ARCHIVED = 1


class Release(models.Model):
    """A version of an organization's software."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=250)
    status = models.PositiveSmallIntegerField(default=ReleaseStatus.OPEN, null=True)
    ref = models.CharField(max_length=250, null=True, blank=True)
    url = models.CharField(max_length=500, null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)
    date_started = models.DateTimeField(null=True, blank=True)
    date_released = models.DateTimeField(null=True, blank=True)
    data = models.JSONField(default=dict)
    owner_id = models.BigIntegerField(null=True, blank=True)
    commit_count = models.IntegerField(default=0, null=True)
    last_commit_id = models.BigIntegerField(null=True, blank=True)
    authors = models.JSONField(default=list)
    total_deploys = models.IntegerField(default=0, null=True)
    last_deploy_id = models.BigIntegerField(null=True, blank=True)
    package = models.TextField(null=True, blank=True)
    major = models.BigIntegerField(null=True, blank=True)
    minor = models.BigIntegerField(null=True, blank=True)
    patch = models.BigIntegerField(null=True, blank=True)
    revision = models.BigIntegerField(null=True, blank=True)
    prerelease = models.TextField(null=True, blank=True)
    prerelease_key = models.TextField(null=True, blank=True)
    build_code = models.TextField(null=True, blank=True)
    build_number = models.BigIntegerField(null=True, blank=True)
    user_agent = models.TextField(null=True, blank=True)
    sort_date = models.GeneratedField(  # the one order by age that everything uses
        expression=Coalesce("date_released", "date_added"), output_field=models.DateTimeField(), db_persist=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "version"], name="releases_release_unique")]
        indexes = [  # what lists are ordered by; of equal rows the one that was made later comes first
            models.Index(fields=["organization", "date_added", "id"], name="releases_by_age"),
            models.Index(fields=["organization", "sort_date", "id"], name="releases_by_sort_date"),
            models.Index(fields=["organization", "build_number", "sort_date", "id"], name="releases_by_build"),
            models.Index(fields=["organization", "build_code"], name="releases_by_build_code"),
            models.Index(fields=["organization", "status", "sort_date", "id"], name="releases_by_status"),
            models.Index(fields=["organization", *_SEMVER, "sort_date", "id"], name="releases_by_semver"),
            models.Index(fields=["organization", "package", *_SEMVER], name="releases_by_package"),
        ]

    def __str__(self) -> str:
        return self.version


class ReleaseProject(models.Model):
    """A project that a release belongs to. `new_groups` counts the issues that were first seen in it."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="project_links")
    new_groups = models.PositiveIntegerField(default=0)
    adopted = models.DateTimeField(null=True, blank=True)
    unadopted = models.DateTimeField(null=True, blank=True)
    first_seen_transaction = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "release"], name="releases_project_unique")]


class ReleaseEnvironment(models.Model):
    """When an organization first and last saw a release in an environment."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    release = models.ForeignKey(Release, on_delete=models.CASCADE)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "release", "environment"], name="releases_environment_unique"
            )
        ]


class ReleaseProjectEnvironment(models.Model):
    """When a project first and last saw a release in an environment, and how many issues were new there."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, db_index=False)  # the last of the indexes has it
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    new_issues_count = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    last_deploy_id = models.BigIntegerField(null=True, blank=True)
    adopted = models.DateTimeField(null=True, blank=True)
    unadopted = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "release", "environment"], name="releases_rpe_unique")
        ]
        indexes = [
            models.Index(
                fields=["project", "adopted", "release", "environment"],
                name="releases_by_adoption",
                condition=models.Q(adopted__isnull=False),
            ),
            models.Index(fields=["release", "adopted", "project", "environment"], name="releases_taken_up"),
        ]


class Distribution(models.Model):
    """One build of a release (`dist`)."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    release = models.ForeignKey(Release, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "name"], name="releases_distribution_unique")]
