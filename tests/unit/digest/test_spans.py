"""Spans of a transaction: their columns, their own time, and their descriptions without values."""

import time
from typing import Any

import pytest

from tests.unit.digest.making import NOW, Json, a_transaction
from vedette.digest.spandescriptions import describe, hash_of, normalise
from vedette.digest.spans import DESCRIPTION_CHARACTERS, RAW_CHARACTERS, exclusive_times
from vedette.digest.values import PreparedSpans, PreparedTransaction, held_bytes

TRACE_ID, ROOT, FIRST, SECOND = "a" * 32, "b" * 16, "c" * 16, "d" * 16


def span(span_id: str = FIRST, **more: Any) -> Json:
    return {
        "trace_id": TRACE_ID,
        "span_id": span_id,
        "parent_span_id": ROOT,
        "start_timestamp": NOW - 2,
        "timestamp": NOW - 1.5,
        **more,
    }


def prepared(*spans: Json, trace: Json | None = None, **more: Any) -> PreparedTransaction:
    context = {"trace_id": TRACE_ID, "span_id": ROOT, "op": "http.server", "status": "ok", **(trace or {})}
    return a_transaction(
        {
            "type": "transaction",
            "start_timestamp": NOW - 2.5,
            "timestamp": NOW - 1,
            "transaction": "/cart/",
            "contexts": {"trace": context},
            "spans": list(spans),
            **more,
        }
    )


def columns(*spans: Json, **more: Any) -> PreparedSpans:
    return prepared(*spans, **more).spans


def test_the_first_row_is_the_transaction_itself() -> None:
    spans = columns(span(), trace={"parent_span_id": "e" * 16})

    assert (spans.span_ids[0], spans.parent_span_ids[0], spans.ops[0], spans.statuses[0]) == (
        ROOT,
        "e" * 16,
        "http.server",
        "ok",
    )
    assert (spans.descriptions[0], spans.group_hashes[0]) == ("/cart/", hash_of("/cart/"))
    assert (spans.started_us[0], spans.duration_us[0]) == (round((NOW - 2.5) * 1_000_000), 1_500_000)


def test_a_span_has_its_columns_and_its_details() -> None:
    description = "SELECT * FROM carts WHERE id = 17"
    spans = columns(
        span(op="db", description=description, status="ok", data={"n": 1}, tags={"a": "b"}, origin="auto.db")
    )

    assert (spans.span_ids[1], spans.parent_span_ids[1], spans.ops[1], spans.statuses[1]) == (FIRST, ROOT, "db", "ok")
    assert (spans.started_us[1], spans.duration_us[1]) == (round((NOW - 2) * 1_000_000), 500_000)
    assert (spans.descriptions[1], spans.raw_descriptions[1]) == ("SELECT * FROM carts WHERE id = %s", description)
    assert spans.details[1] == b'{"data":{"n":1},"tags":{"a":"b"},"origin":"auto.db"}'
    assert columns(span()).details[1] == b""


def test_the_payload_is_stored_without_the_spans() -> None:
    value = prepared(span(description="only here"))

    assert b"only here" not in value.payload
    assert value.span_count == 1


def test_an_explicit_fingerprint_is_the_group_of_a_span() -> None:
    spans = columns(
        span(op="db", description="SELECT 1", fingerprint=["mine", "too"]),
        span(SECOND, op="db", description="SELECT 2", fingerprint=[17]),
    )

    assert spans.group_hashes[1:] == [hash_of("mine\0too"), hash_of("SELECT %s")]


def test_secrets_in_the_data_of_spans_are_scrubbed() -> None:
    assert b"hunter2" not in columns(span(data={"password": "hunter2"})).details[1]


def test_long_descriptions_are_bounded() -> None:
    spans = columns(span(op="ui", description="x y" * 10_000))

    assert len(spans.descriptions[1]) == DESCRIPTION_CHARACTERS
    assert len(spans.raw_descriptions[1]) == RAW_CHARACTERS


def test_what_spans_hold_in_memory_is_counted() -> None:
    few, many = prepared(span(description="x" * 100)), prepared(*(span(f"{n:016x}") for n in range(1, 200)))

    assert held_bytes(few) > len(few.payload) + 100
    assert held_bytes(many) > held_bytes(few) + 190 * 300


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        # (id, parent, start, end), the first is the root; the times are those without a child running.
        pytest.param([("r", "", 0, 10)], [10], id="alone"),
        pytest.param([("r", "", 0, 10), ("a", "r", 2, 5)], [7, 3], id="one child"),
        pytest.param([("r", "", 0, 10), ("a", "r", 2, 5), ("b", "r", 4, 8)], [4, 3, 4], id="children that overlap"),
        pytest.param([("r", "", 0, 10), ("b", "r", 4, 8), ("a", "r", 2, 9)], [3, 4, 7], id="any order, one in another"),
        pytest.param([("r", "", 0, 10), ("a", "r", -5, 20)], [0, 25], id="longer than its parent"),
        pytest.param([("r", "", 0, 10), ("a", "r", 20, 30)], [10, 10], id="after its parent"),
        pytest.param([("r", "", 0, 10), ("a", "x", 2, 5)], [10, 3], id="a parent that is not there"),
        pytest.param([("r", "", 0, 10), ("a", "a", 2, 5)], [10, 3], id="its own parent"),
        pytest.param([("r", "", 0, 10), ("a", "r", 0, 10), ("b", "a", 0, 4)], [0, 6, 4], id="grandchildren"),
        pytest.param([("r", "", 0, 10), ("r", "r", 2, 4)], [8, 2], id="an id twice"),
    ],
)
def test_exclusive_time(spans: list[tuple[str, str, int, int]], expected: list[int]) -> None:
    ids, parents, starts, ends = (list(column) for column in zip(*spans, strict=True))

    assert exclusive_times(ids, parents, starts, ends) == expected


@pytest.mark.parametrize(
    ("op", "description", "expected"),
    [
        (
            "db",
            "SELECT * FROM t WHERE a = 1 AND b = 'O''Hara' AND c = -1.5e3",
            "SELECT * FROM t WHERE a = %s AND b = %s AND c = %s",
        ),
        ("db.sql.query", "SELECT 1 WHERE x IN (1, 2,  3)", "SELECT %s WHERE x IN (%s)"),
        ("db", "INSERT INTO t (a, b) VALUES (%s, %s), (%s, %s)", "INSERT INTO t (a, b) VALUES (%s)"),
        (
            "db",
            "SELECT a::text FROM t WHERE b = $1 AND c = :name AND d = ? AND e = %(e)s",
            "SELECT a::text FROM t WHERE b = %s AND c = %s AND d = %s AND e = %s",
        ),
        (
            "db",
            'SELECT "t1"."id" FROM "t1" -- why\n WHERE x = TRUE /* 17 */',
            'SELECT "t1"."id" FROM "t1" WHERE x = %s',
        ),
        ("db", 'SAVEPOINT "s139_x1"', "SAVEPOINT %s"),
        ("db", "SELECT 'cut o", "SELECT %s"),
        (
            "db",
            '{"find": "carts", "filter": {"id": 17, "in": ["a", 2]}}',
            '{"find": "?", "filter": {"id": "?", "in": ["?", "?"]}}',
        ),
        ("db.redis", "GET session:17", "GET *"),
        ("db.redis", "PING", "PING"),
        ("cache.get_item", "cart:17", "cart:*"),
        (
            "http.client",
            "GET https://u:p@x.example:8080/users/123/orders/abc?token=1#y",
            "GET https://x.example:8080/users/*/orders/abc",
        ),
        ("http.client", "GET /v2/items/7c9e6679-7425-40de-944b-e07fc1f90ae7", "GET /v2/items/*"),
        ("resource.script", "https://cdn.example/static/app.3f2a9c1b.js", "https://cdn.example/static/app.*.js"),
        ("resource.css", "/main-9fbc23aa11.min.css", "/main-*.min.css"),
        ("template.render", "cart.html", "cart.html"),
        ("function", "handle item 17 of 3f2a9c1b3f2a9c1b", "handle item * of *"),
        ("", "", ""),
    ],
)
def test_descriptions_lose_their_values(op: str, description: str, expected: str) -> None:
    assert normalise(op, description) == expected


def test_spans_that_differ_in_values_alone_are_one_group() -> None:
    one, other = (describe("db", f"SELECT * FROM carts WHERE id = {number}") for number in (1, 17))

    assert one == other
    assert len(one[1]) == 16
    assert describe("db", "SELECT * FROM orders")[1] != one[1]
    assert describe("db", "") == ("", "")


@pytest.mark.parametrize("op", ["db", "http.client", "resource.script", "db.redis", "ui"])
@pytest.mark.parametrize(
    "unit",
    [
        "'",
        "(",
        "(%s,",
        "-",
        "/*",
        "'\\",
        '"\\',
        "0x",
        "a.",
        "1-",
        "SAVEPOINT ",
        "-a1",
        "f",
        ".a1b2c3",
        "://",
        '[{"',
        "\ud800",
    ],
)
def test_no_description_takes_long(op: str, unit: str) -> None:
    text = unit * (100_000 // len(unit))

    began = time.process_time()
    for start in ("", "select ", "{"):
        describe(op, start + text)

    assert time.process_time() - began < 0.5
