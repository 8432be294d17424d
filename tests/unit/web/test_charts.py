"""The geometry of bars."""

from vedette.web.charts import bars

HOUR = 3_600


def test_bars_keep_their_place_and_reach_the_top_at_the_peak():
    chart = bars([(0, 0), (HOUR, 5), (2 * HOUR, 10)], width=30, height=20)

    assert [(bar.x, bar.y, bar.height, bar.count) for bar in chart.bars] == [(10, 10, 10, 5), (20, 0, 20, 10)]
    assert (chart.peak, chart.total) == (10, 15)
    assert chart.summary == "15 events in 3 hours, at most 10 in one"


def test_one_event_among_thousands_can_still_be_seen():
    chart = bars([(0, 1), (HOUR, 5_000)], width=30, height=20)

    assert chart.bars[0].height == 2


def test_an_empty_series_is_a_chart_without_bars():
    assert bars([], width=30, height=20).bars == ()
    assert bars([(0, 0)], width=30, height=20).peak == 0


def test_days_are_told_as_days():
    chart = bars([(0, 1), (86_400, 1)], width=30, height=20)

    assert chart.bars[1].label == "2 Jan: 1 event"
