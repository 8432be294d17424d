"""Setting the commits of a release: what a build says it was made of.

The list replaces the one before it, so saying the same twice changes nothing. Everything is written in bulk: the number
of statements hardly grows with the number of commits, and a build may send ten thousand.

Source: the release specification, sections 8 (clearing) and 9.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from vedette.core import sql
from vedette.core.errors import RuleBroken, TryAgain
from vedette.core.locks import LockHeld, held
from vedette.releases.models import Commit, Release, ReleaseCommit, ReleaseHeadCommit
from vedette.shipping.commitrows import Placed, place, save
from vedette.shipping.resolving import link_commits, resolve_in

LONGEST_SECONDS = 600
WAIT_SECONDS = 10
SKIP = "#skipsentry"


class CommitsBusy(TryAgain):
    """Another request sets the commits of this release at this moment."""

    code = "commits-busy"

    def __init__(self) -> None:
        super().__init__("Release commits are currently being processed")


class UnknownRelease(RuleBroken):
    """There is no such release, or not any more."""

    code = "unknown-release"

    def __init__(self) -> None:
        super().__init__("There is no such release.")


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit added (A), deleted (D) or modified (M); any other letter counts as modified."""

    path: str
    type: str


@dataclass(frozen=True, slots=True)
class CommitInput:
    """A commit as its sender tells of it; None is what was not said.

    What was not said stays as it is stored, unless `message_is_null`: the sender said that there is no message. Texts
    that do not fit their columns are cut. `timestamp` is aware.
    """

    key: str
    repository: str | None = None
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: datetime | None = None
    patch_set: Sequence[FileChange] = ()
    message_is_null: bool = False


def set_commits(release: Release, commits: Sequence[CommitInput], *, merge: bool = False, now: datetime) -> None:
    """Make `commits` the commits of `release`, newest first; those without a moment last, in the order given.

    With `merge`, commits of repositories that the list does not name stay. Repositories and authors that nobody knows
    are made. Issues that the messages name are linked, and what the commits of the release fix is resolved in it: in
    pieces, after the list is written, so that saying the list again finishes what was interrupted.

    Not inside of a transaction. Raises `CommitsBusy` when another request holds the release for longer than ten
    seconds, or too many wait for theirs already; `UnknownRelease` when the release is gone meanwhile.
    """
    wanted = in_order(commits)
    try:
        with held(_lock(release), LONGEST_SECONDS, wait_seconds=WAIT_SECONDS):
            placed = place(release.organization_id, wanted)
            with transaction.atomic():
                _keep(release)
                saved = save(release.organization_id, placed, now)
                _link(release, placed, saved.commits, merge=merge)
                link_commits(saved.changed, now)
    except LockHeld:
        raise CommitsBusy from None
    resolve_in(release, now)


def clear_commits(release: Release) -> None:
    """Forget which commits `release` holds and which were its heads; the commits themselves stay.

    Not inside of a transaction. Raises `CommitsBusy` and `UnknownRelease`.
    """
    try:
        with held(_lock(release), LONGEST_SECONDS, wait_seconds=WAIT_SECONDS), transaction.atomic():
            _keep(release)
            ReleaseHeadCommit.objects.filter(release=release).delete()
            ReleaseCommit.objects.filter(release=release).delete()
            _note(release, [])
    except LockHeld:
        raise CommitsBusy from None


def in_order(commits: Iterable[CommitInput]) -> list[CommitInput]:
    """The commits that count, newest first; those without a moment after all others, in the order given."""
    counted = [commit for commit in commits if SKIP not in (commit.message or "")]
    dated = [(commit.timestamp, commit) for commit in counted if commit.timestamp is not None]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    return [commit for _, commit in dated] + [commit for commit in counted if commit.timestamp is None]


def _lock(release: Release) -> str:
    return f"releasecommits:{release.organization_id}:{release.pk}"


def _keep(release: Release) -> None:
    """Let nobody delete the release until the transaction ends. Raises `UnknownRelease`."""
    if not Release.objects.select_for_update(no_key=True).filter(pk=release.pk).exists():
        raise UnknownRelease


def _link(release: Release, placed: Sequence[Placed], commits: Sequence[Commit], *, merge: bool) -> None:
    """Replace the links of the release; `commits` are the rows of `placed`, in its order. A commit that comes twice
    has one link, and leaves a gap in the order."""
    first: dict[int, tuple[int, Commit]] = {}
    for order, commit in enumerate(commits):
        first.setdefault(commit.pk, (order, commit))
    ordered = list(first.values())
    if merge:
        theirs = _of_other_repositories(release, {one.repository_id for one in placed})
        ours = [commit for _, commit in ordered]
        ordered = list(enumerate(heapq.merge(ours, theirs, key=lambda commit: -commit.date_added.timestamp())))
    ReleaseCommit.objects.filter(release=release).delete()
    sql.insert_rows(
        ReleaseCommit._meta.db_table,
        ("organization_id", "release_id", "commit_id", '"order"'),
        [(release.organization_id, release.pk, commit.pk, order) for order, commit in ordered],
    )
    heads: dict[int, Commit] = {}
    for commit in commits:
        heads.setdefault(commit.repository_id, commit)
    ReleaseHeadCommit.objects.bulk_create(  # a head that is there already was given explicitly, and stays
        [
            ReleaseHeadCommit(
                organization_id=release.organization_id, release=release, repository_id=repository, commit=commit
            )
            for repository, commit in sorted(heads.items())
        ],
        ignore_conflicts=True,
    )
    _note(release, [commit for _, commit in ordered])


def _of_other_repositories(release: Release, repositories: set[int]) -> list[Commit]:
    rows = Commit.objects.filter(release_links__release=release).order_by("release_links__order")
    return [commit for commit in rows.defer("message") if commit.repository_id not in repositories]


def _note(release: Release, linked: Sequence[Commit]) -> None:
    """Write down on the release what is linked to it now."""
    release.commit_count = len(linked)
    release.authors = list(dict.fromkeys(str(commit.author_id) for commit in linked if commit.author_id))
    release.last_commit_id = linked[0].pk if linked else None
    release.save(update_fields=["commit_count", "authors", "last_commit_id"])
