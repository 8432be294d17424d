"""Writing a stream: one thread, one transaction for all that wait, one answer to all of them.

`append` returns at once with a future that is done when the bytes are on disk. While the thread commits, others
queue up, and the next transaction takes them all: the busier the front, the cheaper the sync. Measured: a multi-row
INSERT instead of a row at a time halves the latency of a busy front, because the thread asks for the interpreter once
and not once a row.
"""

import asyncio
import concurrent.futures
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vedette.spool.errors import SpoolFull, SpoolUnavailable
from vedette.spool.files import (
    close_without_checkpoint,
    consumed_position,
    create_file,
    encode_receipt,
    file_numbers,
    file_path,
    position_of,
    remove_leftovers,
    sync_directory,
)
from vedette.spool.reader import SpoolReader
from vedette.spool.records import Receipt

log = logging.getLogger("vedette.spool")

_ROWS_PER_INSERT = 64
_INSERTS = tuple(
    "insert into items values " + ",".join(["(?,?,?,?)"] * rows)  # noqa: S608 (question marks only)
    for rows in range(1, _ROWS_PER_INSERT + 1)
)
_MAX_BATCH_ITEMS = 2048
_MAX_BATCH_BYTES = 64 * 1024 * 1024
_HOUSEKEEPING_SECONDS = 1.0
_RETRY_SECONDS = 0.2
_QUIET_SECONDS = 10.0
# Files are numbered by the clock (seconds since 2026), or one more than the newest: so numbers, and with them
# positions, do not start again when somebody empties the directory while the digest remembers where it was.
_NUMBERS_BEGIN_AT = 1_767_225_600

_LoopFuture = asyncio.Future[int]
_PlainFuture = concurrent.futures.Future[int]


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Past which point a spool refuses, and how long its files get. Waiting means accepted and not yet digested."""

    max_bytes: int = 2 * 1024**3
    max_age_seconds: float = 86_400.0
    file_bytes: int = 64 * 1024 * 1024


@dataclass(slots=True)
class _Waiting:
    receipt: bytes
    body: bytes
    loop: asyncio.AbstractEventLoop | None
    future: "_LoopFuture | _PlainFuture"


class StreamTaken(SpoolUnavailable):
    """Another process writes to this stream."""


def claim_stream(root: Path, limits: SpoolLimits | None = None, name: str = "front") -> "SpoolWriter":
    """A writer on the first stream `<name>-0`, `<name>-1` … under `root` that no other process writes to."""
    number = 0
    while True:
        try:
            return SpoolWriter(root / f"{name}-{number}", limits)
        except StreamTaken:
            number += 1


class SpoolWriter:
    """The only writer of the stream in `directory`; always begins with a new file.

    Raises `StreamTaken` if there is another writer, `OSError` or `sqlite3.Error` if the directory cannot be written.
    """

    def __init__(self, directory: Path, limits: SpoolLimits | None = None) -> None:
        self.directory = directory
        self.limits = limits or SpoolLimits()
        self.waiting_bytes = 0  # committed and not yet digested, as of the last look
        self.waiting_items = 0
        self.oldest_received_at: float | None = None
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._mutex = threading.Lock()  # over what both sides change: the queue's bytes, and whether it is open
        self._ended = False
        self._wake = threading.Event()
        self._closing = False
        self._lock = _lock(directory)
        self._reader = SpoolReader(directory)
        self._connection: sqlite3.Connection | None = None
        self._number = 0
        self._row = 0
        self._stored_bytes = 0
        self._retry_at = 0.0
        self._quiet_until = 0.0
        self._looked_at = 0.0
        try:
            remove_leftovers(directory)
            self._start_file()
        except (sqlite3.Error, OSError):
            os.close(self._lock)
            raise
        self._look()
        self._thread = threading.Thread(target=self._run, name=f"spool-{directory.name}", daemon=True)
        self._thread.start()

    def append(self, receipt: Receipt, body: bytes, *, beyond_limits: bool = False) -> "asyncio.Future[int]":
        """Queue a request from a running event loop; the future holds its position once it is on disk.

        Raises `SpoolFull` (unless `beyond_limits`: for the small, counted refusals of the front itself) and, at once
        or through the future, `SpoolUnavailable`.
        """
        loop = asyncio.get_running_loop()
        future: _LoopFuture = loop.create_future()
        self._put(_Waiting(encode_receipt(receipt), body, loop, future), beyond_limits)
        return future

    def append_now(self, receipt: Receipt, body: bytes, timeout_seconds: float = 30.0) -> int:
        """Append from any thread and wait; the position. For tools and tests. Raises what `append` raises."""
        future: _PlainFuture = concurrent.futures.Future()
        self._put(_Waiting(encode_receipt(receipt), body, None, future), False)
        return future.result(timeout_seconds)

    def is_full(self, more_bytes: int = 1) -> bool:
        """Whether `more_bytes` would be refused now, because of the bytes or the age of what waits."""
        if self.waiting_bytes + self._queued_bytes + more_bytes > self.limits.max_bytes:
            return True
        oldest = self.oldest_received_at
        return oldest is not None and time.time() - oldest > self.limits.max_age_seconds

    def close(self, timeout_seconds: float = 30.0) -> None:
        """Commit what waits, refuse what comes, end the thread and let the stream go. May be called twice."""
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_seconds)
        self._reader.close()
        os.close(self._lock)

    def _put(self, waiting: _Waiting, beyond_limits: bool) -> None:
        size = len(waiting.body) + len(waiting.receipt)
        if not beyond_limits and self.is_full(size):
            raise SpoolFull("too much waits to be processed")
        with self._mutex:
            if self._closing or self._ended:
                raise SpoolUnavailable("the spool is closed")
            self._queued_bytes += size
            self._queue.append(waiting)
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        try:
            while True:
                self._wake.wait(_HOUSEKEEPING_SECONDS)
                self._wake.clear()
                # Cleared before the queue is looked at: whoever appends afterwards sets it again.
                while batch := self._take():
                    self._commit(batch)
                if time.monotonic() - self._looked_at >= _HOUSEKEEPING_SECONDS:
                    self._look()
                if self._closing and not self._queue:
                    break
        finally:
            self._finish()

    def _finish(self) -> None:
        with self._mutex:
            self._ended = True  # nothing is queued from here on
        self._close_file()
        while batch := self._take():
            self._answer(batch, 0, SpoolUnavailable("the spool is closed"))

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        with suppress(IndexError):
            while len(batch) < _MAX_BATCH_ITEMS and size < _MAX_BATCH_BYTES:
                batch.append(self._queue.popleft())
                size += len(batch[-1].body)
        return batch

    def _commit(self, batch: list[_Waiting]) -> None:
        first = 0
        failure: SpoolUnavailable | None = SpoolUnavailable("the spool's disk does not take more now")
        if self._connection is None and time.monotonic() < self._retry_at:
            self._answer(batch, first, failure)
            return
        try:
            first = self._store(batch)
            failure = None
        except (sqlite3.Error, OSError) as error:
            self._complain(error)
            # Whatever went wrong, what was acknowledged is safe in the old file; go on in a new one.
            self._close_file()
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            return
        finally:
            self._answer(batch, first, failure)
        with suppress(OSError, sqlite3.Error):
            if os.path.getsize(f"{file_path(self.directory, self._number)}-wal") >= self.limits.file_bytes:
                self._close_file()
                self._start_file()

    def _complain(self, error: Exception) -> None:
        """Not each time: a full disk is tried several times a second, and the log lies on a disk, too."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            log.error("spool %s does not take requests: %s", self.directory, error)

    def _store(self, batch: list[_Waiting]) -> int:
        """One transaction; the position of the batch's first row, the others follow it."""
        if self._connection is None:
            self._start_file()
        connection = self._connection
        assert connection is not None  # noqa: S101 (narrowed for the type checker)
        row, stored = self._row, self._stored_bytes
        values: list[int | bytes] = []
        for waiting in batch:
            row += 1
            stored += len(waiting.receipt) + len(waiting.body)
            values += (row, stored, waiting.receipt, waiting.body)
        if len(batch) <= _ROWS_PER_INSERT:
            connection.execute(_INSERTS[len(batch) - 1], values)  # a transaction by itself
        else:
            self._insert_many(connection, values)
        first = position_of(self._number, self._row + 1)
        self._row, self._stored_bytes = row, stored
        return first

    @staticmethod
    def _insert_many(connection: sqlite3.Connection, values: list[int | bytes]) -> None:
        connection.execute("begin immediate")
        try:
            for start in range(0, len(values), 4 * _ROWS_PER_INSERT):
                part = values[start : start + 4 * _ROWS_PER_INSERT]
                connection.execute(_INSERTS[len(part) // 4 - 1], part)
            connection.execute("commit")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                connection.execute("rollback")
            raise

    def _answer(self, batch: list[_Waiting], first: int, error: SpoolUnavailable | None) -> None:
        size = sum(len(waiting.body) + len(waiting.receipt) for waiting in batch)
        with self._mutex:
            self._queued_bytes -= size
        if error is None:
            self.waiting_bytes += size
            self.waiting_items += len(batch)
        # Nearly always one loop, so one call wakes everybody.
        by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[_LoopFuture | _PlainFuture, int]]] = {}
        for offset, waiting in enumerate(batch):
            by_loop.setdefault(waiting.loop, []).append((waiting.future, first + offset))
        for loop, futures in by_loop.items():
            if loop is None:
                _resolve(futures, error)
            else:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(_resolve, futures, error)

    def _start_file(self) -> None:
        newest = max(file_numbers(self.directory), default=0)
        number = max(newest + 1, int(time.time()) - _NUMBERS_BEGIN_AT)
        self._connection = create_file(self.directory, number)
        self._number, self._row, self._stored_bytes = number, 0, 0

    def _close_file(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error, OSError):
                close_without_checkpoint(connection, self.directory, self._number)

    def _look(self) -> None:
        """See how much waits: the digest works in another process and only leaves a note."""
        self._looked_at = time.monotonic()
        with suppress(OSError, sqlite3.Error):
            depth = self._reader.depth(consumed_position(self.directory))
            self.waiting_items, self.waiting_bytes = depth.items, depth.bytes
            self.oldest_received_at = depth.oldest_received_at


def _resolve(futures: list[tuple[_LoopFuture | _PlainFuture, int]], error: SpoolUnavailable | None) -> None:
    for future, position in futures:
        if future.done():  # the request was cancelled meanwhile
            continue
        if error is None:
            future.set_result(position)
        else:
            future.set_exception(error)


def _lock(directory: Path) -> int:
    """The descriptor that holds the stream's lock; the kernel lets go of it when the process ends, however it ends."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync_directory(directory.parent)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StreamTaken(f"another process writes to {directory}") from error
    return descriptor
