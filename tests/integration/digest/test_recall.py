"""Which ids are known: the filters never say "new" of one that is stored."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.digest.test_stream import an_error, drain, quantities, stored
from tests.support.factories import NOON
from vedette.digest import recall as recall_module
from vedette.digest.recall import Recall, Recalls
from vedette.events.arrivals import arriving
from vedette.events.queries import ids as queries
from vedette.events.queries.ids import key_of

pytestmark = pytest.mark.django_db(transaction=True)


def new_ids(project, count, moment=NOON):
    return [(project.pk, uuid4().hex, moment) for _ in range(count)]


@pytest.fixture
def store_events(accept, stream, project):
    """Stores events, as an earlier process did."""

    def _store(count, moment=NOON):
        ids = new_ids(project, count, moment)
        for _, event_id, at in ids:
            accept(("event", an_error(event_id=event_id, timestamp=at.timestamp())), event_id=event_id, at=at)
        drain(stream())
        return ids

    return _store


def test_what_an_earlier_process_stored_is_suspected_and_what_is_new_is_not(events, store_events, project):
    known = store_events(20)
    recall = Recall(events, "errors")

    assert recall.suspects(known) == known
    assert recall.suspects(new_ids(project, 200)) == []


def test_what_is_being_stored_is_suspected_from_then_on(events, project):
    ids = new_ids(project, 50)
    recall = Recall(events, "errors")

    assert recall.suspects(ids) == []
    recall.add(ids)
    assert recall.suspects(ids) == ids


def test_the_same_id_on_another_day_or_in_another_project_is_another_event(events, store_events, project):
    [(_, event_id, moment)] = store_events(1)
    recall = Recall(events, "errors")

    assert recall.suspects([(project.pk, event_id, moment - timedelta(days=1))]) == []
    assert recall.suspects([(project.pk + 1, event_id, moment)]) == []


def test_until_a_day_is_read_in_whole_everything_of_it_is_suspected(events, store_events, project, monkeypatch):
    known = store_events(30)
    monkeypatch.setattr(recall_module, "PART_IDS", 10)
    recall = Recall(events, "errors")
    new = new_ids(project, 5)
    late = new_ids(project, 5)

    assert recall.suspects(new) == new
    recall.add(late)  # while the day is being read
    assert recall.suspects(new) == new
    assert recall.suspects(new) == []
    assert recall.suspects(known + late) == known + late


def test_a_day_takes_more_ids_than_were_expected(events, project, monkeypatch):
    monkeypatch.setattr(recall_module, "FIRST_LAYER_IDS", 16)
    ids = new_ids(project, 2000)
    recall = Recall(events, "errors")
    recall.suspects(ids)
    for start in range(0, 2000, 100):
        recall.add(ids[start : start + 100])

    assert recall.suspects(ids) == ids
    assert len(recall.suspects(new_ids(project, 2000))) < 20


def test_days_that_nobody_asked_for_lately_are_given_up_for_memory(events, project, monkeypatch):
    monkeypatch.setattr(recall_module, "MAX_BYTES", 2**18)
    recall = Recall(events, "errors")
    for back in range(20):
        ids = new_ids(project, 3, NOON - timedelta(days=back))
        recall.suspects(ids)
        recall.add(ids)

    assert sum(day.size_bytes for day in recall._days.values()) <= 2**18
    assert recall.suspects(ids) == ids


def test_a_batch_of_many_days_reads_those_with_the_most_ids_and_suspects_the_others(
    events, store_events, project, monkeypatch
):
    monkeypatch.setattr(recall_module, "MOST_DAYS", 2)
    days = [NOON - timedelta(days=back) for back in range(5)]
    known = [one for day in days for one in store_events(2, day)]
    new = [one for count, day in zip((1, 4, 1, 3, 1), days, strict=True) for one in new_ids(project, count, day)]
    recall = Recall(events, "errors")

    suspected = recall.suspects(new)
    assert {moment for _, _, moment in suspected} == {days[0], days[2], days[4]}
    assert len(recall._days) == 2
    recall.add(new)
    assert recall.suspects(new) == new
    assert recall.suspects(known) == known


def test_days_of_one_batch_take_no_more_memory_than_others(events, project, monkeypatch):
    monkeypatch.setattr(recall_module, "MAX_BYTES", 2**18)
    days = [NOON - timedelta(days=back) for back in range(20)]
    recall = Recall(events, "errors")
    for day in days:
        recall.suspects(new_ids(project, 1, day))
    batch = [one for day in days for one in new_ids(project, 1 + (day == days[7]), day)]
    recall.suspects(batch)
    recall.add(batch)

    assert sum(day.size_bytes for day in recall._days.values()) <= 2**18
    assert days[7].date() in recall._days
    assert recall.suspects(batch) == batch


def test_a_day_with_too_many_ids_is_asked_about_and_not_remembered(events, store_events, project, monkeypatch):
    monkeypatch.setattr(recall_module, "MAX_IDS", 32)
    monkeypatch.setattr(recall_module, "FIRST_LAYER_IDS", 16)
    known = store_events(40)
    new = new_ids(project, 100)
    stored_many, grown = Recall(events, "errors"), Recall(events, "errors")

    assert stored_many.suspects(new) == new
    other_day = new_ids(project, 100, NOON - timedelta(days=3))
    assert grown.suspects(other_day) == []
    grown.add(other_day)
    assert grown.suspects(other_day) == other_day
    assert stored_many.suspects(known) == known


def test_a_store_that_others_write_to_is_asked_about_every_id(events, project, monkeypatch):
    monkeypatch.setattr(events, "embedded", False)
    ids = new_ids(project, 5)

    assert Recall(events, "errors").suspects(ids) == ids


def test_the_short_form_is_the_same_in_both_places(events, store_events):
    ids = store_events(10)

    keys = queries.id_keys(events, "errors", NOON.date(), 0, 1)

    assert sorted(keys) == sorted(key_of(project_id, event_id) for project_id, event_id, _ in ids)


def test_one_process_meets_an_id_again_in_a_later_batch(accept, stream, events):
    event_id = uuid4().hex
    one = stream()
    for value in ("first", "second", "third"):
        accept(("event", an_error(value=value, event_id=event_id)), event_id=event_id)
        drain(one)

    assert stored(events) == {event_id: 1}
    assert quantities() == {("accepted", ""): 1, ("invalid", "duplicate"): 2}


def test_transactions_are_recalled_apart_from_errors(events, project):
    recalls = Recalls(events)
    ids = new_ids(project, 3)
    for recall in (recalls.events, recalls.transactions):
        assert recall.suspects(ids) == []
    recalls.events.add(ids)

    assert recalls.transactions.suspects(ids) == []
    assert recalls.events.suspects(ids) == ids


def test_while_rows_arrive_past_the_digest_the_store_is_asked_about_every_id(events, project):
    ids = new_ids(project, 5)
    recall = Recall(events, "errors")
    assert recall.suspects(ids) == []

    with arriving(events), arriving(events):
        assert recall.suspects(ids) == ids

    assert recall.suspects(ids) == []


def test_what_arrived_past_the_digest_is_known_afterwards(events, store_events, project):
    recall = Recall(events, "errors")
    assert recall.suspects(new_ids(project, 1)) == []  # the day is read, and empty

    with arriving(events):
        known = store_events(20)

    assert recall.suspects(known) == known
    assert recall.suspects(new_ids(project, 200)) == []


def test_an_arrival_is_over_with_whoever_brought_it(events, project):
    recall = Recall(events, "errors")
    with pytest.raises(ValueError, match="broken off"), arriving(events):
        raise ValueError("broken off")

    assert recall.suspects(new_ids(project, 5)) == []
