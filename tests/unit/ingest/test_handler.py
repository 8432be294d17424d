"""What the door does with bodies before and after it knows whose they are."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from vedette.ingest import handler
from vedette.ingest.handler import IngestApp
from vedette.ingest.keys import KeyDirectory, KeyInfo
from vedette.ingest.settings import IngestSettings
from vedette.ingest.stats import IngestStats
from vedette.wire.envelope import write_envelope

KEY = "a" * 32
DSN = f"https://{KEY}@errors.example.org/7"
FOREIGN = f"https://{'0' * 32}@errors.example.org/7"
MIB = 1024 * 1024


class Exchange:
    """One request's body, in one piece, and its answer; the body comes when `gate` is open."""

    def __init__(self, body: bytes, gate: asyncio.Event | None = None) -> None:
        self.body = body
        self.gate = gate
        self.status = 0

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body
        if self.gate is not None:
            await self.gate.wait()

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status


class Spool:
    """Keeps nothing."""

    async def append(self, receipt: Any, body: bytes, **_: Any) -> None:
        """As if on disk."""


@pytest.fixture
def stats():
    return IngestStats()


@pytest.fixture
def door(stats):
    keys = KeyDirectory(lambda key: KeyInfo(1, 7, 70, key) if key == KEY else None)
    settings = IngestSettings(envelope_limit_bytes=2 * MIB, inflight_limit_bytes=MIB, anonymous_limit_bytes=1000)
    return IngestApp(settings, keys, Spool(), stats)  # type: ignore[arg-type]


async def post(door: IngestApp, exchange: Exchange, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = SimpleNamespace(
        method="POST", path="/api/7/envelope/", query_string="", client="127.0.0.1:1", headers=named
    )
    await door(scope, exchange)
    return exchange.status


def answers(door: IngestApp, *requests: tuple[bytes, dict[str, str]]) -> list[int]:
    async def send() -> list[int]:
        try:
            return [await post(door, Exchange(body), **headers) for body, headers in requests]
        finally:
            await door.stop()

    return asyncio.run(send())


def attachment(dsn: str | None, size: int) -> bytes:
    return write_envelope({"dsn": dsn} if dsn else {}, [({"type": "attachment"}, bytes(size))])


def test_nothing_but_the_start_is_inflated_for_a_sender_whom_nobody_knows(door, stats, monkeypatch):
    inflated: list[bytes] = []
    monkeypatch.setattr(handler, "decode_body", lambda body, *_: inflated.append(body))

    zipped = {"content_encoding": "gzip"}
    bomb = gzip.compress(attachment(FOREIGN, 200_000))
    nameless = gzip.compress(attachment(None, 200_000))

    assert answers(door, (bomb, zipped), (nameless, zipped)) == [403, 401]
    assert inflated == []
    assert stats.inflight_bytes == 0


def test_a_sender_who_names_a_key_in_the_envelope_is_inflated_whole(door, stats):
    body = gzip.compress(attachment(DSN, 500_000))

    assert answers(door, (body, {"content_encoding": "gzip"})) == [200]
    assert stats.inflight_bytes == 0


def test_what_a_body_was_inflated_to_needs_room(door, stats):
    body = gzip.compress(attachment(None, MIB))
    headers = {"content_encoding": "gzip", "x_sentry_auth": f"Sentry sentry_key={KEY}"}

    assert answers(door, (body, headers)) == [503]
    assert stats.inflight_bytes == 0


def test_unknown_senders_take_no_room_from_known_ones(door, stats):
    known = {"x_sentry_auth": f"Sentry sentry_key={KEY}"}

    async def send() -> list[int]:
        gate = asyncio.Event()
        waiting = asyncio.create_task(post(door, Exchange(attachment(DSN, 700), gate)))
        await asyncio.sleep(0.01)
        try:
            one_more = await post(door, Exchange(attachment(DSN, 700)))
            admitted = await post(door, Exchange(attachment(None, 700)), **known)
            gate.set()
            return [one_more, admitted, await waiting]
        finally:
            await door.stop()

    assert asyncio.run(send()) == [503, 200, 200]
    assert stats.inflight_bytes == 0


def test_an_anonymous_body_beyond_its_limit_is_413(door):
    assert answers(door, (attachment(DSN, 1000), {})) == [413]


@pytest.mark.parametrize(("size", "where"), [(1000, "MainThread"), (300_000, "inflate")], ids=["small", "large"])
def test_large_envelopes_are_parsed_beside_the_event_loop(door, monkeypatch, size, where):
    threads: list[str] = []
    parse = handler.parse_envelope

    def noted(plain: bytes, **options: bool) -> Any:
        threads.append(threading.current_thread().name)
        return parse(plain, **options)

    monkeypatch.setattr(handler, "parse_envelope", noted)

    assert answers(door, (attachment(None, size), {"x_sentry_auth": f"Sentry sentry_key={KEY}"})) == [200]
    assert threads[0].startswith(where)
