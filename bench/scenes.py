"""What is measured: each scene starts a server of its own, measures, stops it, and yields named results.

Every scene is bounded in time. Rates are per second, times are milliseconds unless a name says otherwise, memory is
megabytes (10^6). The ratio or the goal that a number has to be read against stands beside it.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

from bench.intake import accept, digest, flat_out, soak, steady, sustained
from bench.reading import million, pages
from bench.releases import releases
from bench.relocation import relocation
from bench.server import Result, measured_server, memory_use
from bench.shipping import commits, shipping


def start() -> Iterator[Result]:
    """From the command to ready: on an empty directory, and again; the memory of a server that has nothing to do."""
    with measured_server() as server:
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
        yield {"name": "memory idle", **memory_use(server), "goal_private_mb": 250}


SCENES: dict[str, Callable[[], Iterator[Result]]] = {
    "start": start,
    "accept": accept,
    "digest": digest,
    "sustained": sustained,
    "steady": steady,
    "flat-out": flat_out,
    "pages": pages,
    "commits": commits,
    "shipping": shipping,
    "releases": releases,
    "relocation": relocation,
    "soak": soak,
    "million": million,
}
LONG = ("sustained", "releases", "relocation", "soak", "million")  # minutes each: only when asked for by name
