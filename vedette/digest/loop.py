"""The digest loop: every stream of this node's spool, over and over, in batches worth their cost.

A batch is taken when its first item has waited `WINDOW_SECONDS` (without that, 500 events a second cost a whole core),
when somebody asks for a flush, or at once while more than a batch is waiting.
"""

import logging
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import close_old_connections

from vedette.core.files import FileStore
from vedette.digest.config import configs
from vedette.digest.preparer import PreparerProcess
from vedette.digest.recall import Recalls
from vedette.digest.stream import AWAY, Numbers, Stream
from vedette.events.client import EventStore
from vedette.spool.files import is_replay, streams
from vedette.spool.park import Park, parked_count
from vedette.spool.reader import SpoolReader

log = logging.getLogger(__name__)

WINDOW_SECONDS = 0.3
POLL_SECONDS = 0.05
BACK_OFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def node_name(data_dir: Path) -> str:
    """This node's name, made on the first start and kept: cursors in the shared database are under it."""
    path = data_dir / "node-name"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(uuid.uuid4().hex[:12])
    return path.read_text().strip()


@dataclass(slots=True)
class _Pace:
    """When a stream is due, and what keeps it from going on: `failures` in a row, the first at `failing_since`."""

    waiting_since: float | None = None
    failures: int = 0
    failing_since: float = 0.0
    not_before: float = 0.0
    trouble: str = ""

    def recover(self) -> None:
        """Nothing keeps it any more."""
        self.failures, self.trouble = 0, ""


class Digester:
    """Digests what lies under `spool_root`. `run` belongs to one thread; the rest may be called from others."""

    def __init__(self, node: str, spool_root: Path, events: EventStore, files: FileStore) -> None:
        self._node = node
        self._root = spool_root
        self._events = events
        self._files = files
        self._park = Park(spool_root)
        self._preparer = PreparerProcess(configs)
        self._recall = Recalls(events)
        self._streams: dict[str, Stream] = {}
        self._paces: dict[str, _Pace] = {}
        self._wake = threading.Event()
        self._hurry_until = 0.0
        self._moved = threading.Condition()
        self.numbers = Numbers()

    def run(self, stop: threading.Event) -> None:
        """Digest until `stop` is set; the batch in hand is finished first."""
        while not stop.is_set():
            close_old_connections()
            if not self._round(stop):
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()
        for stream in self._streams.values():
            stream.close()
        self._preparer.close()
        self._park.close()

    def flush(self, timeout_seconds: float = 10.0) -> bool:
        """Digest without delay what was accepted before this call; whether that was done in time."""
        goals = {path.name: _last_position(path) for path in streams(self._root)}
        deadline = time.monotonic() + timeout_seconds
        self._hurry_until = deadline
        self._wake.set()
        with self._moved:
            return self._moved.wait_for(lambda: self._reached(goals), timeout_seconds)

    def status(self) -> dict[str, Any]:
        """What waits and what was done: `spooled` items, `lag_seconds` of the oldest, `digested`, `parked`."""
        items = size = 0
        oldest: float | None = None
        for path in streams(self._root):
            stream = self._streams.get(path.name)
            reader = SpoolReader(path)
            try:
                depth = reader.depth(stream.stored_upto if stream else 0)
            finally:
                reader.close()
            items += depth.items
            size += depth.bytes
            if depth.oldest_received_at is not None and not is_replay(path):
                oldest = min(oldest or depth.oldest_received_at, depth.oldest_received_at)
        numbers = self.numbers
        return {
            "spooled": items,
            "spooled_bytes": size,
            "lag_seconds": max(time.time() - oldest, 0.0) if oldest else 0.0,
            "digested": numbers.envelopes,
            "events": numbers.events,
            "batches": numbers.batches,
            "parked": parked_count(self._root),
            "prepare_seconds": numbers.prepare_seconds,
            "relate_seconds": numbers.relate_seconds,
            "store_seconds": numbers.store_seconds,
            **self._trouble(),
        }

    def _trouble(self) -> dict[str, Any]:
        """What keeps the streams from going on: that of the one which fails longest."""
        failing = [pace for pace in self._paces.copy().values() if pace.failures]
        worst = min(failing, key=lambda pace: pace.failing_since, default=_Pace())
        return {
            "trouble": worst.trouble,
            "trouble_seconds": time.monotonic() - worst.failing_since if worst.failures else 0.0,
            "failures": worst.failures,
            "preparer_pid": self._preparer.pid,
        }

    def _round(self, stop: threading.Event) -> bool:
        """One look at every stream; whether any of them moved."""
        moved = False
        for path in streams(self._root):
            if stop.is_set():
                break
            pace = self._paces.setdefault(path.name, _Pace())
            try:
                moved |= self._serve(path, pace)
            except AWAY as error:
                self._back_off(path.name, pace, error)
        return moved

    def _serve(self, path: Path, pace: _Pace) -> bool:
        """Take a batch of one stream if it is due."""
        now = time.monotonic()
        if now < pace.not_before:
            return False
        stream = self._stream(path)
        if not stream.waiting():
            pace.waiting_since = None
            pace.recover()
            return False
        if pace.waiting_since is None:
            pace.waiting_since = now
        if now - pace.waiting_since < WINDOW_SECONDS and now > self._hurry_until:
            return False
        stream.digest()
        pace.recover()
        if not stream.is_behind:
            pace.waiting_since = None
        with self._moved:
            self._moved.notify_all()
        return True

    def _stream(self, path: Path) -> Stream:
        if path.name not in self._streams:
            self._streams[path.name] = Stream(
                f"{self._node}/{path.name}",
                path,
                self._events,
                self._files,
                self._park,
                self._preparer,
                self._recall,
                self.numbers,
            )
        return self._streams[path.name]

    def _back_off(self, name: str, pace: _Pace, error: Exception) -> None:
        now = time.monotonic()
        if not pace.failures:
            pace.failing_since = now
        delay = BACK_OFF_SECONDS[min(pace.failures, len(BACK_OFF_SECONDS) - 1)]
        pace.failures += 1
        pace.not_before = now + delay
        reason = str(error).strip().partition("\n")[0]  # a database's errors have several lines
        pace.trouble = f"{type(error).__name__}: {reason}"
        level = logging.WARNING if pace.failures in (1, 10, 100) else logging.DEBUG
        log.log(level, "stream %s waits %.1f s (failure %d): %s", name, delay, pace.failures, pace.trouble)

    def _reached(self, goals: dict[str, int]) -> bool:
        return all(
            name in self._streams and self._streams[name].stored_upto >= goal for name, goal in goals.items() if goal
        )


def _last_position(path: Path) -> int:
    reader = SpoolReader(path)
    try:
        return reader.last_position()
    finally:
        reader.close()
