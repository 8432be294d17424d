"""Spans and the numbers of transactions, on every event store."""

import dataclasses
import itertools
from datetime import timedelta

import pytest

from tests.integration.events.factories import DAY, NOON, a_hash, a_transaction, a_window, an_error, some_spans
from vedette.events import queries
from vedette.events.deletion import delete_project, drop_before
from vedette.events.queries import TransactionFilter
from vedette.events.rows import KnownTransaction
from vedette.events.writer import (
    complete_spans,
    forget_replaced_transactions,
    write_errors,
    write_spans,
    write_transactions,
)

TRACE = "a" * 32
DB = ("1" * 16, "db", "SELECT %s", 40)
HTTP = ("2" * 16, "http.client", "GET https://x.example/*", 100)


def count(store, table="spans", where="1"):
    return store.value(f"SELECT count() FROM {table} WHERE {where}")


def test_spans_come_back_as_they_went_in(store, token):
    transaction = a_transaction(trace_id=TRACE)
    write_spans(store, [some_spans(transaction, DB, raw_descriptions=["", "SELECT 17"])], token())

    segment, child = queries.trace_spans(store, [1], TRACE, 10)

    assert (segment.is_segment, segment.span_id, segment.transaction) == (True, transaction.span_id, "/checkout")
    assert (child.is_segment, child.parent_span_id, child.event_id) == (False, segment.span_id, transaction.event_id)
    assert (child.op, child.status, child.duration_us, child.exclusive_us) == ("db", "ok", 40_000, 40_000)
    assert (child.description, child.group_hash) == ("SELECT 17", a_hash("SELECT %s")[:16])
    assert child.started_at == transaction.started_at
    assert queries.get_span(store, [1], TRACE, transaction.event_id, DB[0]) == (child, b'{"data":{"n":1}}')
    assert queries.get_span(store, [2], TRACE, transaction.event_id, DB[0]) is None


@pytest.mark.parametrize("text", ["it's \\ \0 \n", "'; DROP TABLE spans; --", "{p0:String}", "\ud800 lone", "日本 🦊"])
def test_hostile_descriptions_are_stored_as_they_are(store, token, text):
    rows = some_spans(a_transaction(trace_id=TRACE), DB, descriptions=["/", text], ops=["task", text])
    write_spans(store, [rows], token())

    child = queries.trace_spans(store, [1], TRACE, 10)[1]

    assert child.description == text.replace("\ud800", "\ufffd")


def test_a_replay_with_the_same_token_adds_nothing(store, token):
    rows, once = [some_spans(a_transaction(), DB, HTTP)], token()

    write_spans(store, rows, once)
    write_spans(store, rows, once)

    assert count(store) == 3


def test_what_a_kill_left_out_is_written_transaction_by_transaction(store, token):
    rows, once = [some_spans(a_transaction(), DB, HTTP) for _ in range(3)], token()
    write_spans(store, rows, once)
    store.run("DELETE FROM spans WHERE event_id = {id:UUID}", {"id": rows[1].event_id})
    store.run("DELETE FROM spans WHERE event_id = {id:UUID} AND op = 'db'", {"id": rows[2].event_id})

    added = complete_spans(store, rows, once)

    assert added == 2
    assert [count(store, where=f"event_id = '{row.event_id}'") for row in rows] == [3, 3, 3]
    assert complete_spans(store, rows, once) == 0


def test_a_transaction_written_again_replaces_the_earlier_one_and_its_spans(store, token):
    old = a_transaction()
    other_day = dataclasses.replace(old, timestamp=NOON + DAY)
    write_transactions(store, [old, other_day, a_transaction()], token())
    write_spans(store, [some_spans(old, DB, HTTP), some_spans(other_day, DB)], token())
    known = queries.known_transactions(store, [(1, old.event_id, NOON), (2, old.event_id, NOON)])
    new = dataclasses.replace(old, batch_id=2, transaction="/renamed")
    write_transactions(store, [new], token())
    write_spans(store, [some_spans(new, DB)], token())

    forget_replaced_transactions(store, known, 2)
    forget_replaced_transactions(store, known, 2)

    assert known == [KnownTransaction(1, old.event_id, NOON.date().isoformat(), 1)]
    assert count(store, "transactions") == 3
    assert count(store, where=f"event_id = '{old.event_id}'") == 4
    assert queries.known_transactions(store, []) == []


def test_a_deleted_project_leaves_no_span_and_retention_drops_their_weeks(store, token):
    rows = [some_spans(a_transaction(project_id=n, timestamp=at), DB) for n in (1, 2) for at in (NOON, NOON - 30 * DAY)]
    write_spans(store, rows, token())

    delete_project(store, 1)
    left = count(store)
    dropped = drop_before(store, NOON - 7 * DAY)

    assert left == 4
    assert any(name.startswith("spans/") for name in dropped)
    assert count(store) == 2


def test_the_numbers_of_transactions_by_name_and_operation(store, token):
    failing = ["ok"] * 6 + ["cancelled", "unknown", "", "internal_error"]
    rows = [
        a_transaction(duration_ms=100.0 * n, status=status, user=f"id:{n % 3}")
        for n, status in enumerate(failing, start=1)
    ]
    write_transactions(store, [*rows, a_transaction(transaction="/cart", duration_ms=1.0, op="task", user="")], token())

    slow, fast = queries.transaction_stats(store, a_window())

    assert (slow.transaction, slow.op, slow.count, slow.failed, slow.users) == ("/checkout", "http.server", 10, 1, 3)
    assert (slow.p50, slow.p75, slow.total_ms, slow.failure_rate) == (550.0, 775.0, 5500.0, 0.1)
    assert (fast.transaction, fast.op, fast.users) == ("/cart", "task", 0)
    totals = queries.transaction_totals(store, a_window())
    assert (totals.count, totals.failed) == (11, 1)
    assert queries.transaction_totals(store, a_window(2)) is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (TransactionFilter(), {"/a", "/b"}),
        (TransactionFilter(name="/a"), {"/a"}),
        (TransactionFilter(contains="A"), {"/a"}),
        (TransactionFilter(contains="%"), set()),
        (TransactionFilter(op="task"), {"/b"}),
        (TransactionFilter(release="shop@2"), {"/b"}),
    ],
)
def test_filters_choose_transactions(store, token, where, expected):
    write_transactions(
        store,
        [a_transaction(transaction="/a"), a_transaction(transaction="/b", op="task", release="shop@2")],
        token(),
    )

    assert {one.transaction for one in queries.transaction_stats(store, a_window(), where)} == expected


def test_orders_and_pages_of_the_list(store, token):
    rows = [a_transaction(transaction=f"/{n}", duration_ms=float(n)) for n in range(1, 6)]
    write_transactions(store, [*rows, a_transaction(transaction="/1", duration_ms=1.0)], token())

    def listed(**asked):
        return [one.transaction for one in queries.transaction_stats(store, a_window(), **asked)]

    assert listed(by="p95", limit=2) == ["/5", "/4"]
    assert listed(by="p95", limit=2, offset=4) == ["/1"]
    assert listed(by="p95", ascending=True, limit=1) == ["/1"]
    assert listed(by="count", limit=2) == ["/1", "/2"]


def test_series_and_histogram_fill_their_gaps(store, token):
    rows = [a_transaction(timestamp=NOON + timedelta(hours=n), duration_ms=2.0 ** (3 * n)) for n in range(2)]
    failed = a_transaction(status="aborted", duration_ms=0.0)
    write_transactions(store, [*rows, failed], token())
    window = a_window(start=NOON - timedelta(hours=1), end=NOON + timedelta(hours=2))

    series = queries.transaction_series(store, window, 3600)
    histogram = queries.latency_histogram(store, window)

    assert [(one.count, one.failed) for one in series] == [(0, 0), (2, 1), (1, 0), (0, 0)]
    assert (series[2].p50, series[2].p95) == (8.0, 8.0)
    assert [one.count for one in histogram if one.count] == [1, 1, 1]
    assert (histogram[-1].start_ms, round(histogram[0].start_ms, 2)) == (8.0, 0.09)
    assert all(one.end_ms == after.start_ms for one, after in itertools.pairwise(histogram))
    assert queries.latency_histogram(store, a_window(2)) == []


def test_measurements_are_summed_up_by_name(store, token):
    rows = [a_transaction(measurements=(("lcp", 1000.0 * n), ("cls", 0.1))) for n in (1, 2, 3)]
    write_transactions(store, [*rows, a_transaction(measurements=(("lcp", 4000.0),))], token())

    lcp, cls = queries.measurements(store, a_window())

    assert (lcp.name, lcp.count, lcp.p50, lcp.p75) == ("lcp", 4, 2500.0, 3250.0)
    assert (cls.name, cls.count) == ("cls", 3)


def test_where_the_time_of_a_transaction_goes(store, token):
    rows = [a_transaction(), a_transaction(), a_transaction(transaction="/other")]
    write_spans(store, [some_spans(row, DB, DB, HTTP) for row in rows], token())

    by_op = queries.spans_by_op(store, a_window(), "/checkout")
    slowest, second = queries.span_groups(store, a_window(), "/checkout")

    assert [(one.op, one.count, one.transactions, one.exclusive_ms) for one in by_op] == [
        ("http.client", 2, 2, 200.0),
        ("db", 4, 2, 160.0),
        ("", 2, 2, 140.0),
    ]
    assert (slowest.description, slowest.count, slowest.p95, slowest.span_id) == (HTTP[2], 2, 100.0, HTTP[0])
    assert (second.each, second.exclusive_ms) == ("2", 160.0)


def test_a_trace_is_what_the_given_projects_have_of_it_longest_first(store, token):
    here, there = (a_transaction(project_id=n, trace_id=TRACE, measurements=(("lcp", 5.0),)) for n in (1, 2))
    write_transactions(store, [here, there], token())
    write_spans(store, [some_spans(here, DB, HTTP), some_spans(there), some_spans(a_transaction())], token())
    error = an_error(trace_id=TRACE, span_id=DB[0])
    write_errors(store, [error, an_error(trace_id=TRACE, project_id=2), an_error()], token())

    assert [one.span_id for one in queries.trace_spans(store, [1], TRACE, 2)] == [here.span_id, HTTP[0]]
    assert {one.project_id for one in queries.trace_spans(store, [1, 2], TRACE, 10)} == {1, 2}
    assert [(one.event_id, one.span_id) for one in queries.trace_errors(store, [1], TRACE)] == [(error.event_id, DB[0])]
    facts = queries.trace_facts(store, [1], TRACE)
    assert (facts.spans, facts.transactions, facts.errors) == (3, 1, 1)
    assert facts.by_op[0] == ("http.server", 1, 110.0)
    assert queries.trace_transactions(store, [1, 2], TRACE) == {
        here.event_id: {"lcp": 5.0},
        there.event_id: {"lcp": 5.0},
    }
    with pytest.raises(ValueError, match="names its projects"):
        queries.trace_spans(store, [], TRACE, 10)
