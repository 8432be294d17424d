"""Releases and environments as telemetry names them: made when first seen, and dated.

Everything is done in bulk, for a whole batch of events, inside the caller's transaction; a row that somebody else
makes at the same time is taken as it is. Source: the release specification, 12.1 to 12.3 with every [V].
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import Count, F

from vedette.core import clock, sql
from vedette.core.pieces import pieces
from vedette.projects.models import Environment, EnvironmentProject, Project, ProjectFlags
from vedette.releases import bounds, links, versions
from vedette.releases.age import plausible, witness
from vedette.releases.models import (
    Distribution,
    Release,
    ReleaseEnvironment,
    ReleaseProject,
    ReleaseProjectEnvironment,
)

LAST_SEEN_STEP = timedelta(seconds=60)
_DIST = ("release_id", "name")

_Row = TypeVar("_Row", ReleaseEnvironment, ReleaseProjectEnvironment)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event named this release (may be empty) in this environment (may be empty) at this moment.

    `creates`: whether a release that is not there yet is made. `dates`: whether the moment is evidence of its age.
    """

    organization_id: int
    project_id: int
    version: str
    dist: str
    environment: str
    at: datetime
    creates: bool = True
    dates: bool = True


@dataclass(frozen=True, slots=True)
class Sightings:
    """The rows behind a batch of sightings: `releases` by (organization, version), `environments` by (organization,
    name). A version that is invalid is in no map: its events go on without a release."""

    releases: dict[tuple[int, str], Release] = field(default_factory=dict)
    environments: dict[tuple[int, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class _Span:
    first: datetime
    last: datetime

    def widen(self, at: datetime) -> None:
        self.first = min(self.first, at)
        self.last = max(self.last, at)


def record(sightings: Iterable[Sighting]) -> Sightings:
    """Make what is missing, date what is there, and say which rows they are."""
    listed = list(sightings)
    environments = _environments(listed)
    releases = _releases([one for one in listed if one.version and versions.is_valid(one.version)])
    found = Sightings(releases, environments)
    dated = [one for one in listed if (one.organization_id, one.version) in releases]
    _link_projects(dated, releases)
    _distributions(dated, releases)
    _last_seen(dated, found)
    return found


def record_releases(sightings: Iterable[Sighting]) -> dict[tuple[int, str], Release]:
    """Make and date releases, and link them to their projects, and nothing else: for what tells of no environment."""
    valid = [one for one in sightings if one.version and versions.is_valid(one.version)]
    releases = _releases(valid)
    _link_projects([one for one in valid if (one.organization_id, one.version) in releases], releases)
    return releases


def _environments(sightings: Sequence[Sighting]) -> dict[tuple[int, str], int]:
    wanted = {(one.organization_id, one.environment): one.at for one in sightings}
    if not wanted:
        return {}
    rows = Environment.objects.filter(
        organization_id__in={key[0] for key in wanted}, name__in={key[1] for key in wanted}
    )
    known = {(row.organization_id, row.name): row.pk for row in rows}
    missing = wanted.keys() - known.keys()
    if missing:
        known |= _make_environments(sightings, missing)
    pairs = {(one.project_id, known[one.organization_id, one.environment]) for one in sightings}
    names = ("project_id", "environment_id")
    unlinked = pairs - set(sql.matching("projects_environmentproject", names, pairs, names))
    EnvironmentProject.objects.bulk_create(
        [
            EnvironmentProject(project_id=project, environment_id=environment)
            for project, environment in sorted(unlinked)
        ],
        ignore_conflicts=True,
    )
    return {key: known[key] for key in wanted}


def _make_environments(sightings: Sequence[Sighting], missing: Set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The new environments, made; one that there is no room for is "none given"."""
    new = [(one.project_id, (one.organization_id, one.environment)) for one in sightings]
    made = bounds.admitted(EnvironmentProject, (pair for pair in new if pair[1] in missing), bounds.MAX_ENVIRONMENTS)
    folded = missing - made
    made |= {(organization_id, "") for organization_id, _ in folded}
    Environment.objects.bulk_create(
        [Environment(organization_id=key[0], name=key[1]) for key in sorted(made)], ignore_conflicts=True
    )
    rows = Environment.objects.filter(
        organization_id__in={key[0] for key in made}, name__in={key[1] for key in made}
    ).values_list("organization_id", "name", "pk")
    known = {(organization_id, name): pk for organization_id, name, pk in rows}
    return known | {key: known[key[0], ""] for key in folded}


def _releases(sightings: Sequence[Sighting]) -> dict[tuple[int, str], Release]:
    """Every release by (organization, version), none dated later than its earliest sighting here."""
    wanted = {(one.organization_id, one.version) for one in sightings}
    if not wanted:
        return {}
    now = clock.now()
    earliest: dict[tuple[int, str], datetime] = {}
    for one in sightings:
        if one.dates:
            key = (one.organization_id, one.version)
            earliest[key] = min(earliest.get(key, now), plausible(one.at, now, settings.VEDETTE.retention_days))
    rows = Release.objects.filter(
        organization_id__in={key[0] for key in wanted}, version__in={key[1] for key in wanted}
    )
    known = {(row.organization_id, row.version): row for row in rows}
    new = [(one.project_id, (one.organization_id, one.version)) for one in sightings if one.creates]
    new = [pair for pair in new if pair[1] not in known]
    missing = bounds.admitted(ReleaseProject, new, bounds.MAX_RELEASES) if new else set()
    if missing:
        Release.objects.bulk_create(
            [
                Release(
                    organization_id=key[0],
                    version=key[1],
                    date_added=earliest.get(key, now),
                    **versions.semver_columns(key[1]),
                )
                for key in sorted(missing)
            ],
            ignore_conflicts=True,
        )
        known = {(row.organization_id, row.version): row for row in rows.all()}
    for key, at in sorted(earliest.items()):
        if key in known and known[key].date_added > at:
            witness(known[key], at)
    return {key: known[key] for key in wanted if key in known}


def _link_projects(sightings: Sequence[Sighting], releases: dict[tuple[int, str], Release]) -> None:
    pairs = {(one.project_id, releases[one.organization_id, one.version].pk) for one in sightings}
    if not pairs:
        return
    names = ("project_id", "release_id")
    unlinked = pairs - set(sql.matching("releases_releaseproject", names, pairs, names))
    if not unlinked:
        return
    ReleaseProject.objects.bulk_create(
        [ReleaseProject(project_id=project, release_id=release) for project, release in sorted(unlinked)],
        ignore_conflicts=True,
    )
    links.tell(unlinked)
    flag = int(ProjectFlags.HAS_RELEASES)
    Project.objects.filter(pk__in={pair[0] for pair in unlinked}).update(flags=F("flags").bitor(flag))


def _distributions(sightings: Sequence[Sighting], releases: dict[tuple[int, str], Release]) -> None:
    wanted = {
        (one.organization_id, releases[one.organization_id, one.version].pk, one.dist): one.at
        for one in sightings
        if one.dist
    }
    if not wanted:
        return
    known = set(sql.matching("releases_distribution", _DIST, {key[1:] for key in wanted}, _DIST))
    missing = sorted(key for key in wanted if key[1:] not in known)
    if not missing:
        return
    rows = Distribution.objects.filter(release_id__in={key[1] for key in missing}).order_by().values_list("release_id")
    number = Counter(dict(rows.annotate(Count("pk"))))
    made = []
    for key in missing:
        number[key[1]] += 1
        if number[key[1]] <= bounds.MAX_DISTRIBUTIONS:  # those beyond it stay tags of their events
            made.append(Distribution(organization_id=key[0], release_id=key[1], name=key[2], date_added=wanted[key]))
    Distribution.objects.bulk_create(made, ignore_conflicts=True)


def _last_seen(sightings: Sequence[Sighting], found: Sightings) -> None:
    """The rows (release, environment) of the organization and of each project: seen from then till then."""
    by_organization: dict[tuple[int, int, int], _Span] = {}
    by_project: dict[tuple[int, int, int], _Span] = {}
    for one in sightings:
        release = found.releases[one.organization_id, one.version].pk
        environment = found.environments[one.organization_id, one.environment]
        for spans, owner in ((by_organization, one.organization_id), (by_project, one.project_id)):
            spans.setdefault((owner, release, environment), _Span(one.at, one.at)).widen(one.at)
    _widen(ReleaseEnvironment, "organization_id", by_organization)
    _widen(ReleaseProjectEnvironment, "project_id", by_project)


def _widen(model: type[_Row], owner: str, spans: dict[tuple[int, int, int], _Span]) -> None:
    if not spans:
        return
    names = (owner, "release_id", "environment_id")
    # Exactly these: of some releases and some environments there may be every combination.
    pks = [pk for (pk,) in sql.matching(model._meta.db_table, names, spans, ("id",))]
    rows = [row for some in pieces(pks) for row in model._default_manager.filter(pk__in=some)]
    known = {tuple(getattr(row, name) for name in names): row for row in rows}
    model._default_manager.bulk_create(
        [
            model(**dict(zip(names, key, strict=True)), first_seen=span.first, last_seen=span.last)
            for key, span in sorted(spans.items())
            if key not in known
        ],
        ignore_conflicts=True,
    )
    late = [(known[key], span) for key, span in sorted(spans.items()) if key in known]
    first, last = sql.least(), sql.greatest()
    sql.run_many(
        f"UPDATE {model._meta.db_table} SET first_seen = {first}(first_seen, %s), "  # noqa: S608
        f"last_seen = {last}(last_seen, %s) WHERE id = %s",
        [
            (sql.moment(span.first), sql.moment(span.last), row.pk)
            for row, span in late
            if span.first < row.first_seen or span.last > row.last_seen + LAST_SEEN_STEP
        ],
    )
