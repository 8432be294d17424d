"""One process dies, the other goes on, and the supervisor brings the dead one back within two seconds.

A machine that does other work besides gets more time, in proportion to its load.
"""

import os
import time

import pytest

from bench.payloads import Payloads
from tests.faults.sender import Senders
from tests.support.machine import busy_seconds
from tests.support.server import LiveServer
from vedette.core import runtime

HEALED_SECONDS = 2.0


@pytest.fixture(scope="module")
def server():
    """One server; each test kills something else in it."""
    with LiveServer() as server:
        yield server


def test_while_the_engine_is_away_ingest_goes_on(server: LiveServer):
    shop = server.bootstrap(project="engine")
    before = server.pids()

    with Senders(shop["dsn"], Payloads(issues=3), total=10_000, threads=1) as senders:
        senders.wait_for(50, 10)
        killed = time.monotonic()
        server.kill("engine")
        while server.pids().get("engine") in (None, before["engine"]) or not server.is_ready():
            senders.wait_for(senders.count + 1, 0.5 + busy_seconds())  # not one pause of half a second
            assert time.monotonic() - killed < HEALED_SECONDS + busy_seconds(), server.log_tail()
        accepted = senders.count
        tried = senders.acknowledged.attempts
    server.flush()

    assert tried - accepted <= 1, "a request failed while the engine was away"
    assert server.pids()["front"] == before["front"]
    assert "engine" in server.log_tail()


def test_while_the_front_is_away_the_engine_goes_on(server: LiveServer):
    before = server.pids()
    told = server.runtime()

    killed = time.monotonic()
    server.kill("front")
    while server.pids().get("front") in (None, before["front"]) or not server.is_ready():
        assert runtime.ask_engine(told, "status")["ready"]
        assert time.monotonic() - killed < HEALED_SECONDS + busy_seconds(), server.log_tail()

    assert server.pids()["engine"] == before["engine"]


def test_no_process_outlives_its_supervisor(own_server: LiveServer):
    tree = own_server.tree()

    os.kill(tree[0], 9)
    assert own_server.process
    own_server.process.wait(10)

    own_server.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in tree), 5, "rid of its processes")
    own_server.kill_all()
    own_server.start()
    assert own_server.is_ready()


def test_a_server_that_is_asked_to_stop_stops_in_order(own_server: LiveServer):
    shop = own_server.bootstrap()
    with Senders(shop["dsn"], Payloads(issues=3), total=200) as senders:
        senders.wait_for(200, 20)

        status = own_server.stop()

    assert status == 0
    own_server.start()
    own_server.flush()
    answer = own_server.api(shop["auth_token"]).get(f"/api/0/organizations/{shop['organization']}/issues/?query=")
    assert sum(int(issue["count"]) for issue in answer.json()) == 200
