"""What is usual for a project, and from where on a spike is cut off: worked by hand."""

from datetime import UTC, date, datetime

import pytest

from vedette.digest.spikes import FLOOR, Baseline, settle, spike_quota
from vedette.wire.quotas import ERRORS

TODAY = date(2026, 5, 20)


def peaks(*busiest: int, first_day: int) -> list[tuple[datetime, int]]:
    """For each day from the one in May on: a quiet hour, and the busiest."""
    return [
        (datetime(2026, 5, first_day + number, hour, tzinfo=UTC), count)
        for number, most in enumerate(busiest)
        for hour, count in ((3, 1), (14, most))
        if most
    ]


@pytest.mark.parametrize(
    ("days", "busiest", "threshold"),
    [
        # Seven days with a nightly job: it is usual, and one bad day is not.
        (peaks(4000, 4100, 3900, 4000, 90_000, 4000, 4050, first_day=13), 4000, 20_000),
        # Grown for good four days ago.
        (peaks(4000, 4000, 4000, 20_000, 20_000, 20_000, 20_000, first_day=13), 20_000, 100_000),
        # Three days old; a day without errors is a day.
        (peaks(3000, 0, 9000, first_day=17), 3000, 15_000),
        # A small project never comes near the floor.
        (peaks(20, 30, 25, 20, 20, 20, 20, first_day=13), 20, FLOOR),
        # Two days old: too little is known.
        (peaks(50_000, 50_000, first_day=18), 50_000, None),
        ([], 0, None),
    ],
)
def test_12_3_five_times_the_usual_busiest_hour_is_the_threshold(days, busiest, threshold):
    found = settle(days, TODAY)

    assert (found.busiest, found.threshold) == (busiest, threshold)


def test_12_3_the_threshold_is_a_quota_of_errors_in_the_hours_of_the_clock():
    threshold = Baseline(4000, 7).threshold
    assert threshold is not None
    found = spike_quota(11, threshold)

    assert (found.scope, found.limit, found.reason, found.categories) == (
        "project",
        20_000,
        "spike_protection",
        ERRORS,
    )
    assert found.left(7200.0 + 900) == 2700
