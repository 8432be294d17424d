"""Reading releases: the list and one of an organization, and versions with their dates alone.

Source: the release specification, 14, 15.1 and 15.2.
"""

from contextlib import suppress
from datetime import datetime
from typing import TypedDict, TypeVar

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import asked_range, environments, projects
from vedette.api.operations import (
    CURSOR,
    ENVIRONMENT,
    PAGING,
    PROJECT,
    RELEASE_READ,
    TIME,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import MAX_PER_PAGE, Page, number_of, numbered, per_page
from vedette.api.releasehealth import HEALTH, make_known, question, view_of
from vedette.api.releasereach import readable_release
from vedette.api.shapes.base import Moment, z
from vedette.api.shapes.releases import as_pairs, as_release, as_releases
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.core.errors import RuleBroken
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import Window
from vedette.orgs.access import Access
from vedette.projects.models import Project
from vedette.releases import health, listing
from vedette.releases.conditions import Scope, matching
from vedette.releases.health import KNOWN_DAYS, HealthQuestion
from vedette.releases.legs import Pair
from vedette.releases.listing import Wanted
from vedette.releases.models import Release
from vedette.releases.periods import last
from vedette.releases.search import parse
from vedette.releases.walking import Slice

T = TypeVar("T")
MOST_DATES = 1000  # rows of a page of versions with their dates

QUERY = Parameter(
    "query",
    "Text in the version, and conditions that must all hold: `release:`, `release.version:>=1.2`, `release.package:`, "
    "`release.build:`, `release.stage:`, `finalized:`, `release.created:`; `!` in front means the opposite.",
)
STATUS = Parameter("status", "By default `open`; empty is any.", choices=("open", "archived", ""))
SORT = Parameter(
    "sort",
    "By default the newest first, by the date of release or else of the first sight; `semver` the greatest version "
    "first, `build` the greatest build number, `adoption` the last adopted. By sessions and users the most first, by "
    "crash-free rates the least healthy first; these need `flatten`.",
    choices=(*listing.SORTS, *health.SORTS),
)
FLATTEN = Parameter("flatten", "`1` tells each release once for every project.", choices=("0", "1"))
BY_DATE = Parameter("sort", "Only `date`: what comes before and after is told by age.", choices=("date",))
LIST = (QUERY, STATUS, SORT, FLATTEN, *HEALTH, *PROJECT, *ENVIRONMENT, *TIME, *PAGING)
ITEM = (*HEALTH, *PROJECT, *ENVIRONMENT, QUERY, STATUS, BY_DATE)
DATES = (
    QUERY,
    Parameter("status", "By default any.", choices=("open", "archived", "")),
    Parameter(
        "sort",
        "By default the newest first, by the date of the first sight; else as in the list of releases.",
        choices=listing.SORTS,
    ),
    *PROJECT,
    *ENVIRONMENT,
    *TIME,
    CURSOR,
    Parameter("per_page", f"How many rows a page holds, at most {MOST_DATES}.", "integer"),
)


def read_list(endpoint: OrganizationEndpoint, request: Request) -> Response:
    """The list that the request asks for. Raises `RuleBroken`."""
    query, now = request.query_params, clock.now()
    sort = query.get("sort") or "date"
    if sort not in SORT.choices:
        raise RuleBroken("invalid sort")
    flatten = query.get("flatten") == "1"
    if sort in health.SORTS and not flatten:
        raise RuleBroken("sorting by crash statistics requires flattening (flatten=1)")
    view = projects(query, endpoint.access)
    scope = scope_of(endpoint, view)
    asked = question(query, view, scope.environments, now)
    if not view:
        return Response([])
    make_known(view, now)
    rows = found(query, scope, query.get("status", "open"), now)
    wanted = wanted_of(query)
    if not flatten:
        page = _numbered(listing.page(rows, sort, scope, wanted), wanted)
        return endpoint.paged(page, as_releases(page.rows, view, view_of(query, asked, page.rows)))
    pairs = _numbered(_pairs(rows, sort, scope, asked, wanted), wanted)
    shown = Release.objects.in_bulk({release for release, _ in pairs.rows})
    rest = [pair for pair in pairs.rows if pair[0] in shown]  # but for what was deleted just now
    return endpoint.paged(pairs, as_pairs(rest, shown, view, view_of(query, asked, list(shown.values()))))


def wanted_of(query: QueryDict, most: int = MAX_PER_PAGE) -> Wanted:
    """The page that the request wants of a list that its other parameters describe. Raises `RuleBroken`."""
    rest = sorted((name, values) for name, values in query.lists() if name != "cursor")
    return Wanted(per_page(query, most), number_of(query), (most, rest))


def _numbered(found: Slice[T], wanted: Wanted) -> Page[T]:
    return numbered(found.rows, wanted.size, wanted.number, has_next=found.has_next)


def _pairs(rows: QuerySet[Release], sort: str, scope: Scope, asked: HealthQuestion, wanted: Wanted) -> Slice[Pair]:
    if sort in health.SORTS:
        return listing.health_page(event_store(), rows, sort, scope, asked, wanted)
    return listing.paired_page(rows, sort, scope, wanted)


def scope_of(endpoint: OrganizationEndpoint, view: list[Project]) -> Scope:
    """What the request looks at: the projects `view`, in the environments that it names. Raises `NotFound`."""
    named = environments(endpoint.request.query_params, endpoint.organization)
    return Scope(endpoint.organization.pk, tuple(sorted(project.pk for project in view)), named)


def found(query: QueryDict, scope: Scope, status: str, now: datetime, *, dated: bool = True) -> QuerySet[Release]:
    """The releases of a status that the request's search finds, if `dated` within its time. Raises `RuleBroken`."""
    rows = listing.listed(scope, status).filter(matching(parse(query.get("query", ""), now), scope))
    if dated and (time := asked_range(query, now)):
        rows = rows.filter(date_added__range=(time.start, time.end))
    return rows


def read_item(endpoint: OrganizationEndpoint, request: Request) -> Response:
    """The one release that the path names. Raises `NotFound` and `RuleBroken`."""
    query, now = request.query_params, clock.now()
    if (query.get("sort") or "date") not in BY_DATE.choices:
        raise RuleBroken("invalid sort")
    view = _view(query, endpoint.access)
    scope = scope_of(endpoint, view)
    asked = question(query, view, scope.environments, now)
    release = readable_release(endpoint.access, endpoint.path["version"], view)
    shape = as_release(release, view, view_of(query, asked, [release]))
    if _names_one(query) and len(view) == 1:
        rows = found(query, scope, query.get("status", "open"), now, dated=False)
        shape["currentProjectMeta"] = {**_session_bounds(asked, release, view[0], now), **_beside(rows, release)}
    return Response(shape)


def _view(query: QueryDict, access: Access) -> list[Project]:
    try:
        return projects(query, access)
    except PermissionDenied:
        if query.get("health") == "1":
            raise RuleBroken("Invalid project") from None
        raise


def _names_one(query: QueryDict) -> bool:
    names = [name for name in query.getlist("project") if name]
    return len(names) == 1 and names != ["-1"]


def _beside(rows: QuerySet[Release], release: Release) -> dict[str, str | None]:
    beside = listing.neighbours(rows, release)
    return {
        "nextReleaseVersion": beside.next,
        "prevReleaseVersion": beside.previous,
        "firstReleaseVersion": beside.first,
        "lastReleaseVersion": beside.last,
    }


def _session_bounds(asked: HealthQuestion, release: Release, project: Project, now: datetime) -> dict[str, str | None]:
    """The first and last hour in which the release had sessions; unknown while the event store is away."""
    window = Window((project.pk,), *last(KNOWN_DAYS, now), asked.environments)
    edges = None
    with suppress(StoreUnavailable):
        edges = queries.session_edges(event_store(), window, [release.version]).get((project.pk, release.version))
    return {
        "sessionsLowerBound": z(edges.first) if edges else None,
        "sessionsUpperBound": z(edges.last) if edges else None,
    }


class ReleaseDate(TypedDict):
    """A version, and when it was first seen."""

    version: str
    date: Moment


class ReleaseStats(OrganizationEndpoint):
    """The versions of an organization's releases."""

    tag = "Releases"

    @operation(Operation("listOrganizationReleaseDates", RELEASE_READ, query=DATES, answers=list[ReleaseDate]))
    def get(self, request: Request) -> Response:
        """Versions with their dates and nothing else, newest first; archived releases are told too."""
        query, now = request.query_params, clock.now()
        sort = query.get("sort") or "date"
        if sort not in listing.SORTS:
            raise RuleBroken("invalid sort")
        view = projects(query, self.access)
        scope = scope_of(self, view)
        if not view:
            return Response([])
        wanted = wanted_of(query, MOST_DATES)
        rows = found(query, scope, query.get("status", ""), now)
        page = _numbered(listing.dates_page(rows, sort, scope, wanted), wanted)
        return self.paged(page, [ReleaseDate(version=version, date=as_z(added)) for version, added in page.rows])
