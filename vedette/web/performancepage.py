"""What the performance pages show: the transactions of an organization with their numbers, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.http import QueryDict

from vedette.core import clock
from vedette.events import queries
from vedette.events.client import EventStore, StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.filters import TagFilter
from vedette.events.performance import SpanGroup, TransactionStats, TransactionSummary
from vedette.events.queries import TransactionFilter
from vedette.events.queries.transactions import ORDERS, Order
from vedette.events.rows import Window
from vedette.issues.models import Group
from vedette.issues.stream import CLOCK_SKEW
from vedette.projects.models import Project
from vedette.web.charts import Chart, bucket_label, columns
from vedette.web.filters import RANGES
from vedette.web.streampage import IssueWords, spans, words_of
from vedette.web.text import duration, percent, plural, rate
from vedette.web.vitals import Vital, order_of, read_vital
from vedette.web.waterfall import kind_of

ROWS_PER_PAGE = 50
EXAMPLES = 10
RELATED_ISSUES = 8
CHART_WIDTH, CHART_HEIGHT = 320, 48
DEFAULT_RANGE, DEFAULT_SORT = "24h", "-total"
_LONGEST_NAME = 1000


@dataclass(frozen=True, slots=True)
class PerformanceFilters:
    """What the address asks for: names as in the API, `sort` with a minus for descending."""

    project: str
    environment: str
    release: str
    text: str
    period: str
    sort: str

    @property
    def length(self) -> timedelta:
        """How far back to look."""
        return RANGES[self.period]

    @property
    def order(self) -> Order:
        """The column to sort by."""
        return next(order for order in ORDERS if order == self.sort.removeprefix("-"))

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the range is asked for."""
        return bool(self.project or self.environment or self.release or self.text)


def read_performance_filters(params: QueryDict) -> PerformanceFilters:
    """The filters in an address. What makes no sense there falls back to the usual."""
    period, sort = params.get("statsPeriod", ""), params.get("sort", "")
    return PerformanceFilters(
        project=params.get("project", ""),
        environment=params.get("environment", "")[:_LONGEST_NAME],
        release=params.get("release", "")[:_LONGEST_NAME].strip(),
        text=" ".join(params.get("query", "")[:_LONGEST_NAME].split()),
        period=period if period in RANGES else DEFAULT_RANGE,
        sort=sort if sort.removeprefix("-") in ORDERS else DEFAULT_SORT,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a transaction with its numbers, and how often it ran in a minute."""

    stats: TransactionStats
    project: Project
    per_minute: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The list. `totals` are those of all transactions that match; `is_away` says that the event store is."""

    lines: tuple[Line, ...] = ()
    totals: TransactionStats | None = None
    per_minute: str = ""
    charts: tuple[tuple[str, str, Chart], ...] = ()
    has_next: bool = False
    is_away: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the time that a kind of span takes by itself."""

    op: str
    kind: str
    own_ms: float
    whole_ms: float
    count: int
    p95: float

    @property
    def part(self) -> float:
        """Of the time of all kinds."""
        return self.own_ms / self.whole_ms if self.whole_ms else 0.0


@dataclass(frozen=True, slots=True)
class Related:
    """An issue of errors in these transactions."""

    group: Group
    words: IssueWords
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One transaction. `stats` is None when it did not run in the range, or `is_away`."""

    stats: TransactionStats | None = None
    per_minute: str = ""
    charts: tuple[tuple[str, str, Chart], ...] = ()
    histogram: Chart | None = None
    histogram_ends: tuple[float, float] = (0.0, 0.0)
    shares: tuple[Share, ...] = ()
    groups: tuple[tuple[SpanGroup, str], ...] = ()
    vitals: tuple[Vital, ...] = ()
    slowest: tuple[TransactionSummary, ...] = ()
    failed: tuple[TransactionSummary, ...] = ()
    issues: tuple[Related, ...] = ()
    is_away: bool = False


def load_overview(filters: PerformanceFilters, projects: Sequence[Project], number: int) -> Overview:
    """Page `number` of the transactions of these projects."""
    if not projects:
        return Overview()
    window = _window(filters, projects)
    where = TransactionFilter(contains=filters.text, release=filters.release)
    store = event_store()
    try:
        totals = queries.transaction_totals(store, window, where)
        found = queries.transaction_stats(
            store,
            window,
            where,
            by=filters.order,
            ascending=not filters.sort.startswith("-"),
            limit=ROWS_PER_PAGE + 1,
            offset=(number - 1) * ROWS_PER_PAGE,
        )
        charts = _charts(store, window, filters, where) if totals else ()
    except StoreUnavailable:
        return Overview(is_away=True)
    known = {project.pk: project for project in projects}
    return Overview(
        lines=tuple(Line(one, known[one.project_id], _per_minute(one.count, filters)) for one in found[:ROWS_PER_PAGE]),
        totals=totals,
        per_minute=_per_minute(totals.count if totals else 0, filters),
        charts=charts,
        has_next=len(found) > ROWS_PER_PAGE,
    )


def load_summary(filters: PerformanceFilters, project: Project, name: str, op: str) -> Summary:
    """Everything about the transactions of this name in this project."""
    window = _window(filters, [project])
    where = TransactionFilter(name=name, op=op, release=filters.release)
    store = event_store()
    try:
        stats = queries.transaction_totals(store, window, where)
        if stats is None:
            return Summary()
        buckets = queries.latency_histogram(store, window, where)
        groups = queries.span_groups(store, window, name, release=filters.release)
        measured = queries.measurements(store, window, where)
        return Summary(
            stats=stats,
            per_minute=_per_minute(stats.count, filters),
            charts=_charts(store, window, filters, where),
            histogram=columns(
                [
                    (
                        f"{duration(one.start_ms)} to {duration(one.end_ms)}: {plural(one.count, 'transaction')}",
                        one.count,
                    )
                    for one in buckets
                ],
                f"How many took how long, from {duration(buckets[0].start_ms)} to {duration(buckets[-1].end_ms)}",
                width=CHART_WIDTH,
                height=CHART_HEIGHT,
            ),
            histogram_ends=(buckets[0].start_ms, buckets[-1].end_ms),
            shares=_shares(store, window, name, filters.release),
            groups=tuple((group, kind_of(group.op)) for group in groups),
            vitals=tuple(read_vital(one.name, one.p75) for one in sorted(measured, key=lambda one: order_of(one.name))),
            slowest=tuple(queries.list_transactions(store, window, where, slowest=True, limit=EXAMPLES)),
            failed=tuple(queries.list_transactions(store, window, where, failed=True, limit=EXAMPLES)),
            issues=_issues(store, window, name),
        )
    except StoreUnavailable:
        return Summary(is_away=True)


def _window(filters: PerformanceFilters, projects: Sequence[Project]) -> Window:
    """Whole buckets, so that the first bar of a chart is no smaller than it should be."""
    now, bucket = clock.now(), spans(filters.length)
    start = int((now - filters.length).timestamp()) // bucket * bucket + bucket
    where = (filters.environment,) if filters.environment else ()
    return Window(tuple(project.pk for project in projects), clock.from_unix(start), now + CLOCK_SKEW, where)


def _per_minute(count: int, filters: PerformanceFilters) -> str:
    return rate(count / (filters.length.total_seconds() / 60))


def _charts(
    store: EventStore, window: Window, filters: PerformanceFilters, where: TransactionFilter
) -> tuple[tuple[str, str, Chart], ...]:
    """(title, highest value, chart) for how many, how slow and how often failed."""
    interval = spans(filters.length)
    buckets = queries.transaction_series(store, window, interval, where)
    labels = [bucket_label(start, interval) for start in queries.bucket_starts(window, interval)]
    rates = [one.failed / one.count if one.count else 0.0 for one in buckets]
    unit = "day" if interval >= 86_400 else "hour"
    most, slowest, worst = (
        max((one.count for one in buckets), default=0),
        max((one.p95 for one in buckets), default=0.0),
        max(rates, default=0.0),
    )
    size = {"width": CHART_WIDTH, "height": CHART_HEIGHT}
    return (
        (
            "Throughput",
            f"at most {most:,} per {unit}",
            columns(
                [
                    (f"{label}: {plural(one.count, 'transaction')}", one.count)
                    for label, one in zip(labels, buckets, strict=True)
                ],
                f"Transactions per {unit}, at most {most:,}",
                **size,
            ),
        ),
        (
            "p95 duration",
            f"at most {duration(slowest)}",
            columns(
                [
                    (f"{label}: p95 {duration(one.p95)}, p50 {duration(one.p50)}", one.p95)
                    for label, one in zip(labels, buckets, strict=True)
                ],
                f"95th percentile of the duration per {unit}, at most {duration(slowest)}",
                **size,
            ),
        ),
        (
            "Failure rate",
            f"at most {percent(worst)}",
            columns(
                [
                    (f"{label}: {percent(part)}, {one.failed:,} of {one.count:,}", part)
                    for label, one, part in zip(labels, buckets, rates, strict=True)
                ],
                f"Failure rate per {unit}, at most {percent(worst)}",
                full=max(worst, 0.05),  # a rate of nearly nothing is no mountain
                **size,
            ),
        ),
    )


def _shares(store: EventStore, window: Window, name: str, release: str) -> tuple[Share, ...]:
    found = queries.spans_by_op(store, window, name, release=release)
    whole = sum(one.exclusive_ms for one in found)
    return tuple(
        Share(one.op, kind_of(one.op) if one.op else "code", one.exclusive_ms, whole, one.count, one.p95)
        for one in found
    )


def _issues(store: EventStore, window: Window, name: str) -> tuple[Related, ...]:
    tags = [TagFilter("transaction", "=", (name,))]
    ranked = queries.rank_issues(store, window, "count", tags=tags, limit=RELATED_ISSUES)
    groups = Group.objects.filter(project_id__in=window.projects).select_related("project")
    known = groups.in_bulk([one.group_id for one in ranked])
    return tuple(
        Related(known[one.group_id], words_of(known[one.group_id]), one.score)
        for one in ranked
        if one.group_id in known
    )
