"""The server that is measured: how it is started, and what it is asked meanwhile."""

import threading
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench import memory
from tests.support.server import LiveServer, live_server
from vedette.core import runtime
from vedette.events.client import EngineAddress, connect
from vedette.events.queries import store_facts

Result = dict[str, Any]
_BENCH = {"VEDETTE_BENCH": "1", "VEDETTE_SPOOL_MAX_BYTES": str(2**34), "VEDETTE_LOG_LEVEL": "WARNING"}


def measured_server(*arguments: str) -> AbstractContextManager[LiveServer]:
    """A server of its own on an empty directory, with the empty handler and a spool that takes what a scene sends."""
    return live_server(*arguments, environment=_BENCH)


def drained(server: LiveServer, events: int) -> Result:
    """Watch the digest until nothing waits; its rate between the first batch and the last."""
    seen: list[tuple[float, int]] = []
    deadline = time.monotonic() + 60
    status: Result = {}
    while time.monotonic() < deadline:
        status = runtime.ask_engine(server.runtime(), "status").get("digest") or {}
        seen.append((time.monotonic(), int(status.get("digested", 0))))
        if status and status["digested"] >= events:
            break
        time.sleep(0.05)
    moving = [(at, count) for at, count in seen if count]
    first, last = moving[0], moving[-1]
    while len(moving) > 1 and moving[-2][1] == last[1]:
        moving.pop()
        last = moving[-1]
    seconds = max(last[0] - first[0], 1e-9)
    spent = max(sum(status[f"{step}_seconds"] for step in ("prepare", "relate", "store")), 1e-9)
    return {
        "digested_per_second": round((last[1] - first[1]) / seconds),
        "events": last[1],
        "share_prepare": round(status["prepare_seconds"] / spent, 2),
        "share_relate": round(status["relate_seconds"] / spent, 2),
        "share_store": round(status["store_seconds"] / spent, 2),
        **memory_use(server),
    }


def digested(server: LiveServer) -> int:
    """How many events have been digested since the start."""
    return _of_digest(server, "events")


def spooled(server: LiveServer) -> int:
    """How many events wait for the digest."""
    return _of_digest(server, "spooled")


def _of_digest(server: LiveServer, number: str) -> int:
    return int((runtime.ask_engine(server.runtime(), "status").get("digest") or {}).get(number, 0))


class _Watch(ABC):
    """Looks at a server twice a second until it is ended."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            self._look()

    @abstractmethod
    def _look(self) -> None: ...

    def _end(self) -> None:
        self._stop.set()
        self._thread.join()


class Waiting(_Watch):
    """How many events wait for the digest."""

    def __init__(self, server: LiveServer) -> None:
        self._seen: list[int] = []
        super().__init__(server)

    def _look(self) -> None:
        self._seen.append(spooled(self._server))

    def end(self) -> Result:
        """The median of what waited in the first and in the last third, the most, and the last."""
        self._end()
        third = max(len(self._seen) // 3, 1)
        return {
            "waiting_first_third": round(median(self._seen[:third])),
            "waiting_last_third": round(median(self._seen[-third:])),
            "waiting_most": max(self._seen),
            "waiting_at_the_end": self._seen[-1],
        }


class Peak(_Watch):
    """The memory of all processes."""

    def __init__(self, server: LiveServer) -> None:
        self._seen: list[memory.Memory] = []
        self._last: Result = {}
        super().__init__(server)

    def _look(self) -> None:
        self._seen.append(memory.of_processes(self._server.tree()))
        self._last = memory_use(self._server)

    def end(self) -> Result:
        """The median and the peak of all processes together, and what each holds now."""
        self._end()
        return {
            "private_mb_median": round(median(each.private for each in self._seen)),
            "private_mb_peak": round(max(each.private for each in self._seen)),
            "pss_mb_peak": round(max(each.pss for each in self._seen)),
            "by_process": self._last.get("by_process"),
        }


def memory_use(server: LiveServer) -> Result:
    """What all processes hold together, and each of them."""
    each = {name: memory.of_process(pid) for name, pid in server.pids().items()}
    total = memory.of_processes(server.tree())
    return {
        "private_mb": round(total.private),
        "pss_mb": round(total.pss),
        "by_process": {name: asdict(value) for name, value in each.items()},
    }


def cpu_seconds(server: LiveServer) -> dict[str, float]:
    """The processor time of each process since its start."""
    return {name: memory.cpu_seconds(pid) for name, pid in server.pids().items()}


def cores_used(server: LiveServer, before: dict[str, float], seconds: float) -> dict[str, float]:
    """The cores that each process kept busy in these seconds, since `cpu_seconds` said `before`."""
    return {name: round((value - before.get(name, 0.0)) / seconds, 2) for name, value in cpu_seconds(server).items()}


def disk_bytes(server: LiveServer) -> int:
    """Bytes that everything of this server takes on the disk."""
    return _size(server.data_dir)


def disk_parts(server: LiveServer, events: int) -> Result:
    """Bytes per event: all, by directory, and what the event store needs of its own (it keeps merged parts a while)."""
    told = server.runtime()
    store = connect(lambda: EngineAddress(runtime.LOOPBACK, told.port, told.secret))
    try:
        active = sum(int(table.bytes_on_disk or 0) for table in store_facts(store).tables)
    finally:
        store.close()
    by_place = {path.name: _size(path) for path in sorted(server.data_dir.iterdir())}
    return {
        "bytes_per_event": round(sum(by_place.values()) / events),
        "event_store_active_bytes_per_event": round(active / events),
        "by_place": {name: round(size / events) for name, size in by_place.items() if size >= events},
    }


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())
