"""Spike protection: how many errors a project may send in an hour before the rest of the hour is cut off.

What is usual, the project's own past says: of each of the last seven whole days the busiest hour, and of those the
median, so that a nightly job is usual and one bad day is not. Days before the first error do not count. A project
with less than three days of a past has no threshold, and nobody's is below a floor that small projects never reach.

What is cut off is not accepted, so that a spike does not make itself usual at once; a project that grew for good is at
its new height within four days.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from django.db.models import Sum

from vedette.digest.models import OutcomeCount
from vedette.wire.outcomes import Outcome
from vedette.wire.quotas import ERRORS, SPIKE_PROTECTION, Quota

DAYS = 7
LEAST_DAYS = 3
MULTIPLE = 5
FLOOR = 10_000  # errors in an hour
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual for a project. `busiest` is the median of its days' busiest hours; `days` is of how many."""

    busiest: int
    days: int

    @property
    def threshold(self) -> int | None:
        """How many errors an hour may have; None while too little is known."""
        return max(FLOOR, MULTIPLE * self.busiest) if self.days >= LEAST_DAYS else None


def baseline(organization_id: int, project_id: int, now: datetime) -> Baseline:
    """What is usual for the project on the days before the one of `now` (UTC). One query."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = OutcomeCount.objects.filter(
        organization_id=organization_id,
        project_id=project_id,
        outcome=Outcome.ACCEPTED,
        category__in=ERRORS,
        hour__gte=today - timedelta(days=DAYS),
        hour__lt=today,
    )
    return settle(rows.order_by().values_list("hour").annotate(total=Sum("quantity")), today.date())


def settle(hours: Iterable[tuple[datetime, int]], today: date) -> Baseline:
    """What is usual, from (hour, accepted errors) of the days before `today`. Pure."""
    peaks: dict[date, int] = defaultdict(int)
    for hour, total in hours:
        peaks[hour.date()] = max(peaks[hour.date()], total)
    if not peaks:
        return Baseline(0, 0)
    days = (today - min(peaks)).days
    return Baseline(int(median(peaks.get(today - timedelta(days=back), 0) for back in range(1, days + 1))), days)


def spike_quota(project_id: int, threshold: int) -> Quota:
    """The threshold as a quota of the hours of the clock."""
    return Quota(f"project:{project_id}:{SPIKE_PROTECTION}", "project", threshold, HOUR, SPIKE_PROTECTION, ERRORS)
