"""A stream of the spool through the four steps, stopped at every place where a process may die."""

import random
import threading
from collections import Counter
from uuid import uuid4

import pytest
from django.db import connection

from tests.support.factories import NOON, a_project
from vedette.core.files import FileStore
from vedette.digest import store as store_module
from vedette.digest import stream as stream_module
from vedette.digest.loop import Digester
from vedette.digest.models import DigestBatch, OutcomeCount, StreamCursor
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.issues.models import EventAttachment, Group, UserReport
from vedette.wire.outcomes import Outcome

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What a test throws where a process would die: nothing catches it."""


def an_error(kind="ValueError", value="bad", event_id=None, **fields):
    return {
        "event_id": event_id or uuid4().hex,
        "platform": "python",
        "timestamp": NOON.timestamp(),
        "exception": {
            "values": [
                {
                    "type": kind,
                    "value": value,
                    "stacktrace": {"frames": [{"filename": "a.py", "function": "f", "lineno": 1, "in_app": True}]},
                }
            ]
        },
        **fields,
    }


def drain(stream):
    for _ in range(100):
        if not stream.waiting():
            return
        stream.digest()
    pytest.fail("the stream does not come to its end")


def stored(events):
    """How often each event id lies in the event store."""
    return Counter(row[0].hex for row in events.rows("SELECT event_id FROM errors"))


def quantities():
    rows = OutcomeCount.objects.values_list("outcome", "reason", "quantity")
    totals = Counter()
    for outcome, reason, quantity in rows:
        totals[Outcome(outcome).word, reason] += quantity
    return dict(totals)


def test_an_accepted_event_becomes_an_issue_with_a_stored_event(accept, stream, events):
    event = an_error(release="shop@1.0", environment="prod")
    accept(("event", event), event_id=event["event_id"])

    drain(stream())

    group = Group.objects.get()
    assert (group.title, group.times_seen, group.platform) == ("ValueError: bad", 1, "python")
    found = queries.get_event(events, [group.project_id], event["event_id"])
    assert (found.summary.group_id, found.summary.release) == (group.pk, "shop@1.0")
    assert not DigestBatch.objects.exists()
    assert StreamCursor.objects.get().stored_upto > 0


def test_every_item_of_a_request_ends_in_one_outcome(accept, stream, project):
    event = an_error()
    accept(
        ("event", event),
        ("attachment", b"hello"),
        ("user_report", {"event_id": event["event_id"], "name": "Ann", "email": "a@example.com", "comments": "broke"}),
        ("client_report", {"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 4}]}),
        ("session", {"sid": "x"}),
        ("nobody_knows_this", b"??"),
        event_id=event["event_id"],
    )
    accept(("event", b"[1, 2]"), event_id=uuid4().hex)

    drain(stream())

    assert quantities() == {
        ("accepted", ""): 1 + 5 + 1 + 1,  # the event, the attachment in bytes and as an item, the report
        ("client_discard", "before_send"): 4,
        ("filtered", "not_supported_yet"): 2,
        ("invalid", "invalid_json"): 1,
    }
    group = Group.objects.get()
    assert EventAttachment.objects.get().group_id == group.pk
    assert UserReport.objects.get().group_id == group.pk


def test_a_transaction_sent_twice_in_one_batch_is_stored_once_and_both_have_an_outcome(accept, stream, events):
    event_id = uuid4().hex
    payload = {
        "event_id": event_id,
        "type": "transaction",
        "transaction": "GET /",
        "start_timestamp": NOON.timestamp(),
        "timestamp": NOON.timestamp() + 1,
        "contexts": {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}},
    }
    for _ in range(2):
        accept(("transaction", payload), event_id=event_id)

    drain(stream())

    assert events.value("SELECT count() FROM transactions") == 1
    assert quantities() == {("accepted", ""): 1, ("invalid", "duplicate"): 1}


PLACES = ("bound", "relating", "related", "storing", "stored", "advancing")


def _kill(monkeypatch, place, times=1):
    """Die at a place of the protocol, the first `times` times it is reached."""
    left = [times]

    def dying(function, before):
        def wrapped(*args, **kwargs):
            if before and left[0]:
                left[0] -= 1
                raise Killed(place)
            result = function(*args, **kwargs)
            if not before and left[0]:
                left[0] -= 1
                raise Killed(place)
            return result

        return wrapped

    targets = {
        "bound": (stream_module.Stream, "_prepare", True),
        "relating": (DigestBatch, "save", True),
        "related": (stream_module, "relate", False),
        "storing": (stream_module, "store", True),
        "stored": (stream_module, "store", False),
        "advancing": (DigestBatch, "delete", True),
    }
    owner, name, before = targets[place]
    monkeypatch.setattr(owner, name, dying(getattr(owner, name), before))


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_anywhere_loses_nothing_and_counts_nothing_twice(accept, stream, events, monkeypatch, place):
    ids = [uuid4().hex for _ in range(6)]
    for number, event_id in enumerate(ids):
        accept(("event", an_error(f"E{number % 2}", event_id=event_id, release="1.0")), event_id=event_id)
    _kill(monkeypatch, place)
    with pytest.raises(Killed):
        drain(stream())

    drain(stream())

    assert stored(events) == dict.fromkeys(ids, 1)
    assert sorted(Group.objects.values_list("times_seen", flat=True)) == [3, 3]
    assert quantities() == {("accepted", ""): 6}
    assert not DigestBatch.objects.exists()


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_while_the_next_batch_is_prepared_ahead_changes_nothing(accept, stream, events, monkeypatch, place):
    monkeypatch.setattr(stream_module, "MAX_ITEMS", 3)
    ids = [uuid4().hex for _ in range(10)]
    for number, event_id in enumerate(ids):
        accept(("event", an_error(f"E{number % 2}", event_id=event_id)), event_id=event_id)
    again = ids[0]  # in a later batch than the one that is stored when it is prepared
    accept(("event", an_error("E0", event_id=again)), event_id=again)
    one = stream()
    one.digest()
    _kill(monkeypatch, place)
    with pytest.raises(Killed):
        drain(one)

    drain(stream())

    assert stored(events) == dict.fromkeys(ids, 1)
    assert sorted(Group.objects.values_list("times_seen", flat=True)) == [5, 5]
    assert quantities() == {("accepted", ""): 10, ("invalid", "duplicate"): 1}


def test_kills_one_after_the_other_at_random_places(accept, stream, events, monkeypatch):
    chance = random.Random(7)
    ids = [uuid4().hex for _ in range(40)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
        if chance.random() < 0.3:
            with monkeypatch.context() as patch:
                _kill(patch, chance.choice(PLACES))
                with pytest.raises(Killed):
                    drain(stream())

    drain(stream())

    assert stored(events) == dict.fromkeys(ids, 1)
    assert Group.objects.get().times_seen == len(ids)


def test_the_same_event_again_replaces_its_row_and_is_counted_once(accept, stream, events, monkeypatch):
    event_id = uuid4().hex
    accept(("event", an_error(value="first", event_id=event_id)), event_id=event_id)
    drain(stream())
    accept(("event", an_error(value="second", event_id=event_id)), event_id=event_id)
    _kill(monkeypatch, "stored")
    with pytest.raises(Killed):
        drain(stream())

    drain(stream())

    group = Group.objects.get()
    assert (group.times_seen, group.title) == (1, "ValueError: second")
    assert stored(events) == {event_id: 1}
    assert b"second" in queries.get_event(events, [group.project_id], event_id).payload
    assert quantities() == {("accepted", ""): 1, ("invalid", "duplicate"): 1}


def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost(accept, stream, events, digest_engine):
    class Away:
        def __getattr__(self, name):
            def away(*args, **kwargs):
                raise StoreUnavailable("gone")

            return away

    event_id = uuid4().hex
    accept(("event", an_error(event_id=event_id)), event_id=event_id)
    one = stream(Away())
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            one.digest()
    assert DigestBatch.objects.get().attempts <= 1

    drain(stream())

    assert stored(events) == {event_id: 1}
    assert Group.objects.get().times_seen == 1


def test_an_envelope_that_breaks_prepare_is_parked_and_the_rest_go_on(accept, stream, events, park, monkeypatch):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    real = stream_module.prepare

    def breaking(envelope, config):
        if ids[1].encode() in envelope.body:
            raise RuntimeError("a defect")
        return real(envelope, config)

    monkeypatch.setattr(stream_module, "prepare", breaking)

    drain(stream())

    assert set(stored(events)) == {ids[0], ids[2]}
    [parked] = park.list()
    assert "a defect" in parked.reason
    assert "RuntimeError" in parked.traceback


def test_a_batch_that_cannot_be_related_is_halved_until_the_culprit_stands_alone(
    accept, stream, events, park, monkeypatch
):
    ids = [uuid4().hex for _ in range(9)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    real = stream_module.relate

    def breaking(mark, batch, *rest):
        if any(event.event_id == ids[4] for event in batch.events):
            raise RuntimeError("a defect")
        return real(mark, batch, *rest)

    monkeypatch.setattr(stream_module, "relate", breaking)
    drain(stream())

    assert set(stored(events)) == set(ids) - {ids[4]}
    assert Group.objects.get().times_seen == 8
    assert [parked.reason for parked in park.list()] == ["RuntimeError: a defect"]


def test_a_row_that_the_engine_refuses_is_parked_alone(accept, stream, events, park, monkeypatch):
    ids = [uuid4().hex for _ in range(5)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    real = store_module.write_errors

    def refusing(store, rows, token):
        if any(row.event_id == ids[2] for row in rows):
            raise ValueError("no such column")
        return real(store, rows, token)

    monkeypatch.setattr(store_module, "write_errors", refusing)

    drain(stream())

    assert stored(events) == dict.fromkeys(set(ids) - {ids[2]}, 1)
    assert len(park.list()) == 1


def test_an_envelope_that_kills_its_process_each_time_is_parked_in_the_end(accept, stream, events, park, monkeypatch):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    real = stream_module.prepare

    def deadly(envelope, config):
        if ids[1].encode() in envelope.body:
            raise Killed
        return real(envelope, config)

    monkeypatch.setattr(stream_module, "prepare", deadly)
    for _ in range(40):
        try:
            drain(stream())
            break
        except Killed:
            continue

    assert stored(events) == {ids[0]: 1, ids[2]: 1}
    assert [parked.position for parked in park.list()] != []


def test_a_batch_is_completed_after_a_kill_that_left_its_token_without_its_rows(accept, stream, events, monkeypatch):
    """The engine may note a token and die before the rows are in place; then it drops the replay."""
    ids = [uuid4().hex for _ in range(4)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    with monkeypatch.context() as patch:
        _kill(patch, "stored")
        with pytest.raises(Killed):
            drain(stream())
    events.run("DELETE FROM errors WHERE event_id IN {ids:Array(UUID)}", {"ids": ids[1:3]})
    assert sum(stored(events).values()) == 2

    drain(stream())

    assert stored(events) == dict.fromkeys(ids, 1)
    assert Group.objects.get().times_seen == 4


def test_a_batch_ends_where_it_would_hold_too_much_and_the_rest_is_the_next_one(accept, stream, events, monkeypatch):
    monkeypatch.setattr(stream_module, "MAX_PREPARED_BYTES", 1000)
    ids = [uuid4().hex for _ in range(7)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), ("attachment", b"x" * 600), event_id=event_id)
    one = stream()

    sizes = []
    while one.waiting():
        sizes.append(one.digest())

    assert sizes == [1] * 7
    assert stored(events) == dict.fromkeys(ids, 1)
    assert EventAttachment.objects.count() == 7


def test_many_reports_cost_one_question_of_the_event_store(accept, stream, events, project, monkeypatch):
    ids = [uuid4().hex for _ in range(5)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    drain(stream())
    for event_id in ids:
        report = {"event_id": event_id, "name": "Ann", "email": "a@example.com", "comments": "broke"}
        accept(("user_report", report), event_id=event_id)
    asked = []
    real = queries.groups_of_events
    monkeypatch.setattr(queries, "groups_of_events", lambda *args: asked.append(args) or real(*args))

    drain(stream())

    assert len(asked) == 1
    assert set(UserReport.objects.values_list("group_id", flat=True)) == {Group.objects.get().pk}


def test_projects_do_not_mix(accept, stream, events, project):
    other = a_project(project.organization, "other")
    event_id = uuid4().hex
    accept(("event", an_error(event_id=event_id)), event_id=event_id)
    accept(("event", an_error(event_id=event_id)), event_id=event_id, project_id=other.pk)

    drain(stream())

    assert sorted(Group.objects.values_list("project_id", "times_seen")) == sorted([(project.pk, 1), (other.pk, 1)])
    assert queries.get_event(events, [project.pk], event_id).summary.project_id == project.pk


def test_the_loop_digests_what_is_flushed_and_tells_how_it_stands(accept, events, tmp_path):
    digester = Digester("node", tmp_path / "spool", events, FileStore(tmp_path / "files"))
    stop = threading.Event()
    for _ in range(3):
        event_id = uuid4().hex
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    assert digester.status()["spooled"] == 3

    def run():
        digester.run(stop)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert digester.flush(20)
        status = digester.status()
    finally:
        stop.set()
        thread.join()

    assert (status["spooled"], status["digested"], status["events"], status["parked"]) == (0, 3, 3, 0)
    assert status["lag_seconds"] == 0.0
