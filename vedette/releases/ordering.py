"""Whether a project's releases are ordered by their versions or by their dates.

Source: the release specification, 2.5 with its [V]. Nothing is remembered: a flip that is noticed an hour late would
reopen issues for no reason.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from vedette.projects.models import Project
from vedette.projects.options import RELEASE_ORDERING, options_of
from vedette.releases import versions
from vedette.releases.models import Release, ReleaseProject, ReleaseStatus

_NEWEST = 10
_FEW = 1000


@dataclass(frozen=True, slots=True)
class Ordering:
    """How a project orders. `without_package`: versions are read as if each had a package, because somebody said so."""

    by_version: bool = False
    without_package: bool = False

    def applies_to(self, version: str) -> bool:
        """Whether a release of this version is ordered by it."""
        if not self.by_version:
            return False
        return versions.parse(version, without_package=True).is_parsed if self.without_package else _is_semver(version)


def orderings(project_ids: Collection[int]) -> dict[int, Ordering]:
    """How each of these projects orders its releases. One query, and one more for each project that has no setting."""
    chosen = options_of(project_ids)
    return {project: _ordering(project, chosen[project][RELEASE_ORDERING.field]) for project in sorted(project_ids)}


def _ordering(project: int, chosen: str) -> Ordering:
    if chosen == "auto":
        return Ordering(by_version=follows_semver(_newest_versions(project)))
    return Ordering(by_version=chosen == "semver", without_package=chosen == "semver")


def follows_semver(newest: list[str]) -> bool:
    """Whether a project with these versions (of its ten newest open releases, newest first) follows semver."""
    good = [_is_semver(version) for version in newest]
    if len(good) < 3:
        return good[:1] == [True]
    return any(good[:3]) and (len(good) < _NEWEST or sum(good) >= 3)


def _newest_versions(project: int) -> list[str]:
    rows = releases_of(project).exclude(status=ReleaseStatus.ARCHIVED)
    return list(rows.order_by("-date_added", "-pk").values_list("version", flat=True)[:_NEWEST])


def releases_of(project: int) -> QuerySet[Release]:
    """The releases of one project, of which somebody wants the first few in the order of their organization's indexes.

    Those of a project with few are found by its links, and sorted. Where there are many, the organization's are looked
    through in order, and soon enough of them are the project's: no database guesses that right.
    """
    links = ReleaseProject.objects.filter(project=project)
    if links[:_FEW].count() < _FEW:
        return Release.objects.filter(project_links__project=project)
    owner = Project.objects.filter(pk=project).values("organization_id")
    return Release.objects.filter(Exists(links.filter(release=OuterRef("pk"))), organization_id=Subquery(owner))


def _is_semver(version: str) -> bool:
    return versions.is_semver(version)
