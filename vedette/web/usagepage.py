"""What was sent and what became of it: the counts of outcomes as the stats page shows them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.http import QueryDict

from vedette.core import clock
from vedette.digest.models import OutcomeCount
from vedette.orgs.models import Organization
from vedette.projects.models import Project
from vedette.web.filters import RANGES
from vedette.web.stacks import Stacks, stack
from vedette.wire.outcomes import Category, Outcome
from vedette.wire.quotas import ERRORS
from vedette.wire.reasons import Meaning, meaning

HOUR, DAY = 3600, 86_400
MOST_REASONS = 40
DEFAULT_PERIOD = "7d"
_HOURLY = ("24h", "7d")

# What the page calls the kinds of data, and which categories they are. Bytes are counted for files.
KINDS: dict[str, tuple[str, tuple[Category, ...]]] = {
    "error": ("Errors", ERRORS),
    "transaction": ("Transactions", (Category.TRANSACTION,)),
    "session": ("Sessions", (Category.SESSION,)),
    "attachment": ("Attachments", (Category.ATTACHMENT_ITEM,)),
    "attachment_bytes": ("Attachment bytes", (Category.ATTACHMENT,)),
    "feedback": ("User feedback", (Category.FEEDBACK,)),
    "span": ("Spans", (Category.SPAN,)),
    "monitor": ("Check-ins", (Category.MONITOR,)),
    "replay": ("Replays", (Category.REPLAY,)),
    "profile": ("Profiles", (Category.PROFILE, Category.PROFILE_CHUNK)),
    "log": ("Logs", (Category.LOG_ITEM,)),
    "metric": ("Metrics", (Category.METRIC_BUCKET, Category.TRACE_METRIC)),
    "unknown": ("Unreadable", (Category.UNKNOWN,)),
}
_KIND_OF = {category: kind for kind, (_, categories) in KINDS.items() for category in categories}
# What the page calls outcomes; those that it does not tell apart have one word.
FATES = {
    "accepted": "accepted",
    "filtered": "filtered",
    "limited": "rate limited",
    "invalid": "invalid",
    "discarded": "discarded by the client",
}
_FATE_OF = {
    Outcome.ACCEPTED: "accepted",
    Outcome.FILTERED: "filtered",
    Outcome.RATE_LIMITED: "limited",
    Outcome.ABUSE: "limited",
    Outcome.CARDINALITY_LIMITED: "limited",
    Outcome.INVALID: "invalid",
    Outcome.CLIENT_DISCARD: "discarded",
}


@dataclass(frozen=True, slots=True)
class UsageFilters:
    """What the address asks for."""

    period: str
    kind: str
    project: str

    def start(self, now: datetime) -> datetime:
        """Where the first bucket begins: whole hours or days, the present one is the last."""
        seconds = self.seconds
        last = int(now.timestamp()) // seconds * seconds
        return clock.from_unix(last - (int(RANGES[self.period].total_seconds()) // seconds - 1) * seconds)

    @property
    def seconds(self) -> int:
        """How long a bucket is."""
        return HOUR if self.period in _HOURLY else DAY


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of so many."""

    id: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One reason why something was not kept."""

    fate: str
    reason: str
    meaning: Meaning
    count: int


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project's counts, in the order of `FATES`."""

    project: Project
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything on the page but its filters. `kinds` are those that anything was sent of: (id, name, total)."""

    fates: tuple[Fate, ...]
    total: int
    chart: Stacks
    reasons: tuple[ReasonLine, ...]
    projects: tuple[ProjectLine, ...]
    kinds: tuple[tuple[str, str, int], ...]
    is_bytes: bool


def read_usage_filters(params: QueryDict) -> UsageFilters:
    """The filters of an address; what makes no sense there falls back to the usual."""
    period, kind = params.get("statsPeriod", ""), params.get("category", "")
    return UsageFilters(
        period=period if period in RANGES else DEFAULT_PERIOD,
        kind=kind if kind in KINDS else "error",
        project=params.get("project", ""),
    )


def load_usage(organization: Organization, filters: UsageFilters, projects: Sequence[Project]) -> Usage:
    """The counts of these projects, which the visitor reaches. Four queries, however many they are."""
    start = filters.start(clock.now())
    everything = OutcomeCount.objects.filter(
        organization_id=organization.pk, project_id__in=[project.pk for project in projects], hour__gte=start
    ).order_by()
    rows = everything.filter(category__in=KINDS[filters.kind][1])
    chart, totals = _over_time(rows, start, filters)
    return Usage(
        fates=tuple(Fate(fate, name, totals[fate]) for fate, name in FATES.items()),
        total=sum(totals.values()),
        chart=chart,
        reasons=_reasons(rows),
        projects=_by_project(rows, projects),
        kinds=_kinds(everything),
        is_bytes=filters.kind == "attachment_bytes",
    )


def _over_time(rows: QuerySet[OutcomeCount], start: datetime, filters: UsageFilters) -> tuple[Stacks, dict[str, int]]:
    seconds, first = filters.seconds, int(start.timestamp())
    length = int(RANGES[filters.period].total_seconds()) // seconds
    series: dict[str, list[int]] = {fate: [0] * length for fate in FATES}
    for hour, outcome, total in rows.values_list("hour", "outcome").annotate(total=Sum("quantity")):
        place = (int(hour.timestamp()) - first) // seconds
        series[_FATE_OF[Outcome(outcome)]][min(place, length - 1)] += total
    starts = [first + place * seconds for place in range(length)]
    return stack(starts, series, FATES, seconds=seconds), {fate: sum(values) for fate, values in series.items()}


def _reasons(rows: QuerySet[OutcomeCount]) -> tuple[ReasonLine, ...]:
    refused = rows.exclude(outcome=Outcome.ACCEPTED).values_list("outcome", "reason").annotate(total=Sum("quantity"))
    return tuple(
        ReasonLine(FATES[_FATE_OF[Outcome(outcome)]], reason, meaning(Outcome(outcome), reason), total)
        for outcome, reason, total in refused.order_by("-total", "outcome", "reason")[:MOST_REASONS]
    )


def _by_project(rows: QuerySet[OutcomeCount], projects: Sequence[Project]) -> tuple[ProjectLine, ...]:
    counts: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(FATES, 0))
    for project_id, outcome, total in rows.values_list("project_id", "outcome").annotate(total=Sum("quantity")):
        counts[project_id][_FATE_OF[Outcome(outcome)]] += total
    lines = [
        ProjectLine(project, tuple(counts[project.pk].values()), sum(counts[project.pk].values()))
        for project in projects
        if project.pk in counts
    ]
    return tuple(sorted(lines, key=lambda line: (-line.total, line.project.slug)))


def _kinds(rows: QuerySet[OutcomeCount]) -> tuple[tuple[str, str, int], ...]:
    totals = dict.fromkeys(KINDS, 0)
    for category, total in rows.values_list("category").annotate(total=Sum("quantity")):
        kind = _KIND_OF.get(Category(category))
        if kind:
            totals[kind] += total
    return tuple((kind, name, totals[kind]) for kind, (name, _) in KINDS.items() if totals[kind] or kind == "error")
