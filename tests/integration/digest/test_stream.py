"""A stream of the spool through the four steps, stopped at every place where a process may die."""

import random
import threading
from collections import Counter
from functools import partial
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction

from tests.support.factories import NOON, a_project
from vedette.core.files import FileStore
from vedette.digest import complaints, config, watch
from vedette.digest import preparing as preparing_module
from vedette.digest import store as store_module
from vedette.digest import stream as stream_module
from vedette.digest.loop import Digester
from vedette.digest.models import DigestBatch, OutcomeCount, StreamCursor
from vedette.digest.recall import Recalls
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.issues.models import EventAttachment, Group, UserReport
from vedette.projects.options import FILTER_MESSAGES, FINGERPRINTING_RULES, GROUPING_ENHANCEMENTS, set_option
from vedette.spool.errors import ParkFull
from vedette.spool.files import consumed_position
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolWriter
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


def a_transaction(event_id):
    return {
        "event_id": event_id,
        "type": "transaction",
        "transaction": "GET /",
        "start_timestamp": NOON.timestamp(),
        "timestamp": NOON.timestamp() + 1,
        "contexts": {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}},
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
        ("filtered", "not_supported_yet"): 1,
        ("invalid", "invalid_session"): 1,
        ("invalid", "invalid_json"): 1,
    }
    group = Group.objects.get()
    assert EventAttachment.objects.get().group_id == group.pk
    assert UserReport.objects.get().group_id == group.pk


def test_a_transaction_sent_twice_in_one_batch_is_stored_once_and_both_have_an_outcome(accept, stream, events):
    event_id = uuid4().hex
    for _ in range(2):
        accept(("transaction", a_transaction(event_id)), event_id=event_id)

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
        "bound": (stream_module.Stream, "_take_through", True),
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


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (FINGERPRINTING_RULES, "type:* -> all-the-same"),
        (FILTER_MESSAGES, ("ValueError*",)),
        (GROUPING_ENHANCEMENTS, "family:python max-frames=1"),
    ],
)
def test_settings_that_change_between_counting_and_a_replay_change_nothing(
    accept, stream, events, project, monkeypatch, option, value
):
    ids = [uuid4().hex for _ in range(4)]
    for number, event_id in enumerate(ids):
        accept(("event", an_error("ValueError", f"bad {'xy'[number % 2]}", event_id=event_id)), event_id=event_id)
    with monkeypatch.context() as patch:
        _kill(patch, "related")
        with pytest.raises(Killed):
            drain(stream())
    counted = sorted(Group.objects.values_list("pk", "times_seen"))
    set_option(project, option, value)
    config._cache.clear()

    drain(stream())

    assert stored(events) == dict.fromkeys(ids, 1)
    rows = events.rows("SELECT group_id, count() FROM errors GROUP BY group_id ORDER BY group_id")
    assert sorted(tuple(row) for row in rows) == counted
    assert quantities() == {("accepted", ""): 4}


def test_what_lies_behind_the_cursor_is_forgotten_later_where_the_disk_is_full(accept, stream, events, monkeypatch):
    event_id = uuid4().hex
    accept(("event", an_error(event_id=event_id)), event_id=event_id)
    one = stream()
    full, real = [OSError(28, "No space left on device")], one.reader.forget

    def forget(upto):
        if full:
            raise full.pop()
        return real(upto)

    monkeypatch.setattr(one.reader, "forget", forget)
    one.digest()
    assert stored(events) == {event_id: 1}
    assert not DigestBatch.objects.exists()

    assert not one.waiting()
    assert consumed_position(one.directory) == one.stored_upto


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


class Away:
    """A store that is not there."""

    def __getattr__(self, name):
        def away(*args, **kwargs):
            raise StoreUnavailable("gone\nfor a while")

        return away


def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost(accept, stream, events, digest_engine):
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
    real = preparing_module.prepare

    def breaking(envelope, config):
        if ids[1].encode() in envelope.body:
            raise RuntimeError("a defect")
        return real(envelope, config)

    monkeypatch.setattr(preparing_module, "prepare", breaking)

    drain(stream())

    assert set(stored(events)) == {ids[0], ids[2]}
    [parked] = park.list()
    assert "a defect" in parked.reason
    assert "RuntimeError" in parked.traceback


def test_while_nothing_more_can_be_parked_the_stream_waits(accept, stream, events, park, monkeypatch):
    good, bad = uuid4().hex, uuid4().hex
    accept(("event", an_error(event_id=good)), event_id=good)
    accept(event_id=bad, body=b"{}\n{}\n{}")
    real = preparing_module.prepare

    def breaking(envelope, config):
        if not envelope.body.startswith(b'{"'):
            raise RuntimeError("a defect")
        return real(envelope, config)

    monkeypatch.setattr(preparing_module, "prepare", breaking)
    monkeypatch.setattr(park, "_max_bytes", 0)
    waiting = stream()

    for _ in range(10):
        with pytest.raises(ParkFull):
            waiting.digest()
    assert waiting.waiting()
    assert park.count() == 0

    monkeypatch.setattr(park, "_max_bytes", 2**20)
    drain(waiting)
    assert stored(events) == {good: 1}
    assert Group.objects.get().times_seen == 1
    assert park.count() == 1


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

    def refusing(real, store, rows, token):
        if any(row.event_id == ids[2] for row in rows):
            raise ValueError("no such column")
        return real(store, rows, token)

    with monkeypatch.context() as patch:
        for name in ("write_errors", "complete_errors"):
            patch.setattr(store_module, name, partial(refusing, getattr(store_module, name)))
        drain(stream())

    assert stored(events) == dict.fromkeys(set(ids) - {ids[2]}, 1)
    assert Group.objects.get().times_seen == 4
    assert quantities() == {("accepted", ""): 4}
    assert len(park.list()) == 1

    accept(("event", an_error(event_id=ids[2])), event_id=ids[2])  # once whatever it was is mended
    drain(stream())

    assert stored(events) == dict.fromkeys(ids, 1)
    assert Group.objects.get().times_seen == 5
    assert quantities() == {("accepted", ""): 5}


def test_an_envelope_that_kills_the_digest_each_time_is_parked_in_the_end(accept, stream, events, park, monkeypatch):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    real = stream_module.relate

    def deadly(mark, batch, *rest):
        if ids[1] in {event.event_id for event in batch.events}:
            raise Killed
        return real(mark, batch, *rest)

    monkeypatch.setattr(stream_module, "relate", deadly)
    for _ in range(40):
        try:
            drain(stream())
            break
        except Killed:
            continue

    assert stored(events) == {ids[0]: 1, ids[2]: 1}
    assert len(park.list()) == 1


@pytest.mark.parametrize("kind", ["errors", "transactions"])
def test_a_row_that_ends_the_process_each_time_it_is_stored_is_parked_and_uncounted(
    accept, stream, events, park, monkeypatch, kind
):
    ids = [uuid4().hex for _ in range(5)]
    for event_id in ids:
        if kind == "errors":
            accept(("event", an_error(event_id=event_id)), event_id=event_id)
        else:
            accept(("transaction", a_transaction(event_id)), event_id=event_id)

    def deadly(real, store, rows, token):
        if any(row.event_id == ids[3] for row in rows):
            raise Killed
        return real(store, rows, token)

    deaths = 0
    with monkeypatch.context() as patch:
        for name in (f"write_{kind}", f"complete_{kind}"):
            patch.setattr(store_module, name, partial(deadly, getattr(store_module, name)))
        while deaths < 20:
            try:
                drain(stream())
                break
            except Killed:
                deaths += 1

    # The first, those that nobody watched, and those over the whole, three of it, two and one.
    assert deaths == 1 + (watch.STARTS_BEFORE_WATCHING - 1) + 4
    [parked] = park.list()
    assert "process ended" in parked.reason
    assert {row[0].hex for row in events.rows(f"SELECT event_id FROM {kind}")} == set(ids) - {ids[3]}
    assert quantities() == {("accepted", ""): 4}
    assert list(Group.objects.values_list("times_seen", flat=True)) == ([4] if kind == "errors" else [])
    assert not DigestBatch.objects.exists()


def test_a_store_that_is_away_while_a_batch_is_watched_condemns_no_row(accept, stream, events, park, monkeypatch):
    event_id = uuid4().hex
    accept(("event", an_error(event_id=event_id)), event_id=event_id)
    with monkeypatch.context() as patch:
        _kill(patch, "storing")
        with pytest.raises(Killed):
            drain(stream())
    DigestBatch.objects.update(attempts=watch.STARTS_BEFORE_WATCHING)

    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(store_module, "complete_errors", Away().complete_errors)
            with pytest.raises(StoreUnavailable):
                stream().digest()
    drain(stream())

    assert stored(events) == {event_id: 1}
    assert park.count() == 0


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
    real = queries.places_of_events
    monkeypatch.setattr(queries, "places_of_events", lambda *args: asked.append(args) or real(*args))

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


@pytest.mark.parametrize(("name", "is_late"), [("front-0", True), ("replay-0", False)])
def test_what_is_replayed_is_never_late(events, tmp_path, name, is_late):
    writer = SpoolWriter(tmp_path / "spool" / name)
    writer.append_now(Receipt(1, 1, 1, NOON.timestamp()), b"{}")
    writer.close()

    status = Digester("node", tmp_path / "spool", events, FileStore(tmp_path / "files")).status()

    assert status["spooled"] == 1
    assert bool(status["lag_seconds"]) is is_late


def test_a_store_that_is_away_stays_the_trouble_between_two_attempts(accept, events, tmp_path, monkeypatch):
    event_id = uuid4().hex
    accept(("event", an_error(event_id=event_id)), event_id=event_id)
    digester = Digester("node", tmp_path / "spool", Away(), FileStore(tmp_path / "files"))
    never = threading.Event()
    monkeypatch.setattr("vedette.digest.loop.WINDOW_SECONDS", 0)
    monkeypatch.setattr("vedette.digest.loop.BACK_OFF_SECONDS", (60.0,))

    for _ in range(3):
        digester._round(never)
        status = digester.status()
        assert (status["trouble"], status["failures"]) == ("StoreUnavailable: gone", 1)

    digester._events = events
    digester._recall = Recalls(events)
    for stream in digester._streams.values():
        stream.events, stream.recall = events, digester._recall
    for pace in digester._paces.values():
        pace.not_before = 0.0
    digester._round(never)
    digester._preparer.close()
    assert (digester.status()["trouble"], digester.status()["failures"]) == ("", 0)
    assert stored(events) == {event_id: 1}


def refusing(monkeypatch, text, wrong):
    """The relational database says `text` about every batch that holds an event called `wrong`."""
    relate = stream_module.relate

    def refuse(mark, batch, *rest):
        if any(wrong in event.title for event in batch.events):
            raise OperationalError(text)
        return relate(mark, batch, *rest)

    monkeypatch.setattr(stream_module, "relate", refuse)


def test_a_batch_that_the_database_refuses_again_and_again_is_halved_and_its_culprit_parked(
    accept, stream, monkeypatch, park
):
    for number in range(5):
        event = an_error(value="wrong" if number == 3 else "right")
        accept(("event", event), event_id=event["event_id"])
    refusing(monkeypatch, "too many SQL variables", "wrong")
    one = stream()

    for _ in range(complaints.EQUAL_COMPLAINTS - 1):
        with pytest.raises(OperationalError):
            one.digest()
    drain(one)

    assert Group.objects.get().times_seen == 4
    assert one.numbers.parked == 1


@pytest.mark.parametrize(
    "text", ["database is locked", "disk I/O error", "database or disk is full", "deadlock detected"]
)
def test_a_database_that_cannot_answer_now_is_waited_for_however_often_it_says_so(accept, stream, monkeypatch, text):
    event = an_error(value="wrong")
    accept(("event", event), event_id=event["event_id"])
    refusing(monkeypatch, text, "wrong")
    one = stream()

    for _ in range(complaints.EQUAL_COMPLAINTS + 5):
        with pytest.raises(OperationalError):
            one.digest()

    assert one.numbers.parked == 0


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03", "57P01"])
def test_a_transaction_that_the_database_ended_is_no_defect_of_the_batch(monkeypatch, state):
    monkeypatch.setattr(complaints, "EQUAL_COMPLAINTS", 1)
    cause = Exception()
    cause.sqlstate = state
    error = OperationalError("whatever it says")
    assert complaints.Complaints().is_defect(error)

    error.__cause__ = cause

    assert not complaints.Complaints().is_defect(error)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_a_deadlock_is_tried_again_and_parks_nothing(accept, stream, events, monkeypatch, park):
    """Somebody else takes two issues in the other order."""
    monkeypatch.setattr(complaints, "EQUAL_COMPLAINTS", 1)
    sent = [an_error(kind) for kind in ("E1", "E2")]
    for event in sent:
        accept(("event", event), event_id=event["event_id"])
    drain(stream())
    first, second = Group.objects.order_by("pk").values_list("pk", flat=True)
    again = [an_error(kind) for kind in ("E1", "E2")]
    for event in again:
        accept(("event", event), event_id=event["event_id"])
    one = stream()
    with connection.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '200ms'")  # so that this one is the victim
        cursor.execute("SELECT pg_backend_pid()")
        (ours,) = cursor.fetchone()
    ready, done = threading.Event(), threading.Event()

    def cross():
        lock = "SELECT id FROM issues_group WHERE id = %s FOR UPDATE"
        waits = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '60s'")
                cursor.execute(lock, [second])
                ready.set()
                while not done.is_set():
                    cursor.execute(waits, [ours])
                    if cursor.fetchone() != (0,):
                        break
                cursor.execute(lock, [first])
        finally:
            ready.set()
            connection.close()

    other = threading.Thread(target=cross)
    other.start()
    ready.wait()
    try:
        with pytest.raises(OperationalError) as raised:
            one.digest()
    finally:
        done.set()
        other.join()
    assert getattr(raised.value.__cause__, "sqlstate", None) == "40P01"

    drain(one)

    assert stored(events) == {event["event_id"]: 1 for event in sent + again}
    assert list(Group.objects.values_list("times_seen", flat=True)) == [2, 2]
    assert park.count() == 0


def test_a_database_that_is_away_is_waited_for_whatever_it_said(accept, stream, monkeypatch):
    event = an_error(value="wrong")
    accept(("event", event), event_id=event["event_id"])
    refusing(monkeypatch, "something odd", "wrong")
    monkeypatch.setattr(complaints, "_answers", lambda: False)
    one = stream()

    for _ in range(complaints.EQUAL_COMPLAINTS + 5):
        with pytest.raises(OperationalError):
            one.digest()
