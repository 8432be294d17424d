"""Transactions through the digest: stored once with their spans, counted once, whatever comes twice or dies."""

import random
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.digest.test_stream import PLACES, Killed, _kill, drain, quantities
from tests.support.factories import NOON, a_prepared_transaction, an_event
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch, OutcomeCount
from vedette.digest.relate import look_up, relate
from vedette.digest.store import store
from vedette.digest.values import PreparedSpans
from vedette.events import queries
from vedette.events.writer import write_spans
from vedette.projects.models import ObjectStatus, ProjectFlags
from vedette.wire.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def take(events, tmp_path):
    """Relate and store prepared values as one batch, as the stream does."""

    def _take(*values):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out(values)
        ids = [(value.project_id, value.event_id, value.timestamp) for value in batch.transactions]
        known = queries.known_transactions(events, ids)
        groups = relate(mark, batch, known, {}, FileStore(tmp_path))
        return store(events, mark, batch, groups, known, pytest.fail)

    return _take


def outcomes():
    totals = Counter()
    for row in OutcomeCount.objects.filter(category=Category.TRANSACTION):
        totals[Outcome(row.outcome).word, row.reason] += row.quantity
    return sorted((*key, quantity) for key, quantity in totals.items())


def rows(events, table="transactions"):
    return Counter(row[0].hex for row in events.rows(f"SELECT event_id FROM {table}"))


def a_payload(event_id, spans=2, **more):
    trace = uuid4().hex
    return {
        "event_id": event_id,
        "type": "transaction",
        "transaction": "GET /",
        "start_timestamp": NOON.timestamp(),
        "timestamp": NOON.timestamp() + 1,
        "contexts": {"trace": {"trace_id": trace, "span_id": "b" * 16}},
        "spans": [
            {
                "trace_id": trace,
                "span_id": f"{n + 1:016x}",
                "parent_span_id": "b" * 16,
                "op": "db",
                "description": f"SELECT {n}",
                "start_timestamp": NOON.timestamp(),
                "timestamp": NOON.timestamp() + 0.1,
            }
            for n in range(spans)
        ],
        **more,
    }


def test_a_transaction_is_stored_with_its_spans(accept, stream, events, project):
    event_id = uuid4().hex
    accept(("transaction", a_payload(event_id)), event_id=event_id)

    drain(stream())

    assert rows(events) == {event_id: 1}
    assert rows(events, "spans") == {event_id: 3}
    project.refresh_from_db()
    assert project.flags & ProjectFlags.HAS_TRANSACTIONS


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_anywhere_leaves_no_transaction_and_no_span_out_and_none_twice(
    accept, stream, events, monkeypatch, place
):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("transaction", a_payload(event_id)), event_id=event_id)
    with monkeypatch.context() as patch:
        _kill(patch, place)
        with pytest.raises(Killed):
            drain(stream())

    drain(stream())

    assert rows(events) == dict.fromkeys(ids, 1)
    assert rows(events, "spans") == dict.fromkeys(ids, 3)
    assert outcomes() == [("accepted", "", 3)]


def test_spans_that_a_kill_left_out_are_completed(accept, stream, events, monkeypatch):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("transaction", a_payload(event_id)), event_id=event_id)
    with monkeypatch.context() as patch:
        _kill(patch, "stored")
        with pytest.raises(Killed):
            drain(stream())
    events.run("DELETE FROM spans WHERE event_id = {id:UUID}", {"id": ids[1]})

    drain(stream())

    assert rows(events, "spans") == dict.fromkeys(ids, 3)


def test_the_same_transaction_in_two_batches_is_stored_and_counted_once_and_the_latest_wins(take, events, project):
    event_id = uuid4().hex
    other_day = NOON - timedelta(days=1)
    take(a_prepared_transaction(project, "/first", event_id=event_id))
    take(a_prepared_transaction(project, "/second", event_id=event_id))
    take(a_prepared_transaction(project, "/yesterday", event_id=event_id, timestamp=other_day))

    names = {row[0] for row in events.rows("SELECT transaction FROM transactions")}
    assert names == {"/second", "/yesterday"}
    assert rows(events, "spans") == {event_id: 2}
    assert outcomes() == [("accepted", "", 2), ("invalid", "duplicate", 1)]


def test_an_event_and_a_transaction_of_one_id_do_not_replace_each_other(take, events, project):
    event_id = uuid4().hex
    take(an_event(project, event_id=event_id))
    take(a_prepared_transaction(project, event_id=event_id))
    take(a_prepared_transaction(project, event_id=event_id))

    assert rows(events, "errors") == {event_id: 1}
    assert rows(events) == {event_id: 1}


def test_transactions_of_a_project_that_is_gone_are_invalid_and_not_written(take, events, project):
    project.status = ObjectStatus.PENDING_DELETION
    project.save()

    written = take(a_prepared_transaction(project), a_prepared_transaction(project))

    assert written == 0
    assert rows(events) == rows(events, "spans") == {}
    assert outcomes() == [("invalid", "project_id", 2)]


def test_a_replay_leaves_out_transactions_of_a_project_that_is_gone(project):
    project.status = ObjectStatus.PENDING_DELETION
    project.save()
    batch = sort_out([a_prepared_transaction(project)])

    look_up(DigestBatch(), batch)

    assert batch.transactions == []


def test_a_shuffled_and_duplicated_stream_gives_the_same_rows_and_counts(take, events, project):
    values = [a_prepared_transaction(project, f"/{n % 4}", duration_ms=float(n)) for n in range(24)]
    dice = random.Random(5)
    stream = [*values, *dice.choices(values, k=16)]
    dice.shuffle(stream)

    for start in range(0, len(stream), 9):
        take(*stream[start : start + 9])

    assert rows(events) == rows(events, "spans") == dict.fromkeys((value.event_id for value in values), 1)
    assert outcomes() == [("accepted", "", 24), ("invalid", "duplicate", 16)]


def test_a_transaction_that_the_engine_refuses_has_no_spans_and_holds_up_nobody(events, project, tmp_path):
    good = a_prepared_transaction(project)
    bad = a_prepared_transaction(project, duration_ms="not a number")
    worse = a_prepared_transaction(project, spans=_broken(good.spans))
    mark = DigestBatch.objects.create(stream="s", first_position=1, last_position=1)
    batch = sort_out([bad, good, worse])
    parked = []

    groups = relate(mark, batch, [], {}, FileStore(tmp_path))
    store(events, mark, batch, groups, [], lambda project_id, event_id, reason: parked.append(event_id))

    assert sorted(parked) == sorted([bad.event_id, worse.event_id])
    assert rows(events, "spans") == {good.event_id: 1}


def _broken(spans):
    values = {name: getattr(spans, name) for name in PreparedSpans.__struct_fields__}
    return PreparedSpans(**{**values, "duration_us": ["x"]})


def test_spans_without_a_token_are_refused(events):
    with pytest.raises(ValueError, match="token"):
        write_spans(events, [object()], "")


def test_quantities_are_those_of_one_transaction_each(accept, stream):
    for _ in range(2):
        event_id = uuid4().hex
        accept(("transaction", a_payload(event_id)), event_id=event_id)

    drain(stream())

    assert quantities() == {("accepted", ""): 2}
