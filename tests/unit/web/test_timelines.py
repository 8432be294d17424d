"""Charts with moments across them, and curves with gaps."""

from datetime import UTC, datetime

import pytest

from vedette.web.charts import curve, timeline

DAY = 86_400
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


def a_timeline(*series, moments=()):
    return timeline(series, moments, width=100, height=10, units=("session", "crashed"))


def test_a_part_is_drawn_to_the_scale_of_the_whole():
    drawn = a_timeline((START, 100, 50), (START + DAY, 20, 0))

    (part,) = drawn.parts
    assert (part.height, part.y) == (5.0, 5.0)
    assert part.label == "20 Nov: 100 sessions, 50 crashed"
    assert drawn.chart.summary == "120 sessions in 2 days, at most 100 in one"


def test_a_part_is_never_higher_than_its_whole():
    (part,) = a_timeline((START, 4, 9), (START + DAY, 8, 0)).parts

    assert part.height == 5.0


def test_a_moment_stands_where_it_was():
    drawn = a_timeline((START, 1, 0), (START + DAY, 1, 0), moments=[(AT, "Deployed to production")])

    assert [(mark.x, mark.label) for mark in drawn.marks] == [(75.0, "Deployed to production")]


@pytest.mark.parametrize("at", [datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)])
def test_a_moment_outside_of_the_chart_is_left_out(at):
    assert a_timeline((START, 1, 0), (START + DAY, 1, 0), moments=[(at, "x")]).marks == ()


def test_an_empty_timeline_has_nothing_to_draw():
    drawn = a_timeline(moments=[(AT, "x")])

    assert (drawn.chart.bars, drawn.parts, drawn.marks) == ((), (), ())


def test_a_curve_is_interrupted_where_nothing_is_known():
    drawn = curve([100.0, 95.0, None, 90.0], "", width=40, height=10, low=90.0, high=100.0)

    assert drawn.path == "M5.0 0.0L15.0 5.0M35.0 10.0"
    assert drawn.dots == ((35.0, 10.0),)


def test_a_curve_stays_inside():
    assert curve([120.0, 3.0], "", width=20, height=10, low=90.0, high=100.0).path == "M5.0 0.0L15.0 10.0"
