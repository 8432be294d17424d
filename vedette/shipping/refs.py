"""Refs: the commits that a release was built from, one for each repository.

Naming a repository that nobody knows is an error here: only commits make repositories. Source: the release
specification, 10.1 with its [V].
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.releases.models import (
    Commit,
    Release,
    ReleaseHeadCommit,
    ReleaseProject,
    Repository,
    RepositoryStatus,
)
from vedette.shipping.fetchqueue import FetchRef, queue_fetch

MAX_REFS = 200


@dataclass(frozen=True, slots=True)
class RefInput:
    """The commit of a repository that a release was built from (or a range, `A..B`), and the one before it, if told."""

    repository: str
    commit: str
    previous_commit: str | None = None


def set_refs(
    release: Release, refs: Sequence[RefInput], *, fetch: bool, user: User | None, now: datetime | None = None
) -> None:
    """Make `refs` the head commits of the release; with `fetch`, have the commits up to them fetched soon.

    Raises `RuleBroken` for names of no repository; nothing is written then.
    """
    moment = now or clock.now()
    if len(refs) > MAX_REFS:
        raise RuleBroken({"refs": [f"Ensure this field has no more than {MAX_REFS} elements."]})
    known = active_repositories(release.organization_id, {ref.repository for ref in refs})
    unknown = sorted({ref.repository for ref in refs} - known.keys())
    if unknown:
        raise RuleBroken({"refs": [f"Invalid repository names: {','.join(unknown)}"]})
    split = [_split(ref) for ref in refs]
    with transaction.atomic():
        for ref in sorted(split, key=lambda one: known[one.repository].pk):  # stable: the last of a repository counts
            _set_head(release, known[ref.repository], ref.commit, moment)
        if fetch and refs:
            previous = previous_release(release)
            queue_fetch(
                release,
                [FetchRef(ref.repository, ref.commit, ref.previous_commit or None) for ref in split],
                previous_id=previous.pk if previous else None,
                user_id=user.pk if user else None,
                now=moment,
            )


def active_repositories(organization_id: int, names: Collection[str]) -> dict[str, Repository]:
    """The repositories in use by their names; of several that are called the same, the newest."""
    rows = Repository.objects.filter(
        organization_id=organization_id, name__in=list(names), status=RepositoryStatus.ACTIVE
    )
    return {row.name: row for row in rows.order_by("pk")}


def previous_release(release: Release) -> Release | None:
    """The release before this one, of those that share a project with it; never a newer one."""
    own = ReleaseProject.objects.filter(release=release).values("project_id")
    shared = ReleaseProject.objects.filter(release=OuterRef("pk"), project_id__in=own)
    rows = Release.objects.filter(
        Exists(shared),
        organization_id=release.organization_id,
        sort_date__lte=release.date_released or release.date_added,
    )
    return rows.exclude(pk=release.pk).order_by("-sort_date", "-pk").first()


def _split(ref: RefInput) -> RefInput:
    start, dots, end = ref.commit.partition("..")
    return replace(ref, commit=end, previous_commit=start) if dots else ref


def _set_head(release: Release, repository: Repository, key: str, now: datetime) -> None:
    commit, _ = Commit.objects.get_or_create(
        repository=repository,
        key=key,
        defaults={"organization_id": release.organization_id, "date_added": now},
    )
    ReleaseHeadCommit.objects.update_or_create(
        release=release,
        repository=repository,
        defaults={"organization_id": release.organization_id, "commit": commit},
    )
