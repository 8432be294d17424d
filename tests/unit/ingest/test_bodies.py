"""Reading bodies within bounds."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from vedette.ingest.bodies import Patience, Room, declared_length, read_body
from vedette.ingest.errors import Busy
from vedette.ingest.stats import IngestStats
from vedette.wire.refusals import Malformed, TooLarge


class Source:
    """A body in chunks; `None` in place of a chunk never comes."""

    def __init__(self, *chunks: bytes | None) -> None:
        self.chunks = chunks

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if chunk is None:
                await asyncio.Event().wait()
            else:
                yield chunk


@pytest.fixture
def stats():
    return IngestStats()


@pytest.fixture
def room(stats):
    return Room(1000, stats)


@pytest.mark.parametrize("length", [None, 10], ids=["chunked", "with length"])
def test_a_body_stays_in_the_room_until_it_is_given_back(length, room, stats):
    body = asyncio.run(read_body(Source(b"hello", b"world"), length, 100, room, Patience(60)))

    assert body == b"helloworld"
    assert stats.inflight_bytes == 10
    room.give_back(len(body))
    assert stats.inflight_bytes == 0


def test_a_chunked_body_beyond_the_limit_is_413(room, stats):
    with pytest.raises(TooLarge):
        asyncio.run(read_body(Source(b"x" * 60, b"x" * 60), None, 100, room, Patience(60)))

    assert stats.inflight_bytes == 0


@pytest.mark.parametrize("length", [None, 600], ids=["chunked", "with length"])
def test_more_than_there_is_room_for_is_503(length, room, stats):
    room.take(500)

    with pytest.raises(Busy) as caught:
        asyncio.run(read_body(Source(b"x" * 600), length, 10_000, room, Patience(60)))

    assert caught.value.status == 503
    assert stats.inflight_bytes == 500


@pytest.mark.parametrize("length", [None, 600], ids=["chunked", "with length"])
def test_a_body_that_does_not_come_in_time_is_400(length, room, stats):
    async def read() -> None:
        patience = Patience(0.01)
        reading = asyncio.create_task(read_body(Source(b"x", None), length, 10_000, room, patience))
        await asyncio.sleep(0.05)
        patience.sweep()
        await reading

    with pytest.raises(Malformed, match="did not arrive in time"):
        asyncio.run(read())
    assert stats.inflight_bytes == 0


def test_a_request_that_is_cancelled_by_somebody_else_stays_cancelled(room, stats):
    async def read() -> None:
        reading = asyncio.create_task(read_body(Source(b"x", None), None, 10_000, room, Patience(60)))
        await asyncio.sleep(0)
        reading.cancel()
        await reading

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(read())
    assert stats.inflight_bytes == 0


@pytest.mark.parametrize(("text", "length"), [(None, None), ("", None), ("x", None), ("0", 0), ("100", 100)])
def test_the_declared_length_is_read(text, length):
    assert declared_length(text, 100) == length


def test_a_declared_length_beyond_the_limit_is_413():
    with pytest.raises(TooLarge):
        declared_length("101", 100)


def test_rooms_are_bound_each_for_itself_and_counted_together(room, stats):
    other = Room(10, stats)
    room.take(1000)

    other.take(10)
    with pytest.raises(Busy):
        other.take(1)

    assert stats.inflight_bytes == 1010


def test_a_chunked_body_beyond_a_limit_that_is_all_of_its_room_is_413(stats):
    with pytest.raises(TooLarge):
        asyncio.run(read_body(Source(b"x" * 60, b"x" * 60), None, 100, Room(100, stats), Patience(60)))
