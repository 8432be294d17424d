"""The process that prepares: the same values as in this process, and what happens when it dies, hangs or is missing."""

import sys
from uuid import uuid4

import msgspec
import pytest

from tests.integration.digest.test_stream import an_error, drain, stored
from vedette.digest import config, preparer
from vedette.digest.preparer import PreparerAway, PreparerDied, PreparerProcess
from vedette.digest.preparing import Preparer, Wish
from vedette.issues.models import Group
from vedette.projects.options import SENSITIVE_FIELDS, set_option

pytestmark = pytest.mark.django_db(transaction=True)

BREAKING = """
import os, sys, time
from vedette.digest import preparer, preparing
real = preparing.prepare

def breaking(envelope, config):
    if b"{marker}" in envelope.body:
        {deed}
    return real(envelope, config)

preparing.prepare = breaking
preparer.main()
"""


@pytest.fixture
def process():
    """Makes the other process; by default the real one."""
    made = []

    def _process(code=None):
        command = (sys.executable, "-c", code) if code else preparer._COMMAND
        made.append(PreparerProcess(config.configs, command))
        return made[-1]

    yield _process
    for one in made:
        one.close()


def wish(tmp_path, **more):
    return Wish(str(tmp_path / "spool" / "front"), 0, 500, 2**24, **more)


def prepared(one, asked):
    one.ask(asked)
    ready = one.take(asked.directory)
    ready.seconds = 0.0
    return ready


def test_the_other_process_gives_the_same_values(accept, process, tmp_path):
    accept(("event", an_error(release="1.0", tags={"a": "b"}, extra={"password": "x"})), event_id=uuid4().hex)
    accept(("attachment", b"\x00\xff"), ("client_report", {"discarded_events": []}), event_id=uuid4().hex)
    accept(("user_report", {"event_id": uuid4().hex, "comments": "no"}), ("unknown", b"?"), event_id=uuid4().hex)
    accept(body=b"not an envelope")

    there = prepared(process(), wish(tmp_path))

    assert there == prepared(Preparer(config.configs), wish(tmp_path))
    assert (there.envelopes, len(there.batch.events), len(there.batch.attachments)) == (4, 1, 1)


def test_settings_that_change_reach_the_other_process(accept, process, project, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "FRESH_SECONDS", 0.0)
    accept(("event", an_error(extra={"tea": "green"})), event_id=uuid4().hex)
    one = process()
    before = prepared(one, wish(tmp_path)).batch.events[0].payload

    set_option(project, SENSITIVE_FIELDS, ["tea"])

    assert b"green" in before
    assert b"green" not in prepared(one, wish(tmp_path)).batch.events[0].payload


def test_a_wish_for_a_full_run_gets_nothing_less(accept, process, tmp_path):
    accept(("event", an_error()), event_id=uuid4().hex)

    assert prepared(process(), wish(tmp_path, only_full=True)).envelopes == 0


def test_a_run_that_ends_at_its_bytes_is_full_too(accept, process, tmp_path):
    for _ in range(4):
        accept(("attachment", b"x" * 600), event_id=uuid4().hex)
    small = msgspec.structs.replace(wish(tmp_path, only_full=True), max_bytes=1200)

    ready = prepared(process(), small)

    assert (ready.envelopes, ready.is_full) == (2, True)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_envelope_that_kills_the_other_process_is_parked_and_the_rest_go_on(
    accept, stream, events, park, process, place
):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    one = stream(preparer=process(BREAKING.format(marker=ids[place], deed="os._exit(9)")))

    drain(one)

    assert stored(events) == dict.fromkeys(set(ids) - {ids[place]}, 1)
    assert Group.objects.get().times_seen == 2
    [parked] = park.list()
    assert "exit status 9" in parked.reason


def test_a_value_that_cannot_be_sent_costs_its_own_envelope_alone(accept, stream, events, park, process):
    ids = [uuid4().hex for _ in range(3)]
    for event_id in ids:
        accept(("event", an_error(event_id=event_id)), event_id=event_id)
    deed = "[value] = real(envelope, config); value.metadata['n'] = 2**70; return (value,)"
    one = stream(preparer=process(BREAKING.format(marker=ids[1], deed=deed)))

    assert one.digest() == 3

    assert stored(events) == {ids[0]: 1, ids[2]: 1}
    [parked] = park.list()
    assert "OverflowError" in parked.reason


def test_a_report_with_a_number_in_place_of_a_text_is_an_event(accept, stream, events, process):
    report = b'{"csp-report":{"effective-directive":"img-src","blocked-uri":18446744073709551616,"document-uri":"x"}}'
    accept(("raw_security", report), event_id=uuid4().hex)

    drain(stream(preparer=process()))

    assert sum(stored(events).values()) == 1


def test_a_wish_that_was_lost_with_its_process_is_not_waited_for(accept, process, tmp_path):
    accept(("event", an_error()), event_id=uuid4().hex)
    one = process()
    one.ask(wish(tmp_path))
    one.close()

    assert not one.owes(wish(tmp_path).directory)
    with pytest.raises(PreparerDied):
        one.take(wish(tmp_path).directory)


def test_one_that_hangs_counts_as_dead(accept, process, tmp_path, monkeypatch):
    event_id = uuid4().hex
    accept(("event", an_error(event_id=event_id)), event_id=event_id)
    one = process(BREAKING.format(marker=event_id, deed="time.sleep(60)"))
    one.ask(wish(tmp_path, only_full=True))
    one.take(wish(tmp_path).directory)
    one._socket.settimeout(0.2)

    with pytest.raises(PreparerDied, match="answered nothing"):
        prepared(one, wish(tmp_path))
    assert one.pid is None


def test_one_that_does_not_start_is_waited_for_and_nothing_is_parked(accept, stream, park, process, events):
    accept(("event", an_error()), event_id=uuid4().hex)
    broken = stream(preparer=process("raise SystemExit(3)"))

    for _ in range(5):
        with pytest.raises(PreparerAway, match="exit status 3"):
            broken.digest()
    drain(stream())

    assert not park.list()
    assert sum(stored(events).values()) == 1


def test_one_that_was_killed_in_between_is_started_again(accept, process, tmp_path):
    accept(("event", an_error()), event_id=uuid4().hex)
    one = process()
    prepared(one, wish(tmp_path))
    one._process.kill()
    one._process.wait()

    assert prepared(one, wish(tmp_path)).envelopes == 1
