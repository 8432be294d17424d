"""How much is expected of an archived issue, by its last week."""

from datetime import UTC, datetime, timedelta

import pytest

from vedette.issues.forecast import DAYS, FLOOR, ceilings, of_today

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_young_issue_may_be_ten_times_as_busy_as_in_its_busiest_hour() -> None:
    assert ceilings([0] * 160 + [3, 7, 0, 0, 0, 0, 0, 1], MONDAY, is_young=True) == [70] * DAYS


def test_nothing_is_expected_below_the_floor() -> None:
    assert ceilings([1], MONDAY, is_young=True) == [FLOOR] * DAYS
    assert ceilings([0] * 168, MONDAY, is_young=False) == [FLOOR] * DAYS


def test_a_steady_issue_may_be_six_times_as_busy() -> None:
    # cv = 0: the spike is 100 * 5, the burst 100 + 5 * 100
    assert ceilings([100] * 168, MONDAY, is_young=False) == [600] * DAYS


def test_one_spike_a_week_is_expected_again() -> None:
    counts = [0] * 167 + [1000]

    assert set(ceilings(counts, MONDAY, is_young=False)) == {2000}  # twice the spike: cv is high


def test_the_weekday_weighs() -> None:
    # Before Monday 00:00 lie Monday to Sunday; Mondays are busy.
    counts = [110] * 24 + [100] * 144

    found = ceilings(counts, MONDAY, is_young=False)

    assert found[0] == found[7] > found[1] == found[6]


@pytest.mark.parametrize(
    ("days", "ceiling"),
    [(-1, 1), (0, 1), (0.9, 1), (1, 2), (2.5, 3), (40, 3)],
)
def test_todays_ceiling(days: float, ceiling: int) -> None:
    assert of_today([1, 2, 3], MONDAY, MONDAY + timedelta(days=days)) == ceiling


def test_without_a_forecast_the_floor_holds() -> None:
    assert of_today([], MONDAY, MONDAY) == FLOOR
