"""Reading request bodies, and never more of them at a time than there is room for."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sized
from concurrent.futures import Executor
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol, TypeVar

from vedette.ingest.errors import Busy
from vedette.ingest.stats import IngestStats
from vedette.wire.refusals import Malformed, TooLarge

SMALL_BYTES = 64 * 1024
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 10.0
# Packed bytes become about this many plain ones, is the first guess; the next ones are as many times the last.
_GUESS = 4

Plain = TypeVar("Plain", bound=Sized)


class BodySource(Protocol):
    """The half of an RSGI protocol object that gives the body: whole, or in chunks."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Room:
    """Bytes of requests in flight and their bound; `stats.inflight_bytes` has the sum of all rooms."""

    def __init__(self, limit_bytes: int, stats: IngestStats) -> None:
        self._limit_bytes = limit_bytes
        self._stats = stats
        self._taken = 0

    def take(self, size: int) -> None:
        """Make room for `size` bytes. Raises `Busy` (503)."""
        if self._taken + size > self._limit_bytes:
            raise Busy("too many requests at once")
        self._taken += size
        self._stats.inflight_bytes += size

    def give_back(self, size: int) -> None:
        """The bytes are gone."""
        self._taken -= size
        self._stats.inflight_bytes -= size


class Unpacking:
    """Unpacks beside the event loop, and only into room that was taken before.

    How large the plain bytes are is known afterwards only. So there is room for a guess first, and the work must not
    go beyond it; what does is done again with room for more. That costs a third more work at worst, and a bomb meets
    the bound of the room, not the memory of the machine. What a decoder holds besides (its pieces, while it joins
    them) is bounded by `at_once`.
    """

    def __init__(self, room: Room, threads: Executor, at_once: int) -> None:
        self._room = room
        self._threads = threads
        self._free = asyncio.Semaphore(at_once)  # a guess takes no room while it waits for a thread

    async def run(self, work: Callable[[int], Plain], packed_bytes: int, limit: int) -> Plain:
        """What `work(bound)` makes of `packed_bytes`; its size stays taken in the room until the caller gives it back.

        `work` raises `TooLarge` beyond its bound, and so does this beyond `limit`. Raises `Busy` (503).
        """
        bound = min(limit, _GUESS * max(packed_bytes, SMALL_BYTES))
        async with self._free:
            while True:
                self._room.take(bound)
                left = 0
                try:
                    plain = await asyncio.get_running_loop().run_in_executor(self._threads, work, bound)
                    left = len(plain)
                except TooLarge:
                    if bound == limit:
                        raise
                else:
                    return plain
                finally:
                    self._room.give_back(bound - left)
                bound = min(limit, _GUESS * bound)


class Patience:
    """How long a sender may take for its body, in seconds.

    One look at all of them now and then (`sweep`) instead of a timer for each: nearly every body is there already.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}

    def begin(self) -> "asyncio.Task[Any] | None":
        """The current task begins to wait for its sender."""
        task = asyncio.current_task()
        if task is not None:
            self._since[task] = monotonic()
        return task

    def end(self, task: "asyncio.Task[Any] | None") -> bool:
        """The wait is over; False if it was this class that ended it."""
        return task is None or self._since.pop(task, None) is not None

    def sweep(self) -> None:
        """Cancel the tasks that waited too long."""
        late = monotonic() - self._seconds
        for task in [task for task, since in self._since.items() if since < late]:
            del self._since[task]
            task.cancel()


def declared_length(text: str | None, limit: int) -> int | None:
    """The Content-Length, if there is one. Raises `TooLarge` (413) before a byte of the body is read."""
    if text is None or not text.isdigit():
        return None
    length = int(text[:20])
    if length > limit:
        raise too_large(limit)
    return length


async def read_body(source: BodySource, length: int | None, limit: int, room: Room, patience: Patience) -> bytes:
    """The body, at most `limit` bytes; its size stays taken in `room` until the caller gives it back.

    Raises `TooLarge` (413), `Busy` (503), and `Malformed` (400) when the sender takes too long.
    """
    if length is not None and length <= SMALL_BYTES:
        room.take(length)
        taken = length
    else:
        taken = 0
    waiting = patience.begin()
    try:
        if taken:
            body = await source()
        else:
            chunks: list[bytes] = []
            stream = _chunks(source)  # can be had once only, so what is refused midway is drained here
            try:
                async for chunk in stream:
                    # Only what has arrived is counted: a large Content-Length alone must not fill the room.
                    if taken + len(chunk) > limit:
                        raise too_large(limit)
                    room.take(len(chunk))
                    taken += len(chunk)
                    chunks.append(chunk)
            except (TooLarge, Busy):
                chunks.clear()
                await drain(stream, length)
                raise
            body = b"".join(chunks)
    except BaseException as error:
        room.give_back(taken)
        if not patience.end(waiting) and waiting is not None and isinstance(error, asyncio.CancelledError):
            waiting.uncancel()
            raise Malformed("request body did not arrive in time", reason="timeout") from error
        raise
    patience.end(waiting)
    room.give_back(taken - len(body))
    return body


async def drain(source: AsyncIterable[bytes], length: int | None) -> None:
    """Read what is left of a refused body, within reason: a sender who still writes would not see the answer."""
    if length is not None and length > _DRAIN_BYTES:
        return
    seen = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for chunk in source:
                seen += len(chunk)
                if seen > _DRAIN_BYTES:
                    return


async def _chunks(source: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The server's stream as one that can be left in a loop and taken up in another."""
    async for chunk in source:
        yield chunk


def too_large(limit: int) -> TooLarge:
    """The refusal of a body beyond `limit` bytes."""
    return TooLarge(f"request body is larger than {limit} bytes")
