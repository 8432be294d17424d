"""Thousands of connections that say nothing more: everybody else is served as before."""

import contextlib
import resource
import socket
import time

import pytest

from bench.payloads import Payloads
from tests.faults.conftest import on_own_stores
from tests.faults.sender import Senders
from tests.support.machine import busy_seconds
from tests.support.server import LiveServer

IDLE = 3000
PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def room_for_sockets():
    """As many files as this process may have at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + 1000:
        pytest.skip(f"a process may have only {hard} files open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 1000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@on_own_stores
def test_idle_connections_keep_nobody_out(own_server: LiveServer, room_for_sockets):
    shop = own_server.bootstrap()

    with contextlib.ExitStack() as idle:
        for number in range(IDLE):
            one = idle.enter_context(socket.create_connection(("127.0.0.1", own_server.port), timeout=10))
            if number % 2:  # half of them are kept alive after an answer, half have asked for nothing yet
                one.sendall(PROBE)
                assert one.recv(4096).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        assert own_server.client.get("/health/live").status == 200
        with Senders(shop["dsn"], Payloads(issues=3), total=50) as senders:
            senders.wait_for(50, 5 + busy_seconds())
        assert time.monotonic() - began < 5 + busy_seconds()
    own_server.flush()
