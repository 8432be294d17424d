"""The waterfall: order, depth, places on the axis, errors, and whatever parents strangers send."""

from datetime import timedelta
from typing import Any

import pytest

from vedette.core.clock import EPOCH
from vedette.events.performance import StoredSpan, TraceError
from vedette.web.waterfall import AXIS, DEEPEST, KINDS, NARROWEST, RUN, Fold, Row, build, kind_of, kinds_of

START = EPOCH + timedelta(days=20_000)


def a_span(span_id: str, parent: str = "", start: int = 0, took: int = 10, **more: Any) -> StoredSpan:
    """A span that begins `start` ms after START and takes `took` ms."""
    values: dict[str, Any] = {
        "project_id": 1,
        "event_id": "e",
        "timestamp": START,
        "transaction": "/cart",
        "environment": "",
        "release": "",
        "trace_id": "t",
        "span_id": span_id,
        "parent_span_id": parent,
        "is_segment": False,
        "started_at": START + timedelta(milliseconds=start),
        "duration_us": took * 1000,
        "exclusive_us": took * 1000,
        "op": "db",
        "status": "ok",
        "description": span_id,
        "group_hash": span_id,
    }
    return StoredSpan(**{**values, **more})


def a_root(span_id: str = "root", took: int = 100, **more: Any) -> StoredSpan:
    return a_span(span_id, took=took, is_segment=True, op="http.server", **more)


def an_error(span_id: str, at: int = 0) -> TraceError:
    return TraceError("1" * 32, 1, 7, START + timedelta(milliseconds=at), "error", "Boom", "/cart", span_id)


def rows(*spans: StoredSpan, errors: tuple[TraceError, ...] = ()) -> list[Row]:
    found: list[Row] = []
    for item in build(spans, errors).items:
        found += item.rows if isinstance(item, Fold) else [item]
    return found


def tree(*spans: StoredSpan) -> list[tuple[str, int, bool]]:
    return [(row.span.span_id, row.depth, row.is_orphan) for row in rows(*spans)]


def test_children_stand_under_their_parents_in_the_order_of_their_start() -> None:
    spans = (a_span("late", "root", 50), a_span("deep", "early", 12), a_root(), a_span("early", "root", 10))

    assert tree(*spans) == [("root", 0, False), ("early", 1, False), ("deep", 2, False), ("late", 1, False)]


def test_places_on_the_axis() -> None:
    root, half, tiny = rows(a_root(), a_span("half", "root", 50, 25), a_span("tiny", "root", 100, 0))

    assert (root.x, root.width, root.offset_ms) == (0, AXIS, 0)
    assert (half.x, half.width, half.offset_ms, half.span.duration_ms) == (500, 250, 50, 25)
    assert (tiny.x, tiny.width) == (AXIS - NARROWEST, NARROWEST)


def test_the_axis_has_ticks_at_its_quarters() -> None:
    assert build([a_root(took=200)]).ticks == (0, 50, 100, 150, 200)


def test_a_transaction_of_another_project_stands_under_the_span_that_called_it() -> None:
    called = a_root("called", project_id=2, event_id="f", parent_span_id="call", started_at=START)

    assert tree(a_root(), a_span("call", "root"), called) == [
        ("root", 0, False),
        ("call", 1, False),
        ("called", 2, False),
    ]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([a_root(), a_span("a", "gone")], [("root", 0, False), ("a", 1, True)], id="its parent is missing"),
        pytest.param([a_span("a", "gone")], [("a", 0, True)], id="so is its transaction"),
        pytest.param([a_root(parent_span_id="gone")], [("root", 0, True)], id="a transaction without its caller"),
        pytest.param([a_root(), a_span("a", "a")], [("root", 0, False), ("a", 1, True)], id="its own parent"),
        pytest.param([a_root(), a_span("a", "")], [("root", 0, False), ("a", 1, False)], id="names no parent"),
        pytest.param(
            [a_root(), a_span("a", "b", 1), a_span("b", "a", 2)],
            [("root", 0, False), ("a", 0, True), ("b", 1, False)],
            id="a circle",
        ),
        pytest.param(
            [a_root(), a_span("a", "root", 1), a_span("a", "root", 2), a_span("c", "a", 3)],
            [("root", 0, False), ("a", 1, False), ("c", 2, False), ("a", 1, False)],
            id="an id twice",
        ),
    ],
)
def test_whatever_the_parents_are_every_span_stands_once(
    spans: list[StoredSpan], expected: list[tuple[str, int, bool]]
) -> None:
    assert tree(*spans) == expected


def test_a_very_deep_trace_is_indented_to_a_bound() -> None:
    chain = [a_root("0"), *(a_span(str(n), str(n - 1), n) for n in range(1, 3000))]

    found = rows(*chain)

    assert len(found) == 3000
    assert max(row.depth for row in found) == DEEPEST


def test_errors_stand_on_their_span_once_and_inside_of_the_axis() -> None:
    spans = (a_root(), a_span("a", "root", 10), a_span("a", "root", 20))

    found = rows(*spans, errors=(an_error("a", 50), an_error("a", 99_999), an_error("elsewhere")))

    assert [len(row.errors) for row in found] == [0, 2, 0]
    assert found[1].marks == (500, AXIS - 4)


def test_runs_of_the_same_are_folded_and_what_is_wrong_is_not() -> None:
    same = [a_span(f"s{n}", "root", n, group_hash="same") for n in range(RUN + 2)]
    failed = a_span("bad", "root", 50, group_hash="same", status="aborted")
    few = [a_span(f"f{n}", "root", 60 + n, group_hash="few") for n in range(RUN - 1)]

    items = build([a_root(), *same, failed, *few], [an_error("s3")]).items

    folds = [len(item.rows) for item in items if isinstance(item, Fold)]
    assert folds == []  # the error splits the run, and neither half is long enough
    (fold,) = (item for item in build([a_root(), *same, failed, *few]).items if isinstance(item, Fold))
    assert [row.span.span_id for row in fold.rows] == [f"s{n}" for n in range(RUN + 2)]
    assert fold.total_ms == 10 * (RUN + 2)


def test_an_empty_trace_is_an_empty_waterfall() -> None:
    assert build([], [an_error("a")]).items == ()


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("db.sql.query", "db"),
        ("db.redis", "cache"),
        ("http.client", "http"),
        ("queue.task.celery", "queue"),
        ("ui.react.render", "ui"),
        ("template.render", "template"),
        ("middleware.django", "code"),
        ("", "other"),
        ("<script>", "other"),
    ],
)
def test_operations_have_a_kind(op: str, kind: str) -> None:
    assert kind_of(op) == kind
    assert kind in KINDS


def test_kinds_are_summed_up_most_time_first() -> None:
    summed = kinds_of([("db", 2, 5.0), ("db.sql", 1, 1.0), ("http.client", 1, 9.0)])

    assert summed == [("http", "HTTP", 1, 9.0), ("db", "database", 3, 6.0)]
