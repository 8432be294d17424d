"""Reading: how long people and scripts wait for pages and answers, when much is stored and while more arrives."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench import load
from bench.load import Plan
from bench.server import Result, disk_parts, measured_server
from tests.support.http import Client
from tests.support.server import LiveServer

LOAD_PIECE = 100_000  # events that are sent before the digest is waited for
PASSWORD = "correct horse battery 9"


def pages(events: int = 100_000, issues: int = 2_000, meanwhile: float = 0.0) -> Iterator[Result]:
    """What people wait for, with this many events over so many issues and ten days; while `meanwhile` events a second
    arrive."""
    with measured_server() as server:
        shop = server.bootstrap(password=PASSWORD)
        began = time.monotonic()
        for _ in range(max(events // LOAD_PIECE, 1)):
            piece = min(events, LOAD_PIECE)
            load.run(Plan(shop["dsn"], 100, issues=issues, events=piece, spread_days=10, connections=16))
            server.flush(60)
        server.flush(60)
        loaded = time.monotonic() - began
        yield {"name": "load", "events": events, "seconds": round(loaded, 1), "per_second": round(events / loaded)}
        yield {"name": "disk", "events": events, **disk_parts(server, events), "goal_bytes_per_event": 1000}
        with ThreadPoolExecutor(1) as pool:
            if meanwhile:
                running = pool.submit(load.run, Plan(shop["dsn"], 60, issues=issues, rate=meanwhile))
                time.sleep(5.0)  # it is running by then
            for result in _page_times(server, shop, events):
                yield {**result, "arriving_per_second": meanwhile}
            if meanwhile:
                report = running.result()
                yield {"name": "accept meanwhile", "p50_ms": report.p50_ms, "p99_ms": report.p99_ms}
        yield {"name": f"start with {events} events", "seconds": round(server.restart().ready_after_seconds, 2)}


def million() -> Iterator[Result]:
    """Pages and searches at 1,000,000 events in 10,000 issues, while 500 events a second arrive. Takes ten minutes."""
    yield from pages(1_000_000, 10_000, 500.0)


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
