"""A trace as a waterfall: its spans under their parents, each with its place on one time axis.

Pure, and total over whatever strangers sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vedette.core.clock import EPOCH
from vedette.events.performance import StoredSpan, TraceError
from vedette.events.tracetree import TraceTree

AXIS = 1000  # units of the axis, the width of a lane's viewBox
NARROWEST, MARK = 2.0, 4.0  # how wide the bar of a moment is, and the mark of an error
DEEPEST = 12  # levels that are indented; what lies deeper stands under them
RUN = 5  # siblings in a row that did the same are folded from this number on

KINDS = {
    "db": "database",
    "http": "HTTP",
    "cache": "cache",
    "queue": "queue and tasks",
    "ui": "browser and UI",
    "template": "templates",
    "code": "code",
    "other": "other",
}
_KIND_OF = {
    "db": "db",
    "sql": "db",
    "http": "http",
    "grpc": "http",
    "rpc": "http",
    "graphql": "http",
    "websocket": "http",
    "cache": "cache",
    "queue": "queue",
    "task": "queue",
    "celery": "queue",
    "message": "queue",
    "cron": "queue",
    "ui": "ui",
    "browser": "ui",
    "resource": "ui",
    "navigation": "ui",
    "pageload": "ui",
    "mark": "ui",
    "measure": "ui",
    "paint": "ui",
    "template": "template",
    "view": "template",
    "render": "template",
    "serialize": "template",
    "function": "code",
    "middleware": "code",
    "app": "code",
    "event": "code",
    "file": "code",
    "subprocess": "code",
    "thread": "code",
    "code": "code",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One span of the waterfall. `x` and `width` are units of the axis; `marks` the places of its errors on it.

    `is_orphan`: its parent is not among the spans, so that it stands where it most likely belongs.
    """

    span: StoredSpan
    depth: int
    kind: str
    x: float
    width: float
    offset_ms: float
    is_orphan: bool = False
    children: int = 0
    errors: tuple[TraceError, ...] = ()
    marks: tuple[float, ...] = ()

    @property
    def has_failed(self) -> bool:
        """Whether its status says so."""
        return self.span.status not in ("", "ok", "cancelled", "unknown")


@dataclass(frozen=True, slots=True)
class Fold:
    """Several spans in a row, side by side, that did the same."""

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        """The one that stands for all."""
        return self.rows[0]

    @property
    def total_ms(self) -> float:
        """The time of all of them together."""
        return sum(row.span.duration_ms for row in self.rows)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The rows in reading order, and the axis: where it begins (microseconds since 1970) and how long it is."""

    items: tuple[Row | Fold, ...]
    start_us: int
    length_ms: float
    shown: int

    @property
    def ticks(self) -> tuple[float, ...]:
        """Milliseconds at the quarters of the axis."""
        return tuple(self.length_ms * quarter / 4 for quarter in range(5))


def kind_of(op: str) -> str:
    """Which of `KINDS` an operation belongs to."""
    head = op.partition(".")[0]
    return "cache" if op.startswith("db.redis") else _KIND_OF.get(head, "other")


def build(spans: Sequence[StoredSpan], errors: Sequence[TraceError] = ()) -> Waterfall:
    """The waterfall of these spans; errors stand on the span that they name, if it is here."""
    if not spans:
        return Waterfall((), 0, 0.0, 0)
    starts = [_micros(span.started_at) for span in spans]
    first = min(starts)
    length = max(1, *(start + span.duration_us - first for start, span in zip(starts, spans, strict=True)))
    tree = TraceTree(spans)
    by_span: dict[str, list[TraceError]] = defaultdict(list)
    for error in errors:
        by_span[error.span_id].append(error)
    rows: list[Row] = []
    for index, depth in tree.in_order():
        span, offset = spans[index], starts[index] - first
        mine = by_span.pop(span.span_id, [])  # of spans with one id the first has them
        marks = [(_micros(error.timestamp) - first) / length * AXIS for error in mine]
        rows.append(
            Row(
                span=span,
                depth=min(depth, DEEPEST),
                kind=kind_of(span.op),
                x=round(min(offset / length * AXIS, AXIS - NARROWEST), 1),
                width=round(min(max(span.duration_us / length * AXIS, NARROWEST), AXIS), 1),
                offset_ms=offset / 1000,
                is_orphan=index in tree.orphans,
                children=len(tree.children.get(index, ())),
                errors=tuple(mine),
                marks=tuple(round(min(max(mark, 0.0), AXIS - MARK), 1) for mark in marks),
            )
        )
    return Waterfall(tuple(_folded(rows)), first, length / 1000, len(rows))


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _folded(rows: Sequence[Row]) -> list[Row | Fold]:
    """Rows, with runs of leaves that did the same folded; a row with an error is never folded away."""
    items: list[Row | Fold] = []
    run: list[Row] = []
    for row in [*rows, None]:
        if run and (row is None or not _continues(run[-1], row)):
            items += [Fold(tuple(run))] if len(run) >= RUN else run
            run = []
        if row is None:
            break
        if row.children or row.errors or row.has_failed or row.span.is_segment or not row.span.group_hash:
            items.append(row)
        else:
            run.append(row)
    return items


def _continues(before: Row, row: Row) -> bool:
    return (
        before.depth == row.depth
        and before.span.parent_span_id == row.span.parent_span_id
        and (before.span.op, before.span.group_hash) == (row.span.op, row.span.group_hash)
        and not (row.children or row.errors or row.has_failed)
    )


def kinds_of(by_op: Iterable[tuple[str, int, float]]) -> list[tuple[str, str, int, float]]:
    """(kind, its name, spans, own milliseconds) of (operation, spans, own milliseconds), most time first."""
    sums: dict[str, tuple[int, float]] = {}
    for op, count, own in by_op:
        spans, total = sums.get(kind_of(op), (0, 0.0))
        sums[kind_of(op)] = (spans + count, total + own)
    return sorted(((kind, KINDS[kind], *sums[kind]) for kind in sums), key=lambda one: (-one[3], one[0]))
