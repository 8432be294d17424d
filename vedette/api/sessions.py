"""Sessions over time, by project, environment, release and status.

Source: the release health specification, section 7.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NotRequired, TypedDict

from django.db.models.functions import Coalesce
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import environments, projects
from vedette.api.operations import ENVIRONMENT, ORG_READ, PAGING, PROJECT, TIME, Operation, Parameter, operation
from vedette.api.paging import MAX_PER_PAGE, Page, by_offset, cursor_of
from vedette.api.sessionquery import DURATIONS, FIELDS, GROUPS, RELEASE_DATE, SessionQuery, read_query
from vedette.api.shapes.base import Moment
from vedette.core import clock
from vedette.core.clock import as_z, from_unix
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.queries.sessions import MAX_ROWS, SessionFilter, SessionSums
from vedette.events.rows import SessionTotals, Window
from vedette.projects.models import Project
from vedette.releases.models import ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.rates import RATES, STATUSES, sessions_by_status, users_by_status
from vedette.wire.globs import compile_stars

MAX_CELLS = 10_000  # groups times intervals
Number = int | float | None
Key = tuple[Any, ...]
NOTHING = SessionTotals()


class SessionGroup(TypedDict):
    """The numbers of one combination of `groupBy`: counts, rates of 0 to 1, durations in milliseconds."""

    by: dict[str, Any]
    totals: NotRequired[dict[str, int | float | None]]
    series: NotRequired[dict[str, list[int | float | None]]]


class Sessions(TypedDict):
    """Sessions over time; each series has one number for each of `intervals`, which are the buckets' starts."""

    start: Moment
    end: Moment
    query: str
    intervals: list[Moment]
    groups: list[SessionGroup]


class OrganizationSessions(OrganizationEndpoint):
    """The sessions of an organization."""

    tag = "Releases"

    @operation(
        Operation(
            "getOrganizationSessions",
            ORG_READ,
            query=(
                Parameter("field", "What to tell.", many=True, choices=FIELDS),
                Parameter("groupBy", "How to divide it.", many=True, choices=GROUPS),
                Parameter("interval", "The length of a bucket: whole minutes, hours for what is older than 30 days."),
                Parameter("query", "Filters: `release`, `environment`, `project`, `session.status`."),
                Parameter("orderBy", "One of the fields or `release.timestamp`; `-` for descending."),
                Parameter("includeTotals", "`0` leaves the totals out.", choices=("0", "1")),
                Parameter("includeSeries", "`0` leaves the series out.", choices=("0", "1")),
                *PROJECT,
                *ENVIRONMENT,
                *TIME,
                *PAGING,
            ),
            answers=Sessions,
        )
    )
    def get(self, request: Request) -> Response:
        """Sessions, users, crash rates and durations over time."""
        query = request.query_params
        view = projects(query, self.access)
        if not view:
            raise RuleBroken("No projects available")
        asked = read_query(query, view, clock.now())
        where = Window(
            tuple(sorted(project.pk for project in view)),
            asked.start,
            asked.end,
            environments(query, self.organization),
        )
        if asked.order == RELEASE_DATE:
            page = _by_release_date(asked, where, query, view)
        else:
            page = _by_number(asked, where, query)
        return self.paged(page, _body(asked, where, page.rows, query))


Group = tuple[Key, str | None]
"""A combination of the other groups, and a status where they are groups."""


def _by_number(asked: SessionQuery, where: Window, query: QueryDict) -> Page[tuple[Group, SessionTotals]]:
    """The groups that have data, in the order of a field."""
    totals = {sums.by: sums.totals for sums in _sums(asked, where)}
    if not asked.dimensions:
        totals = totals or {(): NOTHING}
    groups = [((key, status), found) for key, found in totals.items() for status in _statuses(asked)]
    groups.sort(key=lambda group: _place(asked, group))
    start, size = _page(asked, query)
    return by_offset(groups[start : start + size + 1], start, size)


def _place(asked: SessionQuery, group: tuple[Group, SessionTotals]) -> tuple[bool, float, list[str]]:
    """Where a group stands: what has no number comes last, ties in the order of their names."""
    (key, status), totals = group
    number = value_of(asked.order, totals, _meant(asked, status))
    place = 0.0 if number is None else float(number)
    names = [str(part) for part in key] + [str(STATUSES.index(status)) if status else ""]
    return (number is None, -place if asked.descending else place, names)


def _by_release_date(
    asked: SessionQuery, where: Window, query: QueryDict, view: Sequence[Project]
) -> Page[tuple[Group, SessionTotals]]:
    """The groups of the newest (or oldest) releases, also of those without data."""
    start, size = _page(asked, query)
    if start:
        raise RuleBroken("Passing an offset value greater than 0 when sorting by release.timestamp is not permitted")
    if size > MAX_PER_PAGE and query.get("per_page"):
        raise RuleBroken("This limit is too high for queries sorted by release.timestamp: at most 100 groups")
    size = min(size, MAX_PER_PAGE)
    dated = _dated_releases(asked, where)
    only = sorted({version for version, _ in dated})
    totals: dict[Key, SessionTotals] = {sums.by: sums.totals for sums in _sums(asked, where, only)} if only else {}
    place = asked.dimensions.index("release")
    by_version: dict[str, list[Key]] = defaultdict(list)
    for key in totals:
        by_version[key[place]].append(key)
    groups: list[tuple[Group, SessionTotals]] = []
    told: set[Key] = set()
    for version, project in dated:
        plain = tuple({"release": version, "project": project, "environment": ""}[name] for name in asked.dimensions)
        if "project" in asked.dimensions:
            mine = asked.dimensions.index("project")
            keys = [key for key in by_version[version] if key[mine] == project] or [plain]
        else:
            keys = by_version[version] or [plain]
        for key in keys:
            if key not in told:
                told.add(key)
                groups += [((key, status), totals.get(key, NOTHING)) for status in _statuses(asked)]
    return replace(by_offset(groups[:size], 0, size), has_next=False)


def _dated_releases(asked: SessionQuery, where: Window) -> list[tuple[str, int]]:
    """Versions with their projects by their dates, a hundred of them, as far as the filters leave them."""
    rows = ReleaseProject.objects.filter(project__in=where.projects)
    if where.environments:
        seen = ReleaseProjectEnvironment.objects.filter(
            project__in=where.projects, environment__name__in=where.environments
        )
        rows = rows.filter(release__in=seen.values("release_id"))
    date = Coalesce("release__date_released", "release__date_added")
    ordered = rows.annotate(date=date).order_by("-date" if asked.descending else "date", "release__version", "project")
    passes = [_matcher(one) for one in asked.filters if one.dimension in ("release", "project")]
    found: list[tuple[str, int]] = []
    for version, project in ordered.values_list("release__version", "project_id").iterator():
        if all(check(version, project) for check in passes):
            found.append((version, project))
        if len(found) == MAX_PER_PAGE:
            break
    return found


def _matcher(one: SessionFilter) -> Callable[[str, int], bool]:
    """A filter of the event store, asked of a release's row."""
    patterns = [compile_stars(text) for text in one.like]

    def passes(version: str, project: int) -> bool:
        text = str(project) if one.dimension == "project" else version
        return (text in one.values or any(pattern.fullmatch(text) for pattern in patterns)) != one.negated

    return passes


def _body(
    asked: SessionQuery, where: Window, groups: Sequence[tuple[Group, SessionTotals]], query: QueryDict
) -> Sessions:
    series = _series(asked, where, [group for group, _ in groups]) if query.get("includeSeries") != "0" else None
    told: list[SessionGroup] = []
    for (key, status), totals in groups:
        meant = _meant(asked, status)
        by = dict(zip(asked.dimensions, key, strict=True)) | ({"session.status": status} if status else {})
        one = SessionGroup(by={name: by[name] for name in asked.by})
        if query.get("includeTotals") != "0":
            one["totals"] = {field: value_of(field, totals, meant) for field in asked.fields}
        if series is not None:
            buckets = series[key]
            one["series"] = {
                field: [value_of(field, buckets.get(place, NOTHING), meant) for place in range(len(asked.intervals))]
                for field in asked.fields
            }
        told.append(one)
    return Sessions(
        start=as_z(asked.start),
        end=as_z(asked.end),
        query=asked.text,
        intervals=[as_z(from_unix(start)) for start in asked.intervals],
        groups=told,
    )


def _series(asked: SessionQuery, where: Window, groups: Sequence[Group]) -> dict[Key, dict[int, SessionTotals]]:
    releases = None
    if "release" in asked.dimensions:
        place = asked.dimensions.index("release")
        releases = sorted({key[place] for key, _ in groups})
    found: dict[Key, dict[int, SessionTotals]] = defaultdict(dict)
    for sums in _sums(asked, where, releases, asked.interval) if groups else ():
        found[sums.by][sums.bucket] = sums.totals
    return found


def _sums(
    asked: SessionQuery, where: Window, releases: Sequence[str] | None = None, interval: int = 0
) -> list[SessionSums]:
    needed = {*asked.fields, asked.order}
    found = queries.session_sums(
        event_store(),
        where,
        asked.dimensions,
        interval_seconds=interval,
        filters=asked.filters,
        releases=releases,
        users=any("user" in field or "anr" in field for field in needed),
        durations=not needed.isdisjoint(DURATIONS),
    )
    if len(found) == MAX_ROWS:
        raise RuleBroken("The query has too many groups. Ask for fewer releases, or for a smaller date range.")
    return found


def _page(asked: SessionQuery, query: QueryDict) -> tuple[int, int]:
    """The first group, and how many of them."""
    most = MAX_CELLS // (len(asked.intervals) + 1)
    text = query.get("per_page")
    size = as_id(text) if text else most
    if not size:
        raise RuleBroken("Invalid per_page parameter.")
    cursor = cursor_of(query)
    return max(cursor.offset, 0) if cursor else 0, min(size, most)


def _statuses(asked: SessionQuery) -> tuple[str | None, ...]:
    """The statuses that are groups; where they are none, that is one group of all."""
    if not asked.by_status:
        return (None,)
    return tuple(status for status in STATUSES if asked.statuses is None or status in asked.statuses)


def _meant(asked: SessionQuery, status: str | None) -> frozenset[str] | None:
    """Which sessions a group's numbers are of; None is all."""
    return frozenset({status}) if status else asked.statuses


def value_of(field: str, totals: SessionTotals, statuses: frozenset[str] | None = None) -> Number:
    """One number of `totals`, of sessions in these statuses only where they are given."""
    if field == "sum(session)":
        by_status = sessions_by_status(totals)
        return totals.sessions if statuses is None else sum(by_status[status] for status in statuses)
    if field == "count_unique(user)":
        users = users_by_status(totals)
        return totals.users if statuses is None else sum(users[status] for status in statuses)
    if field in RATES:
        return RATES[field](totals)
    return _milliseconds(field, totals) if statuses is None or "healthy" in statuses else None


def _milliseconds(field: str, totals: SessionTotals) -> float | None:
    """A duration: those that are known are of sessions that ended well, and therefore healthy."""
    if not totals.duration_quantiles:
        return None
    seconds = {
        "avg(session.duration)": totals.duration_average,
        "max(session.duration)": totals.duration_longest,
        **dict(zip(DURATIONS, totals.duration_quantiles, strict=False)),
    }[field]
    return None if seconds is None else seconds * 1000
