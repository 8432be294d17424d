"""What is measured: each scene starts a server of its own, measures, stops it, and yields named results.

Every scene is bounded in time. Rates are per second, times are milliseconds unless a name says otherwise, memory is
megabytes (10^6). The ratio or the goal that a number has to be read against stands beside it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench import load, memory
from bench.load import Plan
from bench.payloads import Payloads, Size
from tests.support.http import Client
from tests.support.server import LiveServer, live_server
from vedette.core import runtime
from vedette.events.client import EngineAddress, connect
from vedette.events.queries import store_facts

Result = dict[str, Any]
BENCH = {"VEDETTE_BENCH": "1", "VEDETTE_SPOOL_MAX_BYTES": str(2**34), "VEDETTE_LOG_LEVEL": "WARNING"}
SIZES: tuple[Size, ...] = ("3k", "10k")
NOOP = "/_vedette/noop"
PASSWORD = "correct horse battery 9"


def start() -> Iterator[Result]:
    """From the command to ready: on an empty directory, and again; the memory of a server that has nothing to do."""
    with live_server(environment=BENCH) as server:
        first = server.ready_after_seconds
        server.bootstrap()
        again = [server.restart().ready_after_seconds for _ in range(3)]
        time.sleep(5)
        yield {
            "name": "start",
            "first_seconds": round(first, 2),
            "again_seconds": round(median(again), 2),
            "goal_seconds": 3,
        }
        yield {"name": "memory idle", **_memory(server), "goal_private_mb": 250}


def accept() -> Iterator[Result]:
    """Accepted and durable, against the empty handler of the same server; nothing is digested meanwhile."""
    for size in SIZES:
        with live_server("--no-digest", environment=BENCH) as server:
            shop = server.bootstrap()
            noops, accepts = [], []
            for _ in range(2):
                noops.append(load.run(Plan(shop["dsn"], 4, size, path=NOOP)))
                accepts.append(load.run(Plan(shop["dsn"], 5, size)))
            noop, best = max(noops, key=_rate), max(accepts, key=_rate)
            yield {
                "name": "accept",
                "size": size,
                "bytes": best.bytes_per_event,
                "noop_per_second": noop.per_second,
                "accepted_per_second": best.per_second,
                "share_of_noop": round(best.per_second / noop.per_second, 3),
                "goal_share": 0.40 if size == "3k" else 0.25,
                "p50_ms": best.p50_ms,
                "p99_ms": best.p99_ms,
                "goal_p99_ms": 50,
                "refused": _refused(best),
            }


def digest() -> Iterator[Result]:
    """Everything on (normalise, scrub, group, count, store): draining a spool that was filled before."""
    for size, goal in zip(SIZES, (3000, 1500), strict=True):
        for issues in (1, 500):
            with live_server("--no-digest", environment=BENCH) as server:
                shop = server.bootstrap()
                load.run(Plan(shop["dsn"], 60, size, issues, events=goal * 4))
                server.stop()
                server.arguments = ()
                server.start()
                yield {
                    "name": "digest",
                    "size": size,
                    "issues": issues,
                    **_drained(server, goal * 4),
                    "goal_per_second": goal,
                    "disk_bytes_per_event": round(_disk(server) / (goal * 4)),
                }


def steady() -> Iterator[Result]:
    """500 events a second with everything on: accept, from accept to visible, memory, processor time."""
    with live_server(environment=BENCH) as server:
        shop = server.bootstrap()
        load.run(Plan(shop["dsn"], 3, rate=500))
        before = _cpu(server)
        began = time.monotonic()
        watch = _Peak(server)
        report = load.run(Plan(shop["dsn"], 20, rate=500))
        seconds = time.monotonic() - began
        used = {name: round((value - before.get(name, 0.0)) / seconds, 2) for name, value in _cpu(server).items()}
        yield {
            "name": "steady 500/s",
            "p50_ms": report.p50_ms,
            "p99_ms": report.p99_ms,
            "goal_p99_ms": 25,
            "cores": used,
            "refused": _refused(report),
        }
        yield {"name": "memory at 500/s", **watch.end(), "goal_private_mb": 400}
        yield _visible(server, shop)


def flat_out() -> Iterator[Result]:
    """As fast as it takes them, digesting at the same time; then how long until all is digested."""
    with live_server(environment=BENCH) as server:
        shop = server.bootstrap()
        watch = _Peak(server)
        report = load.run(Plan(shop["dsn"], 10))
        behind = _spooled(server)
        began = time.monotonic()
        server.flush(120)
        yield {
            "name": "flat out",
            "accepted_per_second": report.per_second,
            "p50_ms": report.p50_ms,
            "p99_ms": report.p99_ms,
            "refused": _refused(report),
            "behind": behind,
            "caught_up_after_seconds": round(time.monotonic() - began, 1),
        }
        yield {"name": "memory flat out", **watch.end(), "goal_private_mb": 1000}


def pages(events: int = 100_000) -> Iterator[Result]:
    """What people wait for, with this many events over 2,000 issues and ten days."""
    with live_server(environment=BENCH) as server:
        shop = server.bootstrap(password=PASSWORD)
        began = time.monotonic()
        load.run(Plan(shop["dsn"], 100, issues=2_000, events=events, spread_days=10, connections=16))
        server.flush(180)
        loaded = time.monotonic() - began
        yield {"name": "load", "events": events, "seconds": round(loaded, 1)}
        yield {"name": "disk", "events": events, **_disk_parts(server, events), "goal_bytes_per_event": 1000}
        yield from _page_times(server, shop, events)
        yield {"name": f"start with {events} events", "seconds": round(server.restart().ready_after_seconds, 2)}


def _page_times(server: LiveServer, shop: Result, events: int) -> Iterator[Result]:
    person, api = server.visitor(shop["email"], PASSWORD), server.api(shop["auth_token"])
    organization = shop["organization"]
    issues = api.get(f"/api/0/organizations/{organization}/issues/?query=&limit=25&statsPeriod=14d").json()
    newest = [
        api.get(f"/api/0/organizations/{organization}/issues/{issue['id']}/events/latest/").json()["eventID"]
        for issue in issues[:10]
    ]
    stream, base = f"/organizations/{organization}/issues/", f"/api/0/organizations/{organization}"
    regions = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2")
    event = f"/api/0/projects/{organization}/{shop['project']}/events/"
    looks: tuple[tuple[str, Client, Callable[[int], str], int], ...] = (
        ("page: stream", person, lambda n: f"{stream}?statsPeriod=14d", 150),
        ("page: stream, tag filter", person, lambda n: f"{stream}?query=is:unresolved+region:{regions[n % 5]}", 150),
        ("page: issue", person, lambda n: f"{stream}{issues[n % len(issues)]['id']}/", 150),
        ("api: stream, tag filter", api, lambda n: f"{base}/issues/?query=region:{regions[n % 5]}", 150),
        ("api: event by id", api, lambda n: f"{event}{newest[n % len(newest)]}/", 60),
    )
    for name, client, path, goal in looks:
        yield {"name": name, "events": events, **_timed(client, path), "goal_p95_ms": goal}


def _timed(client: Client, path: Callable[[int], str], times: int = 40) -> Result:
    taken, sizes = [], []
    for number in range(times + 5):
        began = time.perf_counter()
        answer = client.get(path(number))
        taken.append((time.perf_counter() - began) * 1000)
        sizes.append(len(answer.body))
        if answer.status != 200:
            return {"failed": answer.status, "path": path(number)}
    warm = sorted(taken[5:])
    return {
        "first_ms": round(taken[0], 1),
        "p50_ms": round(median(warm), 1),
        "p95_ms": round(warm[int(len(warm) * 0.95)], 1),
        "kilobytes": round(median(sizes) / 1000, 1),
    }


def _visible(server: LiveServer, shop: Result) -> Result:
    """Now and then one more event, looked for in the API from the moment it was acknowledged."""
    api, sender = server.api(shop["auth_token"]), Client(server.url)
    key, payloads = urlsplit(shop["dsn"]).username, Payloads(issues=20, seed=2)
    headers = {"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": f"Sentry sentry_key={key}"}
    latencies: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load.run, Plan(shop["dsn"], 20, rate=495))
        time.sleep(2.0)  # it is running by then
        while not running.done():
            event_id, _, body = payloads.envelope(len(latencies))
            answer = sender.request("POST", f"/api/{shop['project_id']}/envelope/", body, headers)
            if answer.status != 200:
                return {"name": "accept to visible at 500/s", "failed": answer.text}
            began = time.monotonic()
            if not _is_seen(api, shop, event_id):
                return {"name": "accept to visible at 500/s", "failed": f"{event_id} did not appear"}
            latencies.append(time.monotonic() - began)
            time.sleep(0.07 * (len(latencies) % 3))  # not in step with the digest's window
    latencies.sort()
    return {
        "name": "accept to visible at 500/s",
        "samples": len(latencies),
        "p50_ms": round(median(latencies) * 1000),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000),
        "goal_p99_ms": 1000,
    }


def _is_seen(api: Client, shop: Result, event_id: str) -> bool:
    path = f"/api/0/projects/{shop['organization']}/{shop['project']}/events/{event_id}/"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if api.get(path).status == 200:
            return True
        time.sleep(0.02)
    return False


def _drained(server: LiveServer, events: int) -> Result:
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
        **_memory(server),
    }


class _Peak:
    """Looks at the memory of a server twice a second until it is ended."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self._seen: list[memory.Memory] = []
        self._last: Result = {}
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.5):
            self._seen.append(memory.of_processes(self._server.tree()))
            self._last = _memory(self._server)

    def end(self) -> Result:
        """The median and the peak of all processes together, and what each holds now."""
        self._stop.set()
        self._thread.join()
        return {
            "private_mb_median": round(median(each.private for each in self._seen)),
            "private_mb_peak": round(max(each.private for each in self._seen)),
            "pss_mb_peak": round(max(each.pss for each in self._seen)),
            "by_process": self._last.get("by_process"),
        }


def _memory(server: LiveServer) -> Result:
    each = {name: memory.of_process(pid) for name, pid in server.pids().items()}
    total = memory.of_processes(server.tree())
    return {
        "private_mb": round(total.private),
        "pss_mb": round(total.pss),
        "by_process": {name: asdict(value) for name, value in each.items()},
    }


def _cpu(server: LiveServer) -> dict[str, float]:
    return {name: memory.cpu_seconds(pid) for name, pid in server.pids().items()}


def _spooled(server: LiveServer) -> int:
    return int((runtime.ask_engine(server.runtime(), "status").get("digest") or {}).get("spooled", 0))


def _disk(server: LiveServer) -> int:
    """Bytes that everything of this server takes on the disk."""
    return _size(server.data_dir)


def _disk_parts(server: LiveServer, events: int) -> Result:
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


def _rate(report: load.Report) -> float:
    return report.per_second


def _refused(report: load.Report) -> Result:
    other = {status: count for status, count in report.answers.items() if status != "200"}
    return {**other, **({"connections": report.errors} if report.errors else {})}


SCENES: dict[str, Callable[[], Iterator[Result]]] = {
    "start": start,
    "accept": accept,
    "digest": digest,
    "steady": steady,
    "flat-out": flat_out,
    "pages": pages,
}
