"""Lengths of time, parts, rates and web vitals in words."""

import pytest

from vedette.web.charts import columns
from vedette.web.text import duration, percent, rate
from vedette.web.vitals import order_of, read_vital


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0, "0 ms"),
        (-1, "0 ms"),
        (0.42, "0.42 ms"),
        (12, "12 ms"),
        (12.34, "12.3 ms"),
        (999, "999 ms"),
        (1000, "1 s"),
        (1240, "1.24 s"),
        (90_000, "1.5 min"),
        (7_200_000, "2 h"),
        (216_000_000, "2.5 d"),
    ],
)
def test_durations(milliseconds: float, said: str) -> None:
    assert duration(milliseconds) == said


@pytest.mark.parametrize(("part", "said"), [(0, "0%"), (0.0001, "<0.1%"), (0.042, "4.2%"), (0.37, "37%"), (1, "100%")])
def test_parts(part: float, said: str) -> None:
    assert percent(part) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (0.001, "<0.01"), (1.44, "1.44"), (310, "310"), (12_500, "12.5k")]
)
def test_rates(number: float, said: str) -> None:
    assert rate(number) == said


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lcp", 2500, ("LCP", "2.5 s", "good")),
        ("lcp", 3000, ("LCP", "3 s", "fair")),
        ("lcp", 4001, ("LCP", "4 s", "poor")),
        ("cls", 0.1, ("CLS", "0.100", "good")),
        ("cls", 0.3, ("CLS", "0.300", "poor")),
        ("frames_slow", 12345.6, ("frames_slow", "12,346", "")),
        ("<b>\u202e", 1, ("<b>\u2039U+202E\u203a", "1", "")),
    ],
)
def test_vitals(name: str, value: float, expected: tuple[str, str, str]) -> None:
    vital = read_vital(name, value)

    assert (vital.name, vital.value, vital.verdict) == expected


def test_web_vitals_stand_before_other_measurements() -> None:
    assert sorted(["zzz", "cls", "abc", "LCP"], key=order_of) == ["LCP", "cls", "abc", "zzz"]


def test_columns_are_as_high_as_what_they_measure() -> None:
    chart = columns([("a: 1", 1.0), ("b: 0", 0.0), ("c: 4", 4.0)], "three", width=30, height=20)

    assert [(bar.x, bar.height, bar.label) for bar in chart.bars] == [(0, 5.0, "a: 1"), (20, 20.0, "c: 4")]
    assert columns([("a", 1.0)], "", width=10, height=20, full=4.0).bars[0].height == 5.0
    assert columns([], "nothing", width=10, height=20).bars == ()
