"""What the door does with bodies before and after it knows whose they are."""

import asyncio
import bz2
import gzip
import json
import lzma
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from vedette.ingest import handler
from vedette.ingest.endpoints import uploads
from vedette.ingest.handler import IngestApp
from vedette.ingest.keys import KeyDirectory, KeyInfo
from vedette.ingest.settings import IngestSettings
from vedette.ingest.stats import IngestStats
from vedette.spool.errors import SpoolUnavailable
from vedette.wire.envelope import write_envelope
from vedette.wire.outcomes import Category, Outcome

KEY = "a" * 32
DSN = f"https://{KEY}@errors.example.org/7"
FOREIGN = f"https://{'0' * 32}@errors.example.org/7"
MIB = 1024 * 1024
KNOWN = {"x_sentry_auth": f"Sentry sentry_key={KEY}"}


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


async def post(door: IngestApp, exchange: Exchange, path: str = "/api/7/envelope/", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = SimpleNamespace(method="POST", path=path, query_string="", client="127.0.0.1:1", headers=named)
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


def test_a_body_has_room_before_it_is_inflated(door, stats, monkeypatch):
    seen: list[tuple[int, int]] = []
    decode = handler.decode_body

    def noted(body: bytes, encoding: str, bound: int) -> bytes:
        if threading.current_thread() is not threading.main_thread():
            seen.append((bound, stats.inflight_bytes))
        return decode(body, encoding, bound)

    monkeypatch.setattr(handler, "decode_body", noted)
    fits, bomb = (gzip.compress(attachment(None, size)) for size in (600_000, 50 * MIB))

    zipped = {"content_encoding": "gzip", **KNOWN}
    assert answers(door, (fits, zipped), (bomb, zipped)) == [200, 503]
    assert [taken for _, taken in seen] == [
        len(body) + bound for body, (bound, _) in zip((fits, fits, bomb, bomb), seen, strict=True)
    ]
    assert max(bound for bound, _ in seen) <= MIB
    assert stats.inflight_bytes == 0


def test_what_a_body_was_inflated_to_needs_room(door, stats):
    body = gzip.compress(attachment(None, MIB))
    headers = {"content_encoding": "gzip", "x_sentry_auth": f"Sentry sentry_key={KEY}"}

    assert answers(door, (body, headers)) == [503]
    assert stats.inflight_bytes == 0


RAW = {**KNOWN, "path": "/api/7/minidump/", "content_type": "application/x-dmp"}
FORM = {**KNOWN, "path": "/api/7/minidump/", "content_type": "multipart/form-data; boundary=b"}
PACKERS = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def form(boundary: str, *fields: tuple[str, bytes]) -> bytes:
    heads = [(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"', content) for name, content in fields]
    parts = [head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in heads]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def in_raw(dump: bytes) -> tuple[bytes, dict[str, str]]:
    return dump, RAW


def in_form(dump: bytes) -> tuple[bytes, dict[str, str]]:
    return form("b", (uploads.DUMP, dump)), FORM


def in_form_within_form(dump: bytes) -> tuple[bytes, dict[str, str]]:
    return form("b", (uploads.DUMP, form("within", (uploads.DUMP, dump)))), FORM


@pytest.fixture
def unpacked(monkeypatch, stats):
    """How far each dump might be unpacked, and the bytes that there was room for then."""
    seen: list[tuple[int, int]] = []
    unpack = uploads.unpack_dump

    def noted(content: memoryview, bound: int) -> Any:
        seen.append((bound, stats.inflight_bytes))
        return unpack(content, bound)

    monkeypatch.setattr(uploads, "unpack_dump", noted)
    return seen


@pytest.mark.parametrize("sent", [in_raw, in_form, in_form_within_form])
@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_packed_dump_has_room_before_it_is_unpacked(door, stats, unpacked, pack, sent):
    body, headers = sent(pack(b"MDMP" + bytes(600_000)))

    assert answers(door, (body, headers)) == [200]
    assert len(unpacked) == 2  # the first guess was too small
    assert [taken for _, taken in unpacked] == [len(body) + bound for bound, _ in unpacked]
    assert stats.inflight_bytes == 0


@pytest.mark.parametrize("sent", [in_raw, in_form, in_form_within_form])
@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_is_not_unpacked_further_than_there_is_room(door, stats, unpacked, pack, sent):
    assert answers(door, sent(pack(b"MDMP" + bytes(50 * MIB)))) == [503]
    assert unpacked
    assert max(bound for bound, _ in unpacked) <= MIB
    assert stats.inflight_bytes == 0


@pytest.mark.parametrize("sent", [in_raw, in_form, in_form_within_form])
def test_a_plain_dump_is_copied_once_and_has_room_for_that(door, stats, monkeypatch, sent):
    seen: list[int] = []
    write = handler.write_envelope

    def noted(header: Any, items: Any) -> bytes:
        assert all(isinstance(payload, memoryview) for _, payload in items)  # still lies in the body
        seen.append(stats.inflight_bytes)
        return write(header, items)

    monkeypatch.setattr(handler, "write_envelope", noted)
    dump = b"MDMP" + bytes(1000)
    body, headers = sent(dump)

    assert answers(door, (body, headers)) == [200]
    assert seen == [len(body) + len(dump)]
    assert stats.inflight_bytes == 0


def test_the_files_of_an_event_have_room_before_they_are_copied(door, stats, monkeypatch):
    seen: list[int] = []
    write = handler.write_envelope
    monkeypatch.setattr(handler, "write_envelope", lambda *given: seen.append(stats.inflight_bytes) or write(*given))
    body = form("b", ("one", bytes(3000)), ("two", bytes(4000)))

    assert answers(door, (body, {**FORM, "path": f"/api/7/events/{'3' * 32}/attachments/"})) == [201]
    assert seen == [len(body) + 7000]


def test_fields_beyond_their_limit_are_refused_before_they_are_decoded(stats, monkeypatch):
    keys = KeyDirectory(lambda key: KeyInfo(1, 7, 70, key))
    door = IngestApp(IngestSettings(), keys, Spool(), stats)  # type: ignore[arg-type]
    decoded: list[bytes] = []
    monkeypatch.setattr(uploads, "event_id_in", decoded.append)
    half = uploads.MAX_FIELD_BYTES // 2
    allowed = form("b", (uploads.DUMP, b"MDMP"), ("sentry", b"x" * (half - 6)))
    refused = form("b", (uploads.DUMP, b"MDMP"), ("sentry", bytes(half)), ("sentry", bytes(half)))

    assert answers(door, (allowed, FORM), (refused, FORM)) == [200, 413]
    assert decoded == [b"x" * (half - 6)]


def test_a_dump_without_a_file_name_is_no_field(door):
    assert answers(door, (form("b", (uploads.DUMP, b"MDMP" + b"\xff" * 400_000)), FORM)) == [200]


def test_unknown_senders_take_no_room_from_known_ones(door, stats):
    async def send() -> list[int]:
        gate = asyncio.Event()
        waiting = asyncio.create_task(post(door, Exchange(attachment(DSN, 700), gate)))
        await asyncio.sleep(0.01)
        try:
            one_more = await post(door, Exchange(attachment(DSN, 700)))
            admitted = await post(door, Exchange(attachment(None, 700)), **KNOWN)
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


class StuckSpool(Spool):
    """Answers when `gate` is open, and takes nothing while it is away."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.asked, self.gate = asyncio.Event(), asyncio.Event()
        self.is_away = False

    def append(self, receipt: Any, body: bytes, **_: Any) -> Any:
        if self.is_away:
            raise SpoolUnavailable("away")
        self.taken += json.loads(body)
        self.asked.set()
        return asyncio.ensure_future(self.gate.wait())


@pytest.mark.parametrize("ending", ["a stop", "a failure"])
def test_refusals_are_written_once_each_whatever_ends_the_writing(monkeypatch, stats, ending):
    monkeypatch.setattr(handler, "_FLUSH_SECONDS", 0)

    async def run() -> list[str]:
        spool = StuckSpool()
        door = IngestApp(IngestSettings(), KeyDirectory(lambda _: None), spool, stats)  # type: ignore[arg-type]
        for number in range(3):
            info = KeyInfo(1, 7, number, KEY)
            door._ledger.note(info, Outcome.INVALID, Category.ERROR, f"reason {number}", 1, 1000.0)
        door.start()
        await spool.asked.wait()
        spool.is_away = ending == "a failure"
        spool.gate.set()
        if spool.is_away:
            await asyncio.sleep(0.01)
            spool.is_away = False
        await door.stop()
        return sorted(line["reason"] for line in spool.taken)

    assert asyncio.run(run()) == ["reason 0", "reason 1", "reason 2"]
