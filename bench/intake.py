"""Taking in and digesting: how fast, how long until it is seen, with how much memory, and whether what waits grows."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from urllib.parse import urlsplit

from bench import load
from bench.load import Plan
from bench.payloads import Payloads, Size
from bench.server import (
    Peak,
    Result,
    Waiting,
    cores_used,
    cpu_seconds,
    digested,
    disk_bytes,
    drained,
    measured_server,
    memory_use,
    spooled,
)
from tests.support.http import Client
from tests.support.server import LiveServer

SIZES: tuple[Size, ...] = ("3k", "10k")
NOOP = "/_vedette/noop"
SUSTAINED_SECONDS = float(os.environ.get("BENCH_SUSTAINED_SECONDS", "60"))
SUSTAINED: tuple[tuple[Size, int, int], ...] = (  # size, events a second, issues
    ("3k", 3000, 1),
    ("3k", 3000, 500),
    ("3k", 3000, 50_000),
    ("10k", 1500, 1),
    ("10k", 1500, 500),
    ("10k", 1500, 50_000),
)
SOAK_SECONDS = float(os.environ.get("BENCH_SOAK_SECONDS", "300"))
SOAK_PIECES = 5


def accept() -> Iterator[Result]:
    """Accepted and durable, against the empty handler of the same server; nothing is digested meanwhile."""
    for size in SIZES:
        with measured_server("--no-digest") as server:
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
            with measured_server("--no-digest") as server:
                shop = server.bootstrap()
                load.run(Plan(shop["dsn"], 60, size, issues, events=goal * 4))
                server.stop()
                server.arguments = ()
                server.start()
                yield {
                    "name": "digest",
                    "size": size,
                    "issues": issues,
                    **drained(server, goal * 4),
                    "goal_per_second": goal,
                    "disk_bytes_per_event": round(disk_bytes(server) / (goal * 4)),
                }


def sustained() -> Iterator[Result]:
    """At the rates that are the goal, sent, accepted and digested at once: how much waits, and whether it grows."""
    for size, rate, issues in SUSTAINED:
        with measured_server() as server:
            shop = server.bootstrap()
            if issues > 1000:  # they exist, then events of them arrive
                load.run(Plan(shop["dsn"], 120, size, issues, events=issues))
            load.run(Plan(shop["dsn"], 3, size, min(issues, 500), rate=rate / 2))
            server.flush(120)
            before, already = cpu_seconds(server), digested(server)
            waiting = Waiting(server)
            began = time.monotonic()
            report = load.run(Plan(shop["dsn"], SUSTAINED_SECONDS, size, issues, rate=rate, connections=128))
            seconds = time.monotonic() - began
            used = cores_used(server, before, seconds)
            per_second = (digested(server) - already) / seconds
            yield {
                "name": "sustained",
                "size": size,
                "issues": issues,
                "goal_per_second": rate,
                "accepted_per_second": report.per_second,
                "digested_per_second": round(per_second),
                **waiting.end(),
                "p50_ms": report.p50_ms,
                "p99_ms": report.p99_ms,
                "cores": used | {"generator": round(report.cpu_seconds / seconds, 2)},
                "refused": _refused(report),
                **memory_use(server),
            }


def soak() -> Iterator[Result]:
    """Half of the goal for minutes: whether memory or what waits grows. `BENCH_SOAK_SECONDS` says how long."""
    with measured_server() as server:
        shop = server.bootstrap()
        load.run(Plan(shop["dsn"], 10, rate=1500))
        waiting, pieces = Waiting(server), []
        for _ in range(SOAK_PIECES):
            watch = Peak(server)
            report = load.run(Plan(shop["dsn"], SOAK_SECONDS / SOAK_PIECES, rate=1500))
            pieces.append({"p99_ms": report.p99_ms, "refused": _refused(report), **watch.end()})
        yield {
            "name": "soak at 1500/s",
            "seconds": SOAK_SECONDS,
            **waiting.end(),
            "private_mb_median": [piece["private_mb_median"] for piece in pieces],
            "private_mb_peak": [piece["private_mb_peak"] for piece in pieces],
            "p99_ms": [piece["p99_ms"] for piece in pieces],
            "by_process": pieces[-1]["by_process"],
        }


def steady() -> Iterator[Result]:
    """500 events a second with everything on: accept, from accept to visible, memory, processor time."""
    with measured_server() as server:
        shop = server.bootstrap()
        load.run(Plan(shop["dsn"], 3, rate=500))
        before = cpu_seconds(server)
        began = time.monotonic()
        watch = Peak(server)
        report = load.run(Plan(shop["dsn"], 20, rate=500))
        seconds = time.monotonic() - began
        used = cores_used(server, before, seconds)
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
    with measured_server() as server:
        shop = server.bootstrap()
        watch = Peak(server)
        report = load.run(Plan(shop["dsn"], 10))
        behind = spooled(server)
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


def _rate(report: load.Report) -> float:
    return report.per_second


def _refused(report: load.Report) -> Result:
    other = {status: count for status, count in report.answers.items() if status != "200"}
    return {**other, **({"connections": report.errors} if report.errors else {})}
