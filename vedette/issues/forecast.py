"""How many events an hour are to be expected of an issue at most. Pure.

Source: the issue workflow specification, 4.5 with its [V].
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp
from statistics import fmean, pstdev

DAYS = 14
WEEK = timedelta(days=7)
FLOOR = 10  # of every day, and of an issue that nothing is known of
_HOUR = timedelta(hours=1)
_YOUNG = 10  # times its busiest hour, for an issue that is younger than a week


def ceilings(counts: Sequence[int], until: datetime, *, is_young: bool) -> list[int]:
    """The most that is expected in an hour of each of the next fourteen days, the first of which is that of `until`.

    `counts` are the events of the hours before `until` (aware, UTC), oldest first, a zero for an hour without any;
    `is_young` says that the issue is not a week old.
    """
    if not any(counts):
        return [FLOOR] * DAYS
    if is_young:
        return [max(_YOUNG * max(counts), FLOOR)] * DAYS
    mean, deviation = fmean(counts), pstdev(counts)
    spike = max(counts) * _clamp(5 * exp(-0.65 * deviation / mean), 2, 5)
    burst = _clamp((mean + 5 * deviation) / mean, 5, 8) * mean
    weekdays = [(until - _HOUR * (len(counts) - place)).weekday() for place in range(len(counts))]
    found = []
    for ahead in range(DAYS):
        day = (until + timedelta(days=ahead)).weekday()
        weights = [2 if weekday == day else 1 for weekday in weekdays]
        weighted = sum(count * weight for count, weight in zip(counts, weights, strict=True)) / sum(weights)
        found.append(max(int(max(spike, weighted + burst)), FLOOR))
    return found


def of_today(found: Sequence[int], made_at: datetime, now: datetime) -> int:
    """Today's ceiling of a forecast; beyond its end the last one."""
    if not found:
        return FLOOR
    return found[min(max((now - made_at).days, 0), len(found) - 1)]


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
