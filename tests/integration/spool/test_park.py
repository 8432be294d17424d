"""Parked requests."""

from contextlib import closing

import pytest

from vedette.spool.errors import ParkFull
from vedette.spool.park import Park, parked_count


@pytest.fixture
def park(tmp_path):
    with closing(Park(tmp_path)) as park:
        yield park


def test_a_parked_request_can_be_listed_read_and_removed(park, a_receipt):
    park.put("front-0", 7, a_receipt(), b"body", "ValueError", "Traceback …")

    (parked,) = park.list()
    assert (parked.stream, parked.position, parked.receipt) == ("front-0", 7, a_receipt())
    assert (parked.body_bytes, parked.reason, parked.traceback) == (4, "ValueError", "Traceback …")
    assert parked.parked_at > 0
    assert park.get(parked.id) == (parked, b"body")

    assert park.remove(parked.id)
    assert not park.remove(parked.id)
    assert park.get(parked.id) is None
    assert park.count() == 0


def test_the_same_position_is_parked_once_with_the_newest_reason(park, a_receipt):
    park.put("front-0", 7, a_receipt(), b"body", "first")
    park.put("front-0", 7, a_receipt(), b"body", "second")
    park.put("front-1", 7, a_receipt(), b"body", "other stream")

    assert [parked.reason for parked in park.list()] == ["second", "other stream"]


def test_an_unreadable_receipt_is_parked_too(park):
    park.put("front-0", 7, b"\x00", b"body", "damaged")

    assert park.list()[0].receipt is None


def test_listing_goes_on_behind_an_id(park, a_receipt):
    for position in range(5):
        park.put("front-0", position, a_receipt(), b"", "x")

    first = park.list(limit=2)

    assert [parked.position for parked in park.list(after_id=first[-1].id)] == [2, 3, 4]


def test_the_count_is_known_without_making_a_file(tmp_path, a_receipt):
    assert parked_count(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
    with closing(Park(tmp_path)) as park:
        park.put("front-0", 1, a_receipt(), b"", "x")

    assert parked_count(tmp_path) == 1


def test_a_full_park_takes_no_more_until_something_is_dropped(tmp_path, a_receipt):
    with closing(Park(tmp_path, max_bytes=200_000)) as park:
        park.put("front-0", 1, a_receipt(), bytes(150_000), "x")
        with pytest.raises(ParkFull):
            park.put("front-0", 2, a_receipt(), bytes(50_000), "x")
        park.put("front-0", 3, a_receipt(), bytes(50_000), "damaged", beyond_limit=True)
        assert [parked.position for parked in park.list()] == [1, 3]

        park.remove(park.list()[0].id)
        park.put("front-0", 2, a_receipt(), bytes(50_000), "x")
