"""An event store that is short of memory gets less at once, is waited for in the end, and nothing is stored twice."""

from collections import Counter
from uuid import uuid4

import pytest

from vedette.events.client import StoreShortOfMemory

ROWS = 7


@pytest.fixture
def ids(accept):
    ids = [uuid4().hex for _ in range(ROWS)]
    for event_id in ids:
        event = {"event_id": event_id, "message": "no room", "level": "error"}
        accept(("event", event), event_id=event_id)
    return ids


@pytest.fixture
def inserting(events, monkeypatch):
    """Replaces the store's insert by a function that gets the real one first."""
    real = events.insert

    def replace(insert):
        monkeypatch.setattr(events, "insert", lambda *args, **named: insert(real, *args, **named))

    return replace


def stored(events):
    return Counter(str(row[0]).replace("-", "") for row in events.rows("SELECT event_id FROM errors"))


def test_a_batch_is_halved_until_it_fits(ids, stream, events, park, inserting):
    def tight(real, table, names, types, columns, *, token):
        if len(columns[0]) > 2:
            raise StoreShortOfMemory("code 241")
        real(table, names, types, columns, token=token)

    inserting(tight)
    taken = stream().digest()

    assert taken == ROWS
    assert stored(events) == dict.fromkeys(ids, 1)
    assert not park.list()


def test_what_was_written_before_memory_ran_out_is_not_written_again(ids, stream, events, inserting):
    def half_way(real, table, names, types, columns, *, token):
        if len(columns[0]) == ROWS:
            real(table, names, types, [column[:3] for column in columns], token=f"{token} of one week")
            raise StoreShortOfMemory("code 241")
        real(table, names, types, columns, token=token)

    inserting(half_way)
    stream().digest()

    assert stored(events) == dict.fromkeys(ids, 1)


def test_a_store_without_any_memory_is_waited_for_and_nothing_is_parked(ids, stream, events, park, inserting):
    tried = []

    def never(real, table, names, types, columns, *, token):
        tried.append(len(columns[0]))
        raise StoreShortOfMemory("code 241")

    def again(real, *args, **named):
        real(*args, **named)

    one = stream()
    inserting(never)
    with pytest.raises(StoreShortOfMemory):
        one.digest()
    assert tried == [7, 3, 1]
    assert not park.list()
    inserting(again)
    one.digest()

    assert stored(events) == dict.fromkeys(ids, 1)
