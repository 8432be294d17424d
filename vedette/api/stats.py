"""How many items were accepted, filtered, limited …, by hour.

Source: the API specification, sections 9 and 13. The counts are kept by the hour, so no bucket is smaller.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Case, F, QuerySet, Sum, Value, When
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import MAX_INTERVALS, projects, seconds_of, time_range
from vedette.api.operations import ORG_READ, PROJECT, PROJECT_READ, TIME, Operation, Parameter, operation
from vedette.api.shapes.base import Moment
from vedette.core import clock
from vedette.core.clock import as_z, from_unix
from vedette.core.errors import RuleBroken
from vedette.digest.models import OutcomeCount
from vedette.wire.outcomes import CATEGORY_OF_WORD, Category, Outcome

HOUR = 3600
FIELD = "sum(quantity)"
GROUPS = ("outcome", "category", "reason", "project")
MAX_REASONS = 200
OTHER_REASONS = "other"
MAX_CELLS = 100_000  # groups times intervals
_COLUMNS = {"project": "project_id", "reason": "told_reason"}
OUTCOME_OF_WORD = {outcome.word: outcome for outcome in Outcome}
ERRORS = (Category.DEFAULT, Category.ERROR, Category.SECURITY)


class StatsGroup(TypedDict):
    """The counts of one combination of `groupBy`."""

    by: dict[str, Any]
    totals: dict[str, int]
    series: dict[str, list[int]]


class Stats(TypedDict):
    """Counts over time; each series has one number for each of `intervals`."""

    start: Moment
    end: Moment
    intervals: list[Moment]
    groups: list[StatsGroup]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Stretches of `interval` seconds from `first` (Unix seconds, a multiple of it) on."""

    first: int
    interval: int
    count: int

    @classmethod
    def over(cls, start: datetime, end: datetime, interval: int) -> "Buckets":
        """The buckets that cover the window. Raises `RuleBroken` for too many."""
        first = int(start.timestamp()) // interval * interval
        count = max(-(-(int(end.timestamp()) - first) // interval), 1)
        if count > MAX_INTERVALS:
            raise RuleBroken("Your interval and date range would create too many results.")
        return cls(first, interval, count)

    def of(self, moment: datetime) -> int:
        """The place of the bucket that holds `moment`."""
        return (int(moment.timestamp()) - self.first) // self.interval

    @property
    def starts(self) -> list[int]:
        """When each begins, Unix seconds."""
        return [self.first + place * self.interval for place in range(self.count)]

    @property
    def end(self) -> int:
        """When the last one ends."""
        return self.first + self.count * self.interval

    def hours(self, rows: QuerySet[OutcomeCount]) -> QuerySet[OutcomeCount]:
        """The counts that lie in them."""
        return rows.filter(hour__gte=from_unix(self.first), hour__lt=from_unix(self.end))


class OrganizationStats(OrganizationEndpoint):
    """The counts of an organization."""

    tag = "Organizations"

    @operation(
        Operation(
            "getOrganizationStats",
            ORG_READ,
            query=(
                Parameter("field", f"`{FIELD}`.", choices=(FIELD,)),
                Parameter("groupBy", "How to divide the counts.", many=True, choices=GROUPS),
                Parameter("interval", "The length of a bucket, whole hours, such as `1h` or `1d`."),
                Parameter("category", "Only these kinds of items.", many=True),
                Parameter("outcome", "Only these outcomes.", many=True),
                Parameter("reason", "Only these reasons.", many=True),
                *PROJECT,
                *TIME,
            ),
            answers=Stats,
        )
    )
    def get(self, request: Request) -> Response:
        """How many items of which kind ended in which outcome, over time."""
        query = request.query_params
        fields = query.getlist("field")
        if not fields:
            raise RuleBroken('At least one "field" is required.')
        if set(fields) - {FIELD, "sum(times_seen)"}:
            raise RuleBroken(f"Invalid field: {fields[0][:50]!r}")
        by = list(dict.fromkeys(query.getlist("groupBy")))
        if not by:
            raise RuleBroken('At least one "groupBy" is required.')
        if unknown := set(by) - set(GROUPS):
            raise RuleBroken(f"Invalid groupBy: {sorted(unknown)[0][:50]!r}")
        view = projects(query, self.access)
        when = time_range(query, clock.now())
        buckets = Buckets.over(when.start, when.end, interval_of(query, when.end - when.start))
        rows = filtered(OutcomeCount.objects.filter(organization_id=self.organization.pk), query)
        rows = buckets.hours(rows).filter(project_id__in=[project.pk for project in view])
        return Response(
            Stats(
                start=as_z(from_unix(buckets.first)),
                end=as_z(from_unix(buckets.end)),
                intervals=[as_z(from_unix(start)) for start in buckets.starts],
                groups=grouped(rows, by, fields, buckets),
            )
        )


def interval_of(query: QueryDict, span: timedelta) -> int:
    """The asked length of a bucket in whole hours; by default an hour, or a day for windows beyond a week."""
    seconds = seconds_of(query.get("interval", ""))
    if not seconds:
        return HOUR if span <= timedelta(days=7) else 24 * HOUR
    return max(seconds // HOUR, 1) * HOUR


def filtered(rows: QuerySet[OutcomeCount], query: QueryDict) -> QuerySet[OutcomeCount]:
    """The counts of the categories, outcomes and reasons that are asked for. Raises `RuleBroken` for unknown words."""
    if words := query.getlist("category"):
        found = _numbers("category", words, CATEGORY_OF_WORD)
        if Category.ERROR in found:
            found |= set(ERRORS)
        rows = rows.filter(category__in=found)
    if words := query.getlist("outcome"):
        rows = rows.filter(outcome__in=_numbers("outcome", words, OUTCOME_OF_WORD))
    if reasons := query.getlist("reason"):
        rows = rows.filter(reason__in=reasons)
    return rows


def _numbers(name: str, words: Iterable[str], known: dict[str, Any]) -> set[int]:
    words = set(words)
    if unknown := words - known.keys():
        raise RuleBroken(f"Invalid {name}: {sorted(unknown)[0][:50]!r}")
    return {int(known[word]) for word in words}


def grouped(rows: QuerySet[OutcomeCount], by: list[str], fields: list[str], buckets: Buckets) -> list[StatsGroup]:
    """The counts by the columns of `by`, in a settled order. Raises `RuleBroken` for more of them than an answer holds.

    SDKs make up reasons, so only the most frequent ones stand for themselves.
    """
    columns = [_COLUMNS.get(name, name) for name in by]
    rows = rows.annotate(told_reason=_told_reason(rows) if "reason" in by else F("reason"))
    groups = rows.order_by().values_list(*columns).distinct()[: MAX_CELLS // buckets.count + 1]
    if len(groups) * buckets.count > MAX_CELLS:
        raise RuleBroken(
            f"Your query would create more than {MAX_CELLS} numbers. Use a longer interval, a shorter date range or "
            "fewer groups."
        )
    series: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * buckets.count)
    counts = rows.values_list(*columns, "hour").annotate(total=Sum("quantity"))
    for *values, hour, total in counts:
        key = tuple(_word(column, value) for column, value in zip(columns, values, strict=True))
        series[key][buckets.of(hour)] += total
    return [
        {
            "by": dict(zip(by, key, strict=True)),
            "totals": {field: sum(values) for field in fields},
            "series": dict.fromkeys(fields, values),
        }
        for key, values in sorted(series.items(), key=lambda item: [str(part) for part in item[0]])
    ]


def _told_reason(rows: QuerySet[OutcomeCount]) -> Case:
    """The reason as it is told: the rare ones are one."""
    frequent = rows.order_by().values("reason").annotate(total=Sum("quantity")).order_by("-total", "reason")
    names = list(frequent.values_list("reason", flat=True)[:MAX_REASONS])
    return Case(When(reason__in=names, then=F("reason")), default=Value(OTHER_REASONS))


def _word(column: str, value: Any) -> Any:
    if column == "outcome":
        return Outcome(value).word
    if column == "category":
        return "error" if value in ERRORS else Category(value).word
    return value


STATS = {
    "received": None,
    "generated": None,
    "rejected": (Outcome.RATE_LIMITED, Outcome.ABUSE, Outcome.CARDINALITY_LIMITED),
    "blacklisted": (Outcome.FILTERED,),
}
RESOLUTIONS = {"10s": HOUR, "1h": HOUR, "1d": 24 * HOUR}


class ProjectStats(ProjectEndpoint):
    """The counts of a project, in the older form."""

    tag = "Projects"

    @operation(
        Operation(
            "getProjectStats",
            PROJECT_READ,
            query=(
                Parameter("stat", "By default `received`.", choices=tuple(STATS)),
                Parameter("since", "Unix seconds; by default a day before `until`.", "number"),
                Parameter("until", "Unix seconds; by default now.", "number"),
                Parameter("resolution", "The length of a bucket; nothing finer than an hour.", choices=("1h", "1d")),
            ),
            answers=list[tuple[int, int]],
        )
    )
    def get(self, request: Request) -> Response:
        """How many error events a project sent, as points of Unix seconds and a count."""
        query = request.query_params
        stat = query.get("stat", "received")
        if stat not in STATS:
            raise RuleBroken(f"Invalid stat: {stat[:50]!r}")
        resolution = query.get("resolution") or "1h"
        if resolution not in RESOLUTIONS:
            raise RuleBroken("Invalid resolution")
        until = _unix(query, "until", clock.now().timestamp())
        since = _unix(query, "since", until - 24 * HOUR)
        if since > until:
            raise RuleBroken("start must be before end")
        buckets = Buckets.over(from_unix(since), from_unix(until), RESOLUTIONS[resolution])
        rows = OutcomeCount.objects.filter(
            organization_id=self.organization.pk, project_id=self.project.pk, category__in=ERRORS
        ).exclude(outcome=Outcome.CLIENT_DISCARD)
        if outcomes := STATS[stat]:
            rows = rows.filter(outcome__in=outcomes)
        points = dict.fromkeys(buckets.starts, 0)
        for hour, total in buckets.hours(rows).values_list("hour").annotate(total=Sum("quantity")):
            points[buckets.first + buckets.of(hour) * buckets.interval] += total
        return Response(list(points.items()))


def _unix(query: QueryDict, name: str, default: float) -> float:
    text = query.get(name)
    if not text:
        return default
    try:
        from_unix(float(text))
        return float(text)
    except (ValueError, OverflowError):
        raise RuleBroken(f"{name} must be a numeric timestamp.") from None
