"""Commits, the files that they changed, and the repositories that they are in.

Source: the release specification, 6.2 and 6.3.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypedDict

from vedette.api.shapes.base import Moment
from vedette.api.shapes.users import users_by_id
from vedette.core.clock import as_z
from vedette.orgs.addresses import members_by_address
from vedette.releases.models import (
    Commit,
    CommitAuthor,
    CommitFileChange,
    PullRequest,
    Repository,
    RepositoryStatus,
)
from vedette.shipping.providers import GITHUB, GITHUB_ENTERPRISE, GITLAB
from vedette.shipping.providers.hosts import SLUG

_PULL_PATHS = {"github": "pull", "github_enterprise": "pull", "gitlab": "-/merge_requests"}

_HOSTS = {GITHUB: "GitHub", GITHUB_ENTERPRISE: "GitHub Enterprise", GITLAB: "GitLab"}


class Nothing(TypedDict):
    """An empty object."""


class ProviderShape(TypedDict):
    """Where a repository is hosted."""

    id: str
    name: str


class RepositoryShape(TypedDict):
    """A repository of an organization."""

    id: str
    name: str
    url: str | None
    provider: ProviderShape
    status: str
    dateCreated: Moment
    integrationId: str | None
    externalSlug: str | None
    externalId: str | None


class PullRequestShape(TypedDict):
    """The pull request that a commit merged."""

    id: str
    title: str | None
    message: str | None
    dateCreated: Moment
    repository: RepositoryShape
    author: dict[str, Any]
    externalUrl: str | None


class CommitShape(TypedDict):
    """A commit. `author` is a member of the organization, or a name and an address, or empty."""

    id: str
    message: str | None
    dateCreated: Moment
    pullRequest: PullRequestShape | None
    suspectCommitType: str
    repository: RepositoryShape
    author: dict[str, Any]


class FileChangeShape(TypedDict):
    """A file that a commit of a release added (A), deleted (D) or modified (M)."""

    id: str
    orgId: int
    author: dict[str, Any]
    commitMessage: str | None
    filename: str
    type: str
    repoName: str


def as_repository(repository: Repository) -> RepositoryShape:
    """A repository; one that nobody set up has a provider that nobody knows."""
    provider = repository.provider
    return {
        "id": str(repository.pk),
        "name": repository.name,
        # Null at a provider keeps `set-commits --auto` of sentry-cli from looking at any other repository.
        "url": repository.url or ("" if provider else None),
        "provider": {"id": provider, "name": _HOSTS.get(provider) or provider.removeprefix("integrations:").title()}
        if provider
        else {"id": "unknown", "name": "Unknown Provider"},
        "status": RepositoryStatus(repository.status).name.lower(),
        "dateCreated": as_z(repository.date_added),
        "integrationId": str(repository.integration_id) if repository.integration_id else None,
        "externalSlug": repository.config.get(SLUG),
        "externalId": repository.external_id,
    }


def as_commits(commits: Sequence[Commit]) -> list[CommitShape]:
    """Commits of one organization, fetched with their repositories and authors: some six queries, however many."""
    if not commits:
        return []
    merged = _pull_requests(commits)
    authors = _authors([commit.author for commit in commits] + [request.author for request in merged.values()])
    return [
        {
            "id": commit.key,
            "message": commit.message,
            "dateCreated": as_z(commit.date_added),
            "pullRequest": _as_pull_request(merged[commit.repository_id, commit.key], authors)
            if (commit.repository_id, commit.key) in merged
            else None,
            "suspectCommitType": "",
            "repository": as_repository(commit.repository),
            "author": authors.get(commit.author_id or 0, {}),
        }
        for commit in commits
    ]


def commits_by_id(ids: Iterable[int | None]) -> dict[int, CommitShape]:
    """Commits of one organization by the ids of their rows; None and what is gone are left out."""
    wanted = {pk for pk in ids if pk}
    rows = list(Commit.objects.filter(pk__in=wanted).select_related("repository", "author")) if wanted else []
    return {row.pk: shape for row, shape in zip(rows, as_commits(rows), strict=True)}


def as_file_changes(changes: Sequence[CommitFileChange]) -> list[FileChangeShape]:
    """Changed files of one organization, fetched with their commits and these with repositories and authors."""
    authors = _authors([change.commit.author for change in changes])
    return [
        {
            "id": str(change.pk),
            "orgId": change.organization_id,
            "author": authors.get(change.commit.author_id or 0, {}),
            "commitMessage": change.commit.message,
            "filename": change.filename,
            "type": change.type,
            "repoName": change.commit.repository.name,
        }
        for change in changes
    ]


def pull_requests_by_id(ids: Iterable[int | None]) -> dict[int, PullRequestShape]:
    """Pull requests of one organization by the ids of their rows; None and what is gone are left out."""
    wanted = {pk for pk in ids if pk}
    rows = list(PullRequest.objects.filter(pk__in=wanted).select_related("repository", "author")) if wanted else []
    authors = _authors([row.author for row in rows])
    return {row.pk: _as_pull_request(row, authors) for row in rows}


def authors_by_id(ids: Iterable[int | None]) -> dict[int, dict[str, Any]]:
    """Authors of one organization by the ids of their rows: as members, or by name and address."""
    wanted = {pk for pk in ids if pk}
    return _authors(list(CommitAuthor.objects.filter(pk__in=wanted))) if wanted else {}


def _pull_requests(commits: Sequence[Commit]) -> dict[tuple[int, str], PullRequest]:
    rows = PullRequest.objects.filter(
        organization=commits[0].organization_id, merge_commit_sha__in={commit.key for commit in commits}
    )
    found = rows.select_related("repository", "author").order_by("pk")
    return {(row.repository_id, row.merge_commit_sha or ""): row for row in found}


def _as_pull_request(request: PullRequest, authors: dict[int, dict[str, Any]]) -> PullRequestShape:
    return {
        "id": request.key,
        "title": request.title,
        "message": request.message,
        "dateCreated": as_z(request.date_added),
        "repository": as_repository(request.repository),
        "author": authors.get(request.author_id or 0, {}),
        "externalUrl": _address(request),
    }


def _address(request: PullRequest) -> str | None:
    """Where the pull request is at its provider, as far as the address of the repository says it."""
    path = _PULL_PATHS.get((request.repository.provider or "").removeprefix("integrations:"))
    base = (request.repository.url or "").removesuffix("/").removesuffix(".git")
    return f"{base}/{path}/{request.key}" if path and base.startswith(("https://", "http://")) else None


def _authors(authors: Collection[CommitAuthor | None]) -> dict[int, dict[str, Any]]:
    """Each author as the member who has that address, else by name and address."""
    known = {author.pk: author for author in authors if author is not None}
    if not known:
        return {}
    organization = next(iter(known.values())).organization_id
    members = members_by_address(organization, {author.email for author in known.values()})
    users = users_by_id(ids[0] for ids in members.values())
    found: dict[int, dict[str, Any]] = {}
    for pk, author in known.items():
        ids = members.get(author.email, [])
        user = users.get(ids[0]) if ids else None
        found[pk] = {**user} if user else {"name": author.name, "email": author.email}
    return found
