"""Visitors who promise a body and send none."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

from vedette.cli.wsgi_bridge import WsgiBridge

PROMISE = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


class Visit:
    """One request to a bridge without a server; its body never comes to an end when `idle`."""

    def __init__(self, path: str, *, idle: bool = False) -> None:
        headers = {"content-length": "10"} if idle else {}
        self.scope: Any = SimpleNamespace(
            method="GET", path=path, query_string="", client="127.0.0.1:1", server="127.0.0.1:2", scheme="http",
            http_version="1.1", authority=None, headers=headers,
        )  # fmt: skip
        self.status = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"12345"
        await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status


def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    time.sleep(0.2 if environ["PATH_INFO"] == "/slow" else 0)
    start_response("200 OK", [])
    return [b"hello"]


def statuses(*visits: Visit, **limits: Any) -> list[int]:
    """What each visit was answered; 0 for one that still waits when all others are done."""

    async def run() -> list[int]:
        bridge = WsgiBridge(page, **limits)
        tasks = []
        for visit in visits:
            tasks.append(asyncio.create_task(bridge(visit.scope, visit)))  # type: ignore[arg-type]
            await asyncio.sleep(0.01)
        await asyncio.wait(tasks, timeout=1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        bridge.close()
        return [visit.status for visit in visits]

    return asyncio.run(run())


def test_bodies_that_do_not_come_take_no_place_from_pages():
    visits = [Visit("/x", idle=True), Visit("/x", idle=True), Visit("/x", idle=True), Visit("/x")]

    assert statuses(*visits, max_waiting=1, max_reading=2) == [0, 0, 503, 200]


def test_too_many_pages_at_once_are_503_and_probes_are_answered_all_the_same():
    visits = [Visit("/slow"), Visit("/x"), Visit("/health/live"), Visit("/metrics", idle=True)]

    assert statuses(*visits, max_waiting=1) == [200, 503, 200, 200]


def test_a_body_that_stops_coming_is_408():
    assert statuses(Visit("/x", idle=True), patience_seconds=0.05) == [408]


def test_hundreds_of_idle_sockets_keep_no_page_away(front):
    with ExitStack() as sockets:
        for _ in range(300):
            idle = sockets.enter_context(socket.create_connection(("127.0.0.1", front.port), timeout=10))
            idle.sendall(PROMISE)
        time.sleep(0.2)

        assert front.client.get("/x").status == 200
        assert front.client.request("POST", "/x", b"body").status == 200
        assert front.client.get("/health/live").status == 200
