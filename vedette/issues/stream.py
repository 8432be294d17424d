"""The stream: which issues a search shows, in which order, with which numbers.

A search splits into a relational half (status, assignment, project …) and an event half (tags, text, time, numbers),
joined by the issue's id. With no event half the relational database answers alone. Otherwise up to `CANDIDATES`
issues of the relational half go to the event store, which ranks them; beyond that the event store ranks first and its
chunks are filtered. Source: the search specification, sections 10 to 13.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.paging import Cursor
from vedette.events import queries
from vedette.events.client import EventStore, StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import IssueNumbers, Window
from vedette.issues import search
from vedette.issues.assignees import Assignee, assignees_of
from vedette.issues.conditions import Conditions, split
from vedette.issues.models import VISIBLE_STATUSES, Group, GroupEnvironment
from vedette.orgs.models import Organization
from vedette.orgs.options import LONGEST_RETENTION
from vedette.projects.models import Environment, Project
from vedette.releases.conditions import Scope

CANDIDATES = 5000
MAX_HITS = 1000
MAX_CHUNK = 2000
CHUNK_GROWTH = 1.5
SEARCH_SECONDS = 30.0
CLOCK_SKEW = timedelta(minutes=1)
ORDERS = {"date": "last_seen", "new": "first_seen", "freq": "count", "user": "users"}
SERIES = ("", "24h", "14d", "auto")
AUTO_HOURS = (1, 2, 3, 6, 12, 24)


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What somebody asks of the stream. `projects` are reachable ones; the caller has checked. `end` may lie a little
    ahead of now, for senders whose clocks are. `ever` asks for the users of all time too."""

    organization: Organization
    projects: tuple[Project, ...]
    start: datetime
    end: datetime
    environments: tuple[str, ...] = ()
    query: str = "is:unresolved"
    sort: str = "date"
    limit: int = 25
    cursor: Cursor | None = None
    series: str = "24h"
    ever: bool = False
    viewer: User | None = None
    viewer_teams: frozenset[int] = frozenset()

    @property
    def window(self) -> Window:
        """The events that it is about."""
        return Window(tuple(project.pk for project in self.projects), self.start, self.end, self.environments)

    @property
    def scope(self) -> Scope:
        """The releases that it knows."""
        return Scope(self.organization.pk, tuple(project.pk for project in self.projects), self.environments)


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One issue with its numbers in the request's window. `series` holds (Unix seconds, events).

    `users_ever` is known when it was asked for, `unhandled` says that an error of the window was not handled.
    """

    group: Group
    count: int
    users: int
    first_seen: datetime
    last_seen: datetime
    series: tuple[tuple[int, int], ...] = ()
    assignee: Assignee | None = None
    users_ever: int = 0
    unhandled: bool = False


@dataclass(frozen=True, slots=True)
class StreamPage:
    """A page, and the cursors around it. `hits` is how many issues match, at most `MAX_HITS`, None when unknown.

    `degraded` says that the event store is away: the numbers are those of all time, and no series are there.
    """

    rows: tuple[StreamRow, ...]
    previous: Cursor
    next: Cursor
    has_previous: bool = False
    has_next: bool = False
    hits: int | None = None
    degraded: bool = False


def read_stream(request: StreamRequest, store: EventStore | None = None) -> StreamPage:
    """The page that `request` asks for, from this process's event store or another.

    Raises `RuleBroken` for a query or sort that makes no sense, and `StoreUnavailable` when the search needs the event
    store and it is away.
    """
    if request.sort not in ORDERS:
        raise RuleBroken(f"Sort key '{request.sort}' not supported.")
    if request.series not in SERIES:
        raise RuleBroken("Invalid stats_period. Valid choices are '', '24h', '14d' and 'auto'")
    conditions = conditions_of(request)
    if not request.projects or conditions.nothing or request.start >= request.end:
        return StreamPage((), Cursor(), Cursor(), hits=0)
    groups = _relational_half(request, conditions)
    return _Reader(request, conditions, groups, store or event_store()).page()


def conditions_of(request: StreamRequest) -> Conditions:
    """What the request's query means. Raises `RuleBroken`."""
    terms = search.parse(request.query)
    return split(terms, request.organization, request.viewer, request.viewer_teams, scope=request.scope)


def _relational_half(request: StreamRequest, conditions: Conditions) -> QuerySet[Group]:
    groups = Group.objects.filter(
        conditions.relational,
        project__in=[project.pk for project in request.projects],
        status__in=VISIBLE_STATUSES,
        last_seen__gte=request.start,
    )
    if request.environments:
        environments = Environment.objects.filter(
            organization_id=request.organization.pk, name__in=request.environments
        )
        groups = groups.filter(pk__in=GroupEnvironment.objects.filter(environment__in=environments).values("group_id"))
    return groups


Scored = tuple[int, int]  # group id, score


@dataclass(slots=True)
class _Reader:
    """One reading of the stream."""

    request: StreamRequest
    conditions: Conditions
    groups: QuerySet[Group]
    store: EventStore

    @property
    def window(self) -> Window:
        return self.request.window

    def page(self) -> StreamPage:
        if self._relational_is_enough():
            ranked = paginate(self._fetch_relational, self.request.cursor, self.request.limit)
            hits: int | None = self.groups.filter(self._in_range())[: MAX_HITS + 1].count()
        else:
            ids = list(self.groups.values_list("pk", flat=True)[: CANDIDATES + 1])
            if not ids:
                return StreamPage((), Cursor(), Cursor(), hits=0)
            candidates = ids if len(ids) <= CANDIDATES else None
            ranked = paginate(
                lambda bound, backwards, skip, limit: self._fetch_events(candidates, bound, backwards, skip, limit),
                self.request.cursor,
                self.request.limit,
            )
            hits = self._count(candidates)
        return self._filled(ranked, min(hits, MAX_HITS) if hits is not None else None)

    def _relational_is_enough(self) -> bool:
        return not (self.conditions.event_half or self.request.environments) and self.request.sort in ("date", "new")

    def _in_range(self) -> Q:
        return Q(last_seen__gte=self.request.start, first_seen__lt=self.request.end)

    def _fetch_relational(self, bound: int | None, backwards: bool, skip: int, limit: int) -> list[Scored]:
        column = "last_seen" if self.request.sort == "date" else "first_seen"
        rows = self.groups.filter(self._in_range())
        if bound is not None:
            at = clock.from_unix(bound / 1000)
            rows = rows.filter(
                **({f"{column}__gte": at} if backwards else {f"{column}__lt": at + timedelta(milliseconds=1)})
            )
        order = (column, "pk") if backwards else (f"-{column}", "-pk")
        found = rows.order_by(*order).values_list("pk", column)[skip : skip + limit]
        return [(pk, milliseconds(moment)) for pk, moment in found]

    def _fetch_events(
        self, candidates: list[int] | None, bound: int | None, backwards: bool, skip: int, limit: int
    ) -> list[Scored]:
        if candidates is not None:
            return self._rank(candidates, bound, backwards, skip, limit)
        return self._filter_chunks(bound, backwards, skip, limit)

    def _rank(
        self, candidates: list[int] | None, bound: int | None, backwards: bool, skip: int, limit: int
    ) -> list[Scored]:
        cursor = None if bound is None else (bound, skip)
        ranked = queries.rank_issues(
            self.store,
            self.window,
            by=ORDERS[self.request.sort],  # type: ignore[arg-type]  # the values are its literals
            candidates=candidates,
            tags=self.conditions.tags,
            text=self.conditions.text,
            before=None if backwards else cursor,
            after=cursor if backwards else None,
            limit=limit,
        )
        if backwards:
            ranked = ranked[::-1]
        return [(row.group_id, row.score) for row in ranked]

    def _filter_chunks(self, bound: int | None, backwards: bool, skip: int, limit: int) -> list[Scored]:
        """Too many candidates to send: let the events rank, in growing chunks, and keep what the other half allows."""
        deadline = time.monotonic() + SEARCH_SECONDS
        edge = bound if bound is not None else (0 if backwards else 2**62)
        kept: list[Scored] = []
        size = int(limit * CHUNK_GROWTH)
        taken = skip
        while time.monotonic() < deadline:
            chunk = self._rank(None, edge, backwards, taken, size)
            allowed = set(self.groups.filter(pk__in=[pk for pk, _ in chunk]).values_list("pk", flat=True))
            kept += [row for row in chunk if row[0] in allowed]
            if len(kept) >= limit or len(chunk) < size:
                break
            taken += len(chunk)
            size = min(int(size * CHUNK_GROWTH), MAX_CHUNK)
        return kept[:limit]

    def _count(self, candidates: list[int] | None) -> int | None:
        """How many match; with too many candidates for an exact number, nobody claims one."""
        if candidates is None:
            return None
        return queries.count_issues(
            self.store,
            self.window,
            candidates=candidates,
            tags=self.conditions.tags,
            text=self.conditions.text,
        )

    def _filled(self, ranked: "Ranked", hits: int | None) -> StreamPage:
        ids = [pk for pk, _ in ranked.rows]
        found = Group.objects.select_related("project", "first_release").in_bulk(ids)
        groups = [found[pk] for pk in ids if pk in found]
        rows, degraded = fill(groups, self.request, self.store)
        return StreamPage(rows, ranked.previous, ranked.next, ranked.has_previous, ranked.has_next, hits, degraded)


def fill(
    groups: Sequence[Group], request: StreamRequest, store: EventStore | None = None
) -> tuple[tuple[StreamRow, ...], bool]:
    """These issues as rows, and whether the event store was away: then their counts are those of all time."""
    now = clock.now()
    window = request.window
    series = series_window(request.series, window, now) if request.series else None
    ever = replace(window, start=now - timedelta(days=LONGEST_RETENTION), end=now + CLOCK_SKEW)
    try:
        numbers = queries.issue_numbers(
            store or event_store(),
            window,
            [group.pk for group in groups],
            ever=ever if request.ever else None,
            series=series,
        )
        starts = queries.bucket_starts(*series) if series else []
        degraded = False
    except StoreUnavailable:
        numbers, starts, degraded = {}, [], True
    assignees = assignees_of(groups)
    rows = []
    for group in groups:
        known = numbers.get(group.pk, IssueNumbers())
        rows.append(
            StreamRow(
                group=group,
                count=known.stats.count if known.stats else (group.times_seen if degraded else 0),
                users=known.stats.users if known.stats else 0,
                first_seen=group.first_seen,
                last_seen=group.last_seen,
                series=tuple(zip(starts, known.series, strict=True)) if known.series else (),
                assignee=assignees.get(group.pk),
                users_ever=known.ever.users if known.ever else 0,
                unhandled=known.unhandled,
            )
        )
    return tuple(rows), degraded


def series_window(period: str, window: Window, now: datetime) -> tuple[Window, int]:
    """The window and the bucket (seconds) of a series: 24 hours, 14 days, or what suits the request's own window."""
    if period == "auto":
        return window, _auto_interval(window.end - window.start)
    interval, count = (3600, 24) if period == "24h" else (86_400, 14)
    last = int(now.timestamp()) // interval * interval
    start = clock.from_unix(last - (count - 1) * interval)
    return Window(window.projects, start, start + timedelta(seconds=interval * count), window.environments), interval


def _auto_interval(span: timedelta) -> int:
    """Search specification, 13: about 29 buckets, in whole hours where the window is a day or more."""
    seconds = span.total_seconds()
    if seconds < 86_400:
        return max(int(seconds / 29), 1)
    for hours in AUTO_HOURS:
        if seconds < hours * 3600 * (35 if hours == 12 else 29):
            return hours * 3600
    return max(int(seconds / 29 // 86_400), 1) * 86_400


def milliseconds(moment: datetime) -> int:
    """`moment` as whole Unix milliseconds, rounded down."""
    return (moment - clock.EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A page of (id, score), best score first, with the cursors around it."""

    rows: tuple[Scored, ...]
    previous: Cursor
    next: Cursor
    has_previous: bool
    has_next: bool


Fetch = Callable[[int | None, bool, int, int], list[Scored]]


def paginate(fetch: Fetch, cursor: Cursor | None, limit: int) -> Ranked:
    """A keyset page: `fetch(bound, backwards, skip, limit)` gives rows from `bound` on, nearest first.

    A cursor names the score of a page's edge and how many rows with just that score lie on this side of it, so that
    rows which arrive meanwhile are neither repeated nor skipped.
    """
    if cursor is None:
        found = fetch(None, False, 0, limit + 1)
    else:
        found = fetch(cursor.value, cursor.backwards, max(cursor.offset, 0), limit + 1)
    more = len(found) > limit
    rows = tuple(found[:limit])
    if cursor is not None and cursor.backwards:
        rows = rows[::-1]
        has_previous, has_next = more, True
    else:
        has_previous, has_next = cursor is not None, more
    if not rows:
        edge = cursor or Cursor()
        return Ranked((), Cursor(edge.value, edge.offset, True), Cursor(edge.value, edge.offset), has_previous, False)
    following = Cursor(rows[-1][1], _equal(reversed(rows), rows[-1][1]) + _carried(cursor, rows, False))
    before = Cursor(rows[0][1], _equal(iter(rows), rows[0][1]) + _carried(cursor, rows, True), True)
    return Ranked(rows, before, following, has_previous, has_next)


def _equal(rows: Iterator[Scored], score: int) -> int:
    count = 0
    for _, value in rows:
        if value != score:
            break
        count += 1
    return count


def _carried(cursor: Cursor | None, rows: Sequence[Scored], backwards: bool) -> int:
    """Rows before this page that share the score of its every row: the offset goes on counting them."""
    if cursor is None or cursor.backwards != backwards:
        return 0
    return cursor.offset if all(value == cursor.value for _, value in rows) else 0
