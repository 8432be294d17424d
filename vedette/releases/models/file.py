"""Files of releases, pieces of files that are being uploaded, and bundles of artifacts.

A row names bytes by their SHA-1 in the file store (`core.files`); these go when no row names them any more.
"""

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.orgs.models import Organization
from vedette.projects.models import Project
from vedette.releases.models.release import Distribution, Release

LONGEST_NAME = 1000


class ReleaseFile(models.Model):
    """One file of a release. `ident` stands for its name and `dist`, which together are there once."""

    silo: ClassVar = Silo.REGION

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="files")
    dist = models.ForeignKey(Distribution, on_delete=models.CASCADE, null=True)
    name = models.CharField(max_length=LONGEST_NAME)
    ident = models.CharField(max_length=40)
    headers = models.JSONField(default=dict)
    sha1 = models.CharField(max_length=40, db_index=True)
    size = models.BigIntegerField()
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "ident"], name="releases_file_unique")]

    def __str__(self) -> str:
        return self.name


class FileChunk(models.Model):
    """A piece of a file that an organization uploaded; it counts for a day."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    sha1 = models.CharField(max_length=40, db_index=True)
    size = models.IntegerField()
    date_added = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "sha1"], name="releases_chunk_unique")]


class ArtifactBundle(models.Model):
    """An archive of scripts and source maps, by the id that its manifest gives it."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    bundle_id = models.UUIDField()
    sha1 = models.CharField(max_length=40, db_index=True)
    size = models.BigIntegerField()
    file_count = models.IntegerField()
    date_added = models.DateTimeField(default=clock.now)
    date_uploaded = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "bundle_id"], name="releases_bundle_unique")]


class ArtifactBundleProject(models.Model):
    """A project that a bundle is for."""

    silo: ClassVar = Silo.REGION

    bundle = models.ForeignKey(ArtifactBundle, on_delete=models.CASCADE, related_name="project_links")
    project = models.ForeignKey(Project, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bundle", "project"], name="releases_bundleproject_unique")]


class ArtifactBundleRelease(models.Model):
    """A version, and a `dist` of it or all (empty), that a bundle is for; by name, for the release may not be there."""

    silo: ClassVar = Silo.REGION

    bundle = models.ForeignKey(ArtifactBundle, on_delete=models.CASCADE, related_name="release_links")
    version = models.CharField(max_length=250, db_index=True)
    dist = models.CharField(max_length=64, default="")
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bundle", "version", "dist"], name="releases_bundlerelease_unique")
        ]
