"""Bars, drawn on the server as SVG: geometry in attributes only, because the content policy forbids inline style."""

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
    daily = len(series) > 1 and series[1][0] - series[0][0] >= 86_400
    slot = width / max(len(series), 1)
    gap = 1 if slot >= 4 else 0.5
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


def _bucket(start: int, daily: bool) -> str:
    moment = datetime.fromtimestamp(start, UTC)
    return f"{moment:%-d %b}" if daily else f"{moment:%-d %b %H:%M}"
