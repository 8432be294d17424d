"""The commits of a release, by repository, with who wrote them; and the files that they changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, Min, QuerySet

from vedette.releases.models import Commit, CommitFileChange, PullRequest, Release, ReleaseCommit
from vedette.web.faces import Face, faces
from vedette.web.text import one_line, visible

ROWS_PER_PAGE = 100
SHORT_KEY = 7
LONGEST_REST = 5000  # characters of a message that are shown
LONGEST_LOOKED_AT = 8000  # some are taken away; a message may be as long as a request
_TYPES = {"A": "added", "D": "deleted", "M": "modified"}


@dataclass(frozen=True, slots=True)
class CommitLine:
    """A commit. `title` is the first line of its message, `rest` what follows; `request` the pull request that it
    merged; `url` where the repository shows it, "" where nobody knows."""

    commit: Commit
    title: str
    rest: str
    face: Face | None
    request: PullRequest | None
    url: str

    @property
    def short(self) -> str:
        """The beginning of its key."""
        return self.commit.key[:SHORT_KEY] if len(self.commit.key) > 12 else self.commit.key


@dataclass(frozen=True, slots=True)
class FileLine:
    """A changed file: what was done to it, and by how many commits."""

    name: str
    what: str
    commits: int


def commits_of(release: Release, repository: str = "") -> QuerySet[ReleaseCommit]:
    """The release's commits by repository, the newest first in each; of one repository, or of all."""
    rows = ReleaseCommit.objects.filter(release=release)
    if repository:
        rows = rows.filter(commit__repository__name=repository)
    return rows.select_related("commit__repository", "commit__author").order_by("commit__repository__name", "order")


def newest_commits(release: Release, number: int) -> list[Commit]:
    """The newest of the release's commits, those of a repository together."""
    rows = ReleaseCommit.objects.filter(release=release).select_related("commit__repository", "commit__author")
    newest = [link.commit for link in rows.order_by("order")[:number]]
    return sorted(newest, key=lambda commit: commit.repository.name)


def lines_of(commits: Sequence[Commit], organization_id: int) -> list[CommitLine]:
    """These commits, which have their repositories at hand: five queries, however many."""
    known = faces(organization_id, {commit.author_id for commit in commits if commit.author_id})
    requests = _requests(commits, organization_id)
    return [_line(commit, known.get(commit.author_id or 0), requests) for commit in commits]


def _line(commit: Commit, face: Face | None, requests: dict[tuple[int, str], PullRequest]) -> CommitLine:
    message = visible((commit.message or "")[:LONGEST_LOOKED_AT]).strip()
    title, _, rest = message.partition("\n")
    return CommitLine(
        commit=commit,
        title=one_line(title, 300) or "(no message)",
        rest=rest.strip()[:LONGEST_REST],
        face=face,
        request=requests.get((commit.repository_id, commit.key)),
        url=commit_url(commit.repository.url, commit.repository.provider, commit.key),
    )


def commit_url(base: str | None, provider: str | None, key: str) -> str:
    """Where a repository with a web address shows a commit; "" for one without, or one that nobody set up."""
    if not base or not provider or not base.startswith(("https://", "http://")) or not key.isalnum():
        return ""
    root = base.rstrip("/").removesuffix(".git")
    return f"{root}/-/commit/{key}" if "gitlab" in provider else f"{root}/commit/{key}"


def _requests(commits: Collection[Commit], organization_id: int) -> dict[tuple[int, str], PullRequest]:
    keys = {commit.key for commit in commits}
    rows = PullRequest.objects.filter(organization_id=organization_id, merge_commit_sha__in=keys)
    return {(row.repository_id, row.merge_commit_sha or ""): row for row in rows}


def files_of(releases: Collection[int], limit: int) -> list[FileLine]:
    """The files that commits of these releases changed, most often changed first; at most `limit`."""
    commits = ReleaseCommit.objects.filter(release__in=releases).values("commit_id")
    return _files(CommitFileChange.objects.filter(commit__in=commits), limit)


def files_in(commits: Collection[Commit], limit: int) -> list[FileLine]:
    """The same of these commits, however many others are in their releases."""
    return _files(CommitFileChange.objects.filter(commit__in=[commit.pk for commit in commits]), limit)


def _files(changes: QuerySet[CommitFileChange], limit: int) -> list[FileLine]:
    """One statement: a commit changes a file once, so that nothing has to be told apart before it is counted."""
    counted = (
        changes.order_by().values_list("filename").annotate(number=Count("pk"), first=Min("type"), last=Max("type"))
    )
    return [
        FileLine(visible(name), _TYPES.get(first, "modified") if first == last else "modified", number)
        for name, number, first, last in counted.order_by("-number", "filename")[:limit]
    ]
