"""Reading bodies within bounds."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from vedette.ingest.bodies import SMALL_BYTES, Patience, Room, Unpacking, declared_length, read_body
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


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Packed:
    """Unpacks to so many bytes, and notes how far it might go and what was taken then."""

    def __init__(self, plain_bytes: int, stats: IngestStats) -> None:
        self.plain_bytes = plain_bytes
        self.stats = stats
        self.seen: list[tuple[int, int]] = []

    def __call__(self, bound: int) -> bytes:
        self.seen.append((bound, self.stats.inflight_bytes))
        if self.plain_bytes > bound:
            raise TooLarge("beyond")
        return bytes(self.plain_bytes)


def unpack(work, room, threads, packed_bytes=0, limit=1000 * SMALL_BYTES):
    async def run() -> bytes:
        return await Unpacking(room, threads, 2).run(work, packed_bytes, limit)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("packed", "plain", "bounds"),
    [
        (1, 0, [4]),
        (1, 4, [4]),
        (2, 5, [8]),
        (1, 5, [4, 16]),
        (1, 17, [4, 16, 64]),
        (1, 100, [4, 16, 64, 100]),
        (90, 100, [100]),
    ],
)
def test_room_for_a_guess_is_taken_before_anything_is_unpacked(stats, threads, packed, plain, bounds):
    work = Packed(plain * SMALL_BYTES, stats)
    room = Room(100 * SMALL_BYTES, stats)

    found = unpack(work, room, threads, packed * SMALL_BYTES, 100 * SMALL_BYTES)

    assert len(found) == plain * SMALL_BYTES
    assert work.seen == [(bound * SMALL_BYTES, bound * SMALL_BYTES) for bound in bounds]
    assert stats.inflight_bytes == len(found)  # the caller's to give back


@pytest.mark.parametrize(
    ("room_for", "error", "bounds"),
    [(3, Busy, []), (20, Busy, [4, 16]), (100, TooLarge, [4, 16, 30])],
    ids=["not even a guess", "a guess too small", "beyond the limit"],
)
def test_what_does_not_fit_is_refused_and_takes_no_room(stats, threads, room_for, error, bounds):
    work = Packed(31 * SMALL_BYTES, stats)

    with pytest.raises(error):
        unpack(work, Room(room_for * SMALL_BYTES, stats), threads, limit=30 * SMALL_BYTES)

    assert [bound for bound, _ in work.seen] == [bound * SMALL_BYTES for bound in bounds]
    assert stats.inflight_bytes == 0


def test_what_cannot_be_unpacked_takes_no_room(stats, threads):
    def work(bound: int) -> bytes:
        raise Malformed("broken")

    with pytest.raises(Malformed):
        unpack(work, Room(100 * SMALL_BYTES, stats), threads)

    assert stats.inflight_bytes == 0


def test_who_waits_for_a_thread_takes_no_room(stats, threads):
    gates = [threading.Event() for _ in range(3)]
    begun = threading.Semaphore(0)

    def work(number: int, bound: int) -> bytes:
        begun.release()
        gates[number].wait(10)
        return bytes(number)

    async def run() -> list[int]:
        unpacking = Unpacking(Room(100 * SMALL_BYTES, stats), threads, 2)
        waiting = [asyncio.create_task(unpacking.run(partial(work, number), 0, SMALL_BYTES)) for number in range(3)]
        await asyncio.to_thread(lambda: begun.acquire() and begun.acquire())
        taken = [stats.inflight_bytes]
        for gate in gates:
            gate.set()
        await asyncio.gather(*waiting)
        return [*taken, stats.inflight_bytes]

    assert asyncio.run(run()) == [2 * SMALL_BYTES, 0 + 1 + 2]
