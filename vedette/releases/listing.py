"""Lists of releases: which there are, in which order, and what comes before and after one of them.

Source: the release specification, 14 and 15.2; the release health specification, 6.4. Where a list is ordered by age,
that is `sort_date`, the date of release or else the date of the first sight: the same order everywhere.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Q, QuerySet

from vedette.core.among import Among
from vedette.core.errors import RuleBroken
from vedette.events.client import EventStore
from vedette.releases.adoptedlegs import adoption_legs
from vedette.releases.conditions import SEMVER, Scope
from vedette.releases.health import HealthQuestion, scores
from vedette.releases.legs import NEWEST, Pair, Paired
from vedette.releases.models import Release, ReleaseStatus
from vedette.releases.rankedlegs import ranked_legs
from vedette.releases.walking import Leg, Rows, Slice, walk

SORTS = ("date", "semver", "build", "adoption")
"""The orders that the relational database knows."""


def listed(scope: Scope, status: str) -> QuerySet[Release]:
    """The releases of a scope, with environments those seen there, and of a status: `open`, `archived` or any ("").

    Raises `RuleBroken` for a word that is no status.
    """
    rows = scope.releases()
    if scope.environments:
        rows = rows.filter(Exists(scope.sightings()))
    if status == "archived":
        return rows.filter(status=ReleaseStatus.ARCHIVED)
    if status == "open":
        return rows.filter(Q(status=ReleaseStatus.OPEN) | Q(status__isnull=True))
    if status:
        raise RuleBroken("invalid value for status")
    return rows


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: `number` (from 0) of `size` rows. `name` is what else decides which rows the list has."""

    size: int
    number: int
    name: tuple[Any, ...]


def page(rows: QuerySet[Release], sort: str, scope: Scope, wanted: Wanted) -> Slice[Release]:
    """A page of the releases in the order of `sort`, one of `SORTS`; by build those without a number are left out."""
    found = walk(_legs(rows, sort, scope), (sort, scope, *wanted.name), wanted.size, wanted.number)
    ids = [key[-1] for key in found.rows]
    known = Release.objects.in_bulk(ids)
    return Slice([known[pk] for pk in ids if pk in known], found.has_next)


def dates_page(rows: QuerySet[Release], sort: str, scope: Scope, wanted: Wanted) -> Slice[tuple[str, datetime]]:
    """A page of the versions of the releases with their `date_added`, in the order of `sort`, one of `SORTS`; by date
    that of the first sight."""
    legs = [Rows(rows, ("date_added", "pk"))] if sort == "date" else _legs(rows, sort, scope)
    found = walk(legs, ("dates", sort, scope, *wanted.name), wanted.size, wanted.number)
    ids = [key[-1] for key in found.rows]
    told = Release.objects.filter(Among("pk", ids)).order_by().values_list("pk", "version", "date_added")
    dates = {pk: (version, added) for pk, version, added in told}
    return Slice([dates[pk] for pk in ids if pk in dates], found.has_next)


def paired_page(rows: QuerySet[Release], sort: str, scope: Scope, wanted: Wanted) -> Slice[Pair]:
    """A page of every (release, project) of the releases in the order of `sort`, one of `SORTS`."""
    name = ("paired", sort, scope, *wanted.name)
    return _pairs(walk(_legs(rows, sort, scope, paired=True), name, wanted.size, wanted.number))


def health_page(
    store: EventStore, rows: QuerySet[Release], sort: str, scope: Scope, asked: HealthQuestion, wanted: Wanted
) -> Slice[Pair]:
    """A page of every (release, project) in the order of `sort`, one of health's `SORTS`; those without data come
    last, newest first. Raises `StoreUnavailable`."""
    sign = -1 if sort.startswith("-") else 1
    found = {key: sign * score for key, score in scores(store, asked, sort).items()}
    legs = ranked_legs(rows, found, scope)
    name = ("health", sort, scope, asked.summary, *wanted.name)
    return _pairs(walk(legs, name, wanted.size, wanted.number))


def _pairs(found: Slice[tuple[Any, ...]]) -> Slice[Pair]:
    return Slice([(key[-2], key[-1]) for key in found.rows], found.has_next)


def _legs(rows: QuerySet[Release], sort: str, scope: Scope, *, paired: bool = False) -> list[Leg]:
    if sort == "adoption":
        return adoption_legs(rows, scope, paired=paired)
    if sort == "semver":
        legs = [
            Rows(rows.filter(major__isnull=False), (*SEMVER, *NEWEST)),
            Rows(rows.filter(major__isnull=True), NEWEST),
        ]
    elif sort == "build":
        legs = [Rows(rows.filter(build_number__isnull=False), ("build_number", *NEWEST))]
    else:
        legs = [Rows(rows, NEWEST)]
    return [Paired(leg, scope) for leg in legs] if paired else [*legs]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The versions beside a release and at the ends of its list, by age; None where there is none."""

    next: str | None
    previous: str | None
    first: str | None
    last: str | None


def neighbours(rows: QuerySet[Release], release: Release) -> Neighbours:
    """What comes just after `release` (newer) and just before it (older) in `rows`, and their oldest and newest."""
    upwards, downwards = rows.order_by("sort_date", "pk"), rows.order_by("-sort_date", "-pk")
    at = release.sort_date
    newer = Q(sort_date__gt=at) | Q(sort_date=at, pk__gt=release.pk)
    older = Q(sort_date__lt=at) | Q(sort_date=at, pk__lt=release.pk)
    return Neighbours(
        next=_version(upwards.filter(newer, sort_date__gte=at)),
        previous=_version(downwards.filter(older, sort_date__lte=at)),
        first=_version(upwards),
        last=_version(downwards),
    )


def _version(rows: QuerySet[Release]) -> str | None:
    return rows.values_list("version", flat=True).first()
