"""Time in query parameters."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from vedette.api.filters import TimeRange, asked_range, moment_of, seconds_of, time_range
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("24h", 86_400),
        ("14d", 1_209_600),
        ("30", 30),
        ("5m", 300),
        ("2w", 1_209_600),
        ("1y", None),
        ("", None),
        ("-1h", None),
    ],
)
def test_a_period_is_a_number_and_a_unit(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T02:29:24.580596050Z", datetime(2026, 11, 21, 2, 29, 24, 580596, UTC)),
        ("2026-11-21T02:29:24", datetime(2026, 11, 21, 2, 29, 24, 0, UTC)),
        ("2026-11-21T04:29:24+02:00", datetime(2026, 11, 21, 2, 29, 24, 0, UTC)),
        ("2026-11-21T04:29:24 02:00", datetime(2026, 11, 21, 2, 29, 24, 0, UTC)),
        ("2026-11-21 02:29:24", datetime(2026, 11, 21, 2, 29, 24, 0, UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("1795228164.5", datetime(2026, 11, 21, 2, 29, 24, 500000, UTC)),
    ],
)
def test_a_moment_is_written_in_many_ways(text, moment):
    assert moment_of(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "99999999999999999999", "nan", "2026-11-21T25:00:00Z"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 (each parser has its own words)
        moment_of(text)


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("statsPeriod=1h", NOW - timedelta(hours=1), NOW),
        ("statsPeriod=1h&start=2026-01-01&end=2026-01-02", NOW - timedelta(hours=1), NOW),
        ("statsPeriodStart=2d&statsPeriodEnd=1d", NOW - timedelta(days=2), NOW - timedelta(days=1)),
        (
            "start=2026-11-01&end=2026-11-02&utc=true",
            datetime(2026, 11, 1, tzinfo=UTC),
            datetime(2026, 11, 2, tzinfo=UTC),
        ),
    ],
)
def test_a_window_is_named_in_three_ways(query, start, end):
    assert asked_range(QueryDict(query), NOW) == TimeRange(start, end)


def test_without_a_word_the_window_is_ninety_days():
    assert asked_range(QueryDict(""), NOW) is None
    assert time_range(QueryDict(""), NOW) == TimeRange(NOW - timedelta(days=90), NOW)


def test_a_window_is_never_older_than_any_organization_may_keep_events():
    oldest = NOW - timedelta(days=3650)

    assert time_range(QueryDict("statsPeriod=4000d"), NOW).start == oldest
    assert time_range(QueryDict("start=2010-01-01&end=2010-02-01"), NOW).end > oldest


def test_a_window_leaves_room_to_be_rounded_up_to_whole_intervals():
    asked = time_range(QueryDict("start=9999-12-30&end=9999-12-31T23:59:59"), NOW)

    assert asked.start < asked.end < datetime.max.replace(tzinfo=UTC) - timedelta(days=365)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("statsPeriod=x", "Invalid statsPeriod: 'x'"),
        ("statsPeriodStart=1d", "Invalid statsPeriodEnd: ''"),
        ("statsPeriodStart=1d&statsPeriodEnd=2d", "start must be before end"),
        ("end=2026-01-01", "start and end are both required"),
        ("start=2026-01-01&end=2026-01-01", "start must be before end"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(query, sentence):
    with pytest.raises(RuleBroken, match=sentence):
        asked_range(QueryDict(query), NOW)


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("web", None), ("1a", None), ("٣", None), ("9" * 30, None)])
def test_digits_alone_are_an_id(text, number):
    assert as_id(text) == number
