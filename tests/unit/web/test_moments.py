"""How pages say when."""

from datetime import UTC, datetime, timedelta

import pytest

from vedette.web.moments import age, exact, machine, offset

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=2), "now"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=3), "3min"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=59), "59d"),
        (timedelta(days=90), "3mo"),
        (timedelta(days=800), "2y"),
        (timedelta(minutes=-5), "in 5min"),
    ],
)
def test_an_age_is_told_in_one_unit(ago, text):
    assert age(NOON - ago, NOON) == text


def test_exact_and_machine_forms_are_utc():
    assert exact(NOON) == "2026-11-21 12:00:00 UTC"
    assert machine(NOON) == "2026-11-21T12:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.24, "\u22121.2 s"),
        (-0.012, "\u221212 ms"),
        (-180, "\u22123 min"),
        (0, "0 s"),
        (2, "+2.0 s"),
        (-90_000, "\u22121 d"),
    ],
)
def test_the_distance_to_the_event_has_a_sign(seconds, text):
    assert offset(seconds) == text
