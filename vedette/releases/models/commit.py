"""Commits, who wrote them, what they changed, and in which releases they are.

Commits belong to the organization through their repository; `releases` only point to them. Source: the release
specification, section 1.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Relocation, RelocationScope, Silo
from vedette.orgs.models import Organization
from vedette.projects.models import Environment
from vedette.releases.models.deploy import Deploy
from vedette.releases.models.release import Release


class RepositoryStatus(IntEnum):
    """Whether a repository is in use."""

    ACTIVE = 0
    DISABLED = 1
    PENDING_DELETION = 2


class Repository(models.Model):
    """Where commits come from. One that a commit has named, and nobody set up, has no provider.

    Names are not unique by themselves: two providers may host the same one. Of those without a provider there is one
    for each name.
    """

    relocation: ClassVar = Relocation(
        "sentry.repository",
        Silo.REGION,
        (RelocationScope.GLOBAL,),
        columns="config:J date_added:d external_id:s languages:L name:s provider:s status:n url:s",
        keys="integration_id#>integration? organization_id#>organization",
        uniques="{external_id,organization_id,provider}",
        sanitised=(
            "json-empty-object: config; string: external_id provider; json-empty-list: languages; name: name; url: url"
        ),
    )

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500, null=True, blank=True)
    provider = models.CharField(max_length=64, null=True, blank=True)
    external_id = models.CharField(max_length=64, null=True, blank=True)
    config = models.JSONField(default=dict)
    status = models.PositiveSmallIntegerField(default=RepositoryStatus.ACTIVE)
    integration_id = models.BigIntegerField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "provider", "external_id"], name="releases_repository_external_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(provider__isnull=True, status=RepositoryStatus.ACTIVE),
                name="releases_repository_name_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CommitAuthor(models.Model):
    """Who wrote commits, by an address in lower case; a member or not."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    email = models.CharField(max_length=200)
    name = models.CharField(max_length=128, null=True, blank=True)
    external_id = models.CharField(max_length=164, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "email"], name="releases_author_email_unique"),
            models.UniqueConstraint(fields=["organization", "external_id"], name="releases_author_external_unique"),
        ]

    def __str__(self) -> str:
        return self.email


class Commit(models.Model):
    """One commit. `date_added` is when it was made, as its sender says."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    key = models.CharField(max_length=64)
    date_added = models.DateTimeField(default=clock.now)
    author = models.ForeignKey(CommitAuthor, null=True, blank=True, on_delete=models.SET_NULL)
    message = models.TextField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "key"], name="releases_commit_unique")]
        indexes = [models.Index(fields=["repository", "date_added"], name="releases_commit_by_time")]

    def __str__(self) -> str:
        return self.key


class CommitFileChange(models.Model):
    """A file that a commit added (A), deleted (D) or modified (M)."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="file_changes")
    filename = models.CharField(max_length=510)
    type = models.CharField(max_length=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["commit", "filename"], name="releases_filechange_unique")]


class ReleaseCommit(models.Model):
    """A commit of a release; `order` 0 is the newest."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="commit_links")
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="release_links")
    order = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "commit"], name="releases_releasecommit_unique"),
            models.UniqueConstraint(fields=["release", "order"], name="releases_releasecommit_order_unique"),
        ]


class ReleaseHeadCommit(models.Model):
    """The commit of a repository that a release was built from."""

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="head_commits")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE)
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "release"], name="releases_headcommit_unique"),
        ]


class PullRequestState(IntEnum):
    """What became of a pull request. Null in rows of those that nobody said it of: they count as open."""

    OPEN = 0
    CLOSED = 1
    MERGED = 2


class PullRequest(models.Model):
    """A pull request; `key` is its number. The commit that merged it ties it to a release."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE)
    key = models.CharField(max_length=64)
    title = models.TextField(null=True, blank=True)
    message = models.TextField(null=True, blank=True)
    author = models.ForeignKey(CommitAuthor, null=True, blank=True, on_delete=models.SET_NULL)
    merge_commit_sha = models.CharField(max_length=64, null=True, blank=True)
    state = models.PositiveSmallIntegerField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "key"], name="releases_pullrequest_unique")]
        indexes = [models.Index(fields=["organization", "merge_commit_sha"], name="releases_pullrequest_by_merge")]


class PullRequestCommit(models.Model):
    """A commit of a pull request."""

    silo: ClassVar = Silo.REGION

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE)
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pull_request", "commit"], name="releases_pullrequestcommit_unique")
        ]


class LatestRelease(models.Model):
    """The release of a repository that is deployed in an environment."""

    silo: ClassVar = Silo.REGION

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    release = models.ForeignKey(Release, on_delete=models.CASCADE)
    deploy = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.SET_NULL)
    commit = models.ForeignKey(Commit, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "environment"], name="releases_latestrelease_unique")
        ]
