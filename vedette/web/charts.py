"""Charts, drawn on the server as SVG: geometry in attributes only, because the content policy forbids inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vedette.web.text import plural


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket: its rectangle, in the units of the chart's viewBox, and its sentence."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A row of bars. `summary` says in words what they show; `peak` is the highest count, 0 for an empty chart."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    peak: int
    total: int
    summary: str
    first_label: str = ""
    last_label: str = ""


def bars(series: Sequence[tuple[int, int]], *, width: int, height: int, unit: str = "event") -> Chart:
    """A chart of `series`, pairs of (start of the bucket in Unix seconds, count), oldest first.

    A bucket that is not empty is at least two units high, so that one event among thousands can still be seen.
    """
    peak = max((count for _, count in series), default=0)
    total = sum(count for _, count in series)
    daily = _is_daily(series)
    slot, gap = _slots(width, len(series))
    drawn = []
    for index, (start, count) in enumerate(series):
        if count <= 0:
            continue
        tall = max(2.0, count / peak * height)
        label = f"{_bucket(start, daily)}: {plural(count, unit)}"
        drawn.append(
            Bar(round(index * slot, 2), round(height - tall, 2), round(slot - gap, 2), round(tall, 2), label, count)
        )
    summary = f"{plural(total, unit)} in {plural(len(series), 'day' if daily else 'hour')}"
    if peak:
        summary += f", at most {peak:,} in one"
    return Chart(
        width=width,
        height=height,
        bars=tuple(drawn),
        peak=peak,
        total=total,
        summary=summary,
        first_label=_bucket(series[0][0], daily) if series else "",
        last_label=_bucket(series[-1][0], daily) if series else "",
    )


def columns(values: Sequence[tuple[str, float]], summary: str, *, width: int, height: int, full: float = 0.0) -> Chart:
    """A chart of `values`, pairs of (sentence, height), of whatever they measure. The highest is as high as the chart,
    or `full` is."""
    highest = full or max((value for _, value in values), default=0.0)
    slot, gap = _slots(width, len(values))
    drawn = []
    for index, (label, value) in enumerate(values):
        if value > 0:
            tall = max(2.0, min(value / highest, 1.0) * height)
            place = (round(index * slot, 2), round(height - tall, 2), round(slot - gap, 2), round(tall, 2))
            drawn.append(Bar(*place, label, round(value)))
    return Chart(width, height, tuple(drawn), round(highest), 0, summary)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on a timeline: where its line stands, and its sentence."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars of which a part is set apart (`parts`, drawn over them), and moments across them."""

    chart: Chart
    parts: tuple[Bar, ...]
    marks: tuple[Mark, ...]


def timeline(
    series: Sequence[tuple[int, int, int]],
    moments: Sequence[tuple[datetime, str]],
    *,
    width: int,
    height: int,
    units: tuple[str, str],
) -> Timeline:
    """A chart of `series`: (start of the bucket in Unix seconds, all, the part of them), oldest first, in `units`, the
    words for one of all and for what became of the part. `moments` outside of the series are left out."""
    whole, part = units
    chart = bars([(start, count) for start, count, _ in series], width=width, height=height, unit=whole)
    slot, gap = _slots(width, len(series))
    daily = _is_daily(series)
    parts = []
    for index, (start, count, some) in enumerate(series):
        if some > 0 and chart.peak:
            tall = max(2.0, min(some, count) / chart.peak * height)
            label = f"{_bucket(start, daily)}: {plural(count, whole)}, {some:,} {part}"
            place = (round(index * slot, 2), round(height - tall, 2), round(slot - gap, 2), round(tall, 2))
            parts.append(Bar(*place, label, some))
    marks = []
    if len(series) > 1:
        first, interval = series[0][0], series[1][0] - series[0][0]
        for at, label in moments:
            x = (at.timestamp() - first) / interval * slot
            if 0 <= x <= width:
                marks.append(Mark(round(x, 2), label))
    return Timeline(chart, tuple(parts), tuple(marks))


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through values, as the `d` of a path; `low` and `high` are the values at the bottom and at the top.

    A value that is not known interrupts the line; `dots` are the values that have no neighbour.
    """

    width: int
    height: int
    path: str
    dots: tuple[tuple[float, float], ...]
    low: float
    high: float
    summary: str


def curve(values: Sequence[float | None], summary: str, *, width: int, height: int, low: float, high: float) -> Curve:
    """A curve of `values` between `low` and `high`, each in the middle of its slot."""
    slot = width / max(len(values), 1)
    points = [
        None
        if value is None
        else (
            round((index + 0.5) * slot, 2),
            round((1 - (min(max(value, low), high) - low) / (high - low)) * height, 2),
        )
        for index, value in enumerate(values)
    ]
    drawn, dots = [], []
    for index, point in enumerate(points):
        if point is None:
            continue
        before = points[index - 1] if index else None
        after = points[index + 1] if index + 1 < len(points) else None
        drawn.append(f"{'L' if before else 'M'}{point[0]} {point[1]}")
        if before is None and after is None:
            dots.append(point)
    return Curve(width, height, "".join(drawn), tuple(dots), low, high, summary)


def bucket_label(start: int, interval_seconds: int) -> str:
    """When a bucket begins, for people: a day, or a day and an hour."""
    return _bucket(start, interval_seconds >= 86_400)


def _slots(width: int, number: int) -> tuple[float, float]:
    """The width of a bucket, and the gap to the next."""
    slot = width / max(number, 1)
    return slot, 1 if slot >= 4 else 0.5


def _is_daily(series: Sequence[tuple[int, ...]]) -> bool:
    return len(series) > 1 and series[1][0] - series[0][0] >= 86_400


def _bucket(start: int, daily: bool) -> str:
    moment = datetime.fromtimestamp(start, UTC)
    return f"{moment:%-d %b}" if daily else f"{moment:%-d %b %H:%M}"
