"""The legs of lists of releases with a row for every project of a release.

Source: the release specification, 14.1 and 14.2.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from vedette.core.among import Among
from vedette.releases.conditions import Scope
from vedette.releases.models import ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.walking import Key, Rows

NEWEST = ("sort_date", "pk")

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
        links = self._links().filter(Among("release_id", [key[-1] for key in releases]))
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
        links = self.scope.within(ReleaseProject.objects.all())
        if self.without is not None:
            took_up = adopted_in(self.without).filter(release=OuterRef("release_id"), project=OuterRef("project_id"))
            links = links.filter(~Exists(took_up))
        return links


def adopted_in(environments: tuple[int, ...]) -> QuerySet[ReleaseProjectEnvironment]:
    """What these environments, or if there are none any, ever took up."""
    rows = ReleaseProjectEnvironment.objects.filter(adopted__isnull=False)
    return rows.filter(environment__in=environments) if environments else rows
