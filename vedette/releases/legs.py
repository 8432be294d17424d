"""The legs of lists of releases: by adoption, and with a row for every project of a release.

Source: the release specification, 14.1 and 14.2. A release is told once by adoption: by the last of the environments
in view that took it up.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from vedette.projects.models import Environment
from vedette.releases.conditions import Scope
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.walking import Key, Leg, Listed, Rows, beyond

NEWEST = ("sort_date", "pk")
FEW = 5_000  # so many releases are sorted rather than looked for in the order of an index
MOST_STREAMS = 40  # projects that are read one by one; of more, all their rows are sorted

Pair = tuple[int, int]  # release, project


@dataclass(frozen=True, slots=True)
class Paired:
    """Every (release, project) of the scope, in the order of the releases; the keys end with both."""

    leg: Rows
    scope: Scope
    without: tuple[int, ...] | None = None
    """If given, only links that no environment of these (none means all) ever took up."""

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        if skip:
            return self._counted_off(skip, limit)
        # Every release has a link here, but for the one that the page before ended in: one more is enough.
        releases = self.leg.take(after and after[:-1], 0, limit + 1, inclusive=True)
        links = self._links().filter(release__in=[key[-1] for key in releases])
        projects: dict[int, list[int]] = {}
        for release, project in links.order_by("-project_id").values_list("release_id", "project_id"):
            projects.setdefault(release, []).append(project)
        keys = [(*key, project) for key in releases for project in projects.get(key[-1], ())]
        return [key for key in keys if after is None or key < after][:limit]

    def count(self) -> int:
        """See `Leg`."""
        return self._links().filter(release__in=self.leg.rows.order_by()).count()

    def _counted_off(self, skip: int, limit: int) -> list[Key]:
        columns = [*(f"release__{name}" for name in self.leg.keys[:-1]), "release_id", "project_id"]
        links = self._links().filter(release__in=self.leg.rows.order_by())
        return list(links.order_by(*(f"-{name}" for name in columns)).values_list(*columns)[skip : skip + limit])

    def _links(self) -> QuerySet[ReleaseProject]:
        links = ReleaseProject.objects.filter(project__in=self.scope.projects)
        if self.without is not None:
            took_up = _adopted(self.without).filter(release=OuterRef("release_id"), project=OuterRef("project_id"))
            links = links.filter(~Exists(took_up))
        return links


def adoption_legs(rows: QuerySet[Release], scope: Scope, *, paired: bool) -> list[Leg]:
    """Those that were taken up, the last one first; then those that were not, newest first."""
    environments = _environment_ids(scope)
    few = list(rows.order_by().values_list("pk", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        rows = Release.objects.filter(pk__in=few)
        first: Leg = Listed(_sorted(few, scope, environments, paired))
    else:
        first = Adopted(rows, scope.projects, environments, paired)
    took_up = _adopted(environments).filter(release=OuterRef("pk"), project__in=scope.projects)
    if not paired:
        return [first, Rows(rows.filter(~Exists(took_up)), NEWEST)]
    theirs = _adopted(environments).filter(release=OuterRef("release_id"), project=OuterRef("project_id"))
    left = ReleaseProject.objects.filter(~Exists(theirs), release=OuterRef("pk"), project__in=scope.projects)
    return [first, Paired(Rows(rows.filter(Exists(left)), NEWEST), scope, environments)]


@dataclass(frozen=True, slots=True)
class Adopted:
    """Releases, or if `paired` releases in projects, by when they were last taken up: one row for each.

    The keys are the moment, the release and, if `paired`, the project. Each project's rows are read in the order of
    their index, and merged.
    """

    rows: QuerySet[Release]
    projects: tuple[int, ...]
    environments: tuple[int, ...]
    paired: bool

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        wanted = skip + limit
        if len(self.projects) <= MOST_STREAMS:
            share = wanted // max(len(self.projects), 1) + 1
            streams = [self._stream((one,), after, share) for one in self.projects]
        else:
            streams = [self._stream(self.projects, after, wanted)]
        return list(islice(heapq.merge(*streams, reverse=True), skip, wanted))

    def count(self) -> int:
        """See `Leg`."""
        return self._rows(self.projects).order_by().count()

    def _stream(self, projects: Sequence[int], after: Key | None, piece: int) -> Iterator[Key]:
        """Their rows, in pieces of which each is twice as long as the one before: with a filter a row costs a search,
        and no project has more than its share of most pages."""
        columns = ("adopted", "release_id", "project_id") if self.paired else ("adopted", "release_id")
        every = self._rows(projects).order_by(*(f"-{name}" for name in columns)).values_list(*columns)
        while True:
            some: list[Key] = list((every if after is None else beyond(every, columns, after))[:piece])
            yield from some
            if len(some) < piece:
                return
            after, piece = some[-1], 2 * piece

    def _rows(self, projects: Sequence[int]) -> QuerySet[ReleaseProjectEnvironment]:
        """Of each release's rows, the one that was taken up last."""
        found = _adopted(self.environments).filter(project__in=projects)
        others = _adopted(self.environments).filter(release=OuterRef("release_id"))
        others = others.filter(project=OuterRef("project_id")) if self.paired else self._of_all(others)
        later = Q(adopted__gt=OuterRef("adopted")) | Q(adopted=OuterRef("adopted"), pk__gt=OuterRef("pk"))
        return found.filter(Exists(self.rows.filter(pk=OuterRef("release_id"))), ~Exists(others.filter(later)))

    def _of_all(self, rows: QuerySet[ReleaseProjectEnvironment]) -> QuerySet[ReleaseProjectEnvironment]:
        return rows.filter(project__in=self.projects)


def _adopted(environments: tuple[int, ...]) -> QuerySet[ReleaseProjectEnvironment]:
    rows = ReleaseProjectEnvironment.objects.filter(adopted__isnull=False)
    return rows.filter(environment__in=environments) if environments else rows


def _sorted(releases: Sequence[int], scope: Scope, environments: tuple[int, ...], paired: bool) -> list[Key]:
    names = ("release_id", "project_id") if paired else ("release_id",)
    rows = _adopted(environments).filter(release__in=releases, project__in=scope.projects)
    found: Any = rows.order_by().values(*names).annotate(at=Max("adopted")).values_list("at", *names)
    return sorted(found, reverse=True)


def _environment_ids(scope: Scope) -> tuple[int, ...]:
    """The ids of the environments that are looked at; none for all of them."""
    if not scope.environments:
        return ()
    rows = Environment.objects.filter(organization_id=scope.organization_id, name__in=scope.environments)
    return tuple(rows.order_by("pk").values_list("pk", flat=True)) or (0,)
