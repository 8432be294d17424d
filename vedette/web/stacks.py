"""Stacked columns: counts of several kinds over time, drawn on the server as SVG like the bars of `charts`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vedette.web.charts import bucket_label


@dataclass(frozen=True, slots=True)
class Piece:
    """One kind in one column: its rectangle, in the units of the chart's viewBox."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Stacks:
    """The columns. `peak` is the highest of them as a sum; `first_label` and `last_label` name the ends of the axis."""

    width: int
    height: int
    pieces: tuple[Piece, ...]
    peak: int
    first_label: str
    last_label: str


def stack(
    starts: Sequence[int],
    series: Mapping[str, Sequence[int]],
    names: Mapping[str, str],
    *,
    seconds: int,
    width: int = 960,
    height: int = 160,
) -> Stacks:
    """Columns at `starts` (Unix seconds, `seconds` apart), each the sum of the kinds, the first kind lowest.

    What is not zero is at least one and a half units high, so that few among thousands can still be seen.
    """
    sums = [sum(values[place] for values in series.values()) for place in range(len(starts))]
    peak = max(sums, default=0)
    slot = width / max(len(starts), 1)
    gap = 1.5 if slot >= 4 else 0.5
    pieces: list[Piece] = []
    for place, start in enumerate(starts):
        top = float(height)
        for kind, values in series.items():
            count = values[place]
            if count <= 0:
                continue
            tall = max(1.5, count / peak * height)
            top = max(top - tall, 0.0)
            label = f"{bucket_label(start, seconds)}: {count:,} {names[kind]}"
            box = (round(place * slot, 2), round(top, 2), round(slot - gap, 2), round(tall, 2))
            pieces.append(Piece(kind, *box, label))
    ends = (bucket_label(starts[0], seconds), bucket_label(starts[-1], seconds)) if starts else ("", "")
    return Stacks(width, height, tuple(pieces), peak, *ends)
