"""The door for SDK traffic: one RSGI application in the event loop.

It parses only what it must to answer: path, key, sizes, the envelope's frame. Payloads stay closed (the store
endpoint's event is the exception: its id is read), and the bytes go into the spool as they came. The answer waits for
the disk and for nothing else.

Source: the ingest specification, 1 to 5.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

from vedette.core.errors import Refused, TryAgain
from vedette.core.ids import new_event_id
from vedette.ingest import answers
from vedette.ingest.admission import check_consistency, check_key, credentials_in
from vedette.ingest.answers import Answer
from vedette.ingest.bodies import Patience, Plain, Room, Unpacking, declared_length, drain, read_body
from vedette.ingest.door import IngestRequest
from vedette.ingest.endpoints import CATEGORIES, ENDPOINTS
from vedette.ingest.errors import Busy
from vedette.ingest.keys import KeyDirectory, KeyInfo
from vedette.ingest.ledger import RefusalLedger
from vedette.ingest.limits import judge
from vedette.ingest.protocol import GONE, Exchange, Scope
from vedette.ingest.quotas import Quotas
from vedette.ingest.routes import find_route, project_id
from vedette.ingest.settings import IngestSettings
from vedette.ingest.sharing import Exchange as QuotaExchange
from vedette.ingest.sharing import QuotaSharer
from vedette.ingest.stats import IngestStats
from vedette.spool.errors import SpoolUnavailable
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolWriter
from vedette.wire.auth import Credentials, read_credentials
from vedette.wire.clientip import client_address
from vedette.wire.encoding import decode_body, decode_prefix, encodings
from vedette.wire.envelope import (
    MAX_HEADER_BYTES,
    Envelope,
    category_of,
    check_limits,
    needs_event,
    own_event_id,
    parse_envelope,
    quantity_of,
    write_envelope,
)
from vedette.wire.items import category_of_type
from vedette.wire.outcomes import Category, Outcome
from vedette.wire.ratelimits import RateLimit
from vedette.wire.refusals import Malformed, Rejected, TooLarge, Unauthenticated
from vedette.wire.store import decode_store

log = logging.getLogger("vedette.ingest")

T = TypeVar("T")
_NOBODY = "missing authorization information"

_ENVELOPE_TYPE = "application/x-sentry-envelope"
# What is inflated and parsed in the event loop; larger bodies go to a thread.
_INLINE_BYTES = 256 * 1024
_THREADS = 2
_FLUSH_SECONDS = 1.0
_LAST_FLUSHES_SECONDS = 2.0  # of a stop: the supervisor does not wait for ever
_FLUSH_AGAIN_SECONDS = 0.1
_MAX_USER_AGENT = 1024


class IngestApp:
    """Answers the ingest paths. `clock` gives Unix time in seconds; `exchange` adds counts to those of other fronts."""

    def __init__(
        self,
        settings: IngestSettings,
        keys: KeyDirectory,
        spool: SpoolWriter,
        stats: IngestStats,
        clock: Callable[[], float] = time.time,
        exchange: QuotaExchange | None = None,
    ) -> None:
        self.stats = stats
        self.settings = settings
        self._keys = keys
        self._spool = spool
        self._clock = clock
        self._room = Room(settings.inflight_limit_bytes, stats)
        self._anonymous_room = Room(settings.anonymous_limit_bytes, stats)
        # Apart from the bodies: one that is as large as it may be must have room for both.
        self._inflated_room = Room(settings.inflight_limit_bytes, stats)
        self._made_room = Room(settings.inflight_limit_bytes, stats)
        self._patience = Patience(settings.body_seconds)
        self._quotas = Quotas()
        self._sharer = QuotaSharer(self._quotas, exchange, clock) if exchange else None
        self._ledger = RefusalLedger()
        self._inflating = ThreadPoolExecutor(_THREADS, thread_name_prefix="inflate")
        self._unpacking = Unpacking(self._inflated_room, self._inflating, _THREADS)
        self._flusher: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to write down refusals and to share counts; call it in the event loop."""
        self._flusher = asyncio.get_running_loop().create_task(self._flush_regularly())
        if self._sharer:
            self._sharer.start()

    async def stop(self) -> None:
        """Refuse what still comes and write down the last refusals. The spool is the caller's to close."""
        self._stopping.set()
        if self._flusher:
            await self._flusher
        await self._flush_at_last()
        if self._sharer:
            await self._sharer.stop()
        self._keys.close()
        self._inflating.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        self.stats.inflight_requests += 1
        try:
            answer = await self._answer(scope, exchange)
            if answer.status >= 300:
                self.stats.refused(answer.status)
            exchange.response_bytes(answer.status, answer.headers, answer.body)
        except GONE:
            self.stats.refused(499)  # the sender went away; nginx's number for it
        finally:
            self.stats.inflight_requests -= 1

    async def _answer(self, scope: Scope, exchange: Exchange) -> Answer:
        route = find_route(scope.path)
        if route is None:
            await drain(exchange, None)
            return answers.not_found()
        if scope.method not in route.methods:
            await drain(exchange, None)
            return answers.preflight() if scope.method == "OPTIONS" else answers.method_not_allowed(route.methods)
        request = IngestRequest(scope, exchange, route)
        try:
            if self._stopping.is_set():
                raise Busy("shutting down")
            return await self._accept(request)
        except (Refused, TryAgain) as error:
            return await self._refuse(request, error)
        except GONE:
            raise
        except Exception:  # a bug must not take the connection down without a trace
            log.exception("ingest failed on %s %s", scope.method, scope.path)
            return answers.broken()
        finally:
            request.let_go()

    async def _accept(self, request: IngestRequest) -> Answer:
        endpoint = ENDPOINTS.get(request.route.endpoint)
        if endpoint is not None:
            return await endpoint(self, request)
        credentials = _credentials(request)
        if request.route.endpoint == "envelope":
            return await self._accept_envelope(request, credentials)
        if credentials is None:
            raise Unauthenticated(_NOBODY)
        if request.scope.method == "GET":
            await self.admit(request, credentials)
            return await self._accept_store(request, credentials, _sentry_data(request.scope.query_string), pixel=True)
        if request.media_type == _ENVELOPE_TYPE:
            return await self._accept_envelope(request, credentials)
        await self.admit(request, credentials)
        body = await self._read(request, self.settings.store_limit_bytes)
        return await self._accept_store(request, credentials, body)

    async def identify(self, request: IngestRequest, path_key: str | None = None) -> Credentials:
        """The credentials of the request, admitted. Raises `Unauthenticated` (401), `Rejected` (403)."""
        credentials = _credentials(request, path_key)
        if credentials is None:
            raise Unauthenticated(_NOBODY)
        await self.admit(request, credentials)
        return credentials

    async def read_plain(self, request: IngestRequest, limit: int) -> bytes:
        """The body, inflated, at most `limit` bytes; its room is held until the answer."""
        body = await self._read(request, limit)
        return await self._inflate(request, body, limit) if request.encoding else body

    async def unpack(
        self, request: IngestRequest, work: Callable[[int], Plain], packed_bytes: int, limit: int
    ) -> Plain:
        """What `work(bound)` makes of packed bytes, in a thread; its room is held until the answer."""
        plain = await self._unpacking.run(work, packed_bytes, limit)
        request.held.append((self._inflated_room, len(plain)))
        return plain

    async def beside(self, work: Callable[..., T], *given: Any) -> T:
        """The result of work that takes long, done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._inflating, work, *given)

    async def keep(
        self, request: IngestRequest, credentials: Credentials, envelope: Envelope, *, kind: str = "envelope"
    ) -> tuple[RateLimit, ...]:
        """Spool an envelope that an endpoint made. On return it is on disk, but for what the limits took out."""
        request.envelope = envelope
        check_limits(envelope)
        items = [(item.header, item.payload) for item in envelope.items]
        size = sum(len(payload) for _, payload in items)
        request.hold(self._made_room, size)  # until the answer
        if size <= _INLINE_BYTES:
            body = write_envelope(envelope.header, items)
        else:
            body = await self.beside(write_envelope, envelope.header, items)
        request.encoding = ""  # that of the body that was read; this one is plain
        return await self._keep(request, credentials, envelope, envelope.event_id, body, kind=kind)

    async def _accept_envelope(self, request: IngestRequest, credentials: Credentials | None) -> Answer:
        if credentials:
            await self.admit(request, credentials)
            body = await self._read(request, self.settings.envelope_limit_bytes)
        else:
            body, credentials = await self._read_anonymous(request)
        plain = await self._inflate(request, body, self.settings.envelope_limit_bytes) if request.encoding else body
        envelope, event_id, beyond = await self._open(plain)
        request.envelope = envelope
        check_consistency(envelope, credentials, _key(request), request.header)
        if beyond:
            raise beyond
        if event_id is None and any(needs_event(item) for item in envelope.items):
            event_id = new_event_id()
        limits = await self._keep(request, credentials, envelope, event_id, body)
        return answers.rate_limited(limits) if limits else answers.accepted(event_id)

    async def _keep(
        self,
        request: IngestRequest,
        credentials: Credentials,
        envelope: Envelope,
        event_id: str | None,
        body: bytes,
        *,
        kind: str = "envelope",
    ) -> tuple[RateLimit, ...]:
        """Spool the envelope, but for what limits take out; the limits that were hit."""
        now, key = self._clock(), _key(request)
        verdict = judge(self._quotas, key, envelope.items, now)
        if len(verdict.refused) < len(envelope.items):
            receipt = self._receipt(request, credentials, now, event_id, kind=kind, refused=verdict.refused)
            await self._store(receipt, body)
        else:
            for index, reason in verdict.refused:
                item = envelope.items[index]
                self._ledger.note(key, Outcome.RATE_LIMITED, category_of(item), reason, quantity_of(item), now)
        return verdict.limits

    async def _accept_store(
        self, request: IngestRequest, credentials: Credentials, body: bytes, *, pixel: bool = False
    ) -> Answer:
        limit_bytes = self.settings.store_limit_bytes
        plain = decode_body(body, request.encoding, limit_bytes)
        event = decode_store(plain, credentials.client or request.header("user-agent") or "", limit_bytes)
        now, key, category = self._clock(), _key(request), category_of_type(event.type)
        limits = self._quotas.take(key, ((category, 1),), now)
        if limits:
            self._ledger.note(key, Outcome.RATE_LIMITED, category, limits[0].reason, 1, now)
            return answers.rate_limited(limits)
        await self._store(self._receipt(request, credentials, now, event.event_id, kind="store"), body)
        return answers.pixel() if pixel else answers.accepted(event.event_id)

    async def admit(self, request: IngestRequest, credentials: Credentials) -> None:
        """Whether this key may send to this project from this page. Raises `Rejected` (403)."""
        written = request.route.project
        wanted = None if written is None else project_id(written)
        key = self._keys.fresh(credentials.public_key) or await self._keys.get(credentials.public_key)
        if key is None:
            raise Rejected("project_id", "no such project or key")
        request.key = key
        check_key(key, wanted, request.header)

    async def _read_anonymous(self, request: IngestRequest) -> tuple[bytes, Credentials]:
        """The body of a request without credentials, and those that its envelope brought, admitted.

        Until then it is in a room of its own, and nothing but its start is inflated.
        """
        limit = min(self.settings.envelope_limit_bytes, self.settings.anonymous_limit_bytes)
        body = await self._read(request, limit, anonymous=True)
        start = decode_prefix(body, request.encoding, MAX_HEADER_BYTES) if request.encoding else body
        credentials = credentials_in(start)
        await self.admit(request, credentials)
        request.let_go()
        request.hold(self._room, len(body))
        return body, credentials

    async def _read(self, request: IngestRequest, limit: int, *, anonymous: bool = False) -> bytes:
        request.length = declared_length(request.header("content-length"), limit)
        encoding = request.header("content-encoding")
        if encoding:
            request.encoding = ",".join(encodings(encoding))
        room = self._anonymous_room if anonymous else self._room
        body = await read_body(request.exchange, request.length, limit, room, self._patience)
        request.body_read = True
        request.held.append((room, len(body)))
        if not body:
            if anonymous:
                raise Unauthenticated(_NOBODY)
            raise Malformed("empty request body", reason="no_data")
        return body

    async def _inflate(self, request: IngestRequest, body: bytes, limit: int) -> bytes:
        if len(body) <= _INLINE_BYTES:
            with suppress(TooLarge):
                plain = decode_body(body, request.encoding, min(limit, _INLINE_BYTES))
                request.hold(self._inflated_room, len(plain))
                return plain
        return await self.unpack(request, partial(decode_body, body, request.encoding), len(body), limit)

    async def _open(self, plain: bytes) -> tuple[Envelope, str | None, TooLarge | None]:
        if len(plain) <= _INLINE_BYTES:
            return _opened(plain)
        return await self.beside(_opened, plain)

    def _receipt(
        self,
        request: IngestRequest,
        credentials: Credentials,
        now: float,
        event_id: str | None,
        *,
        kind: str = "envelope",
        refused: tuple[tuple[int, str], ...] = (),
    ) -> Receipt:
        key, user_agent = _key(request), (request.header("user-agent") or "")[:_MAX_USER_AGENT]
        return Receipt(
            organization_id=key.organization_id,
            project_id=key.project_id,
            key_id=key.key_id,
            received_at=now,
            kind=kind,
            encoding=request.encoding,
            client=credentials.client or user_agent,
            user_agent=user_agent,
            remote_addr=client_address(request.header, request.scope.client, trust_proxy=self.settings.trust_proxy),
            event_id=event_id,
            refused=refused,
        )

    async def _store(self, receipt: Receipt, body: bytes) -> None:
        started = time.perf_counter()
        await self._spool.append(receipt, body)
        self.stats.accepted(len(body), time.perf_counter() - started)

    async def _refuse(self, request: IngestRequest, error: Refused | TryAgain) -> Answer:
        status: int = getattr(error, "status", 503)
        outcome = Outcome.RATE_LIMITED if status in (429, 503) else Outcome.INVALID
        self._note_refusal(request, outcome, getattr(error, "reason", error.code))
        # Who asked whether to send (Expect: 100-continue) still waits; everybody else is writing already.
        if not request.body_read and request.header("expect") is None:
            with suppress(*GONE):  # also said of a body that was read in part already
                await drain(request.exchange, request.length)
        return answers.refused(error, status)

    def _note_refusal(self, request: IngestRequest, outcome: Outcome, reason: str) -> None:
        """Every refused item is counted once, as far as it is known whose it is and what it was."""
        if request.key is None:
            return
        now = self._clock()
        if request.envelope is None:
            category = CATEGORIES.get(request.route.endpoint, Category.UNKNOWN)
            self._ledger.note(request.key, outcome, category, reason, 1, now)
            return
        for item in request.envelope.items:
            if item.type != "client_report":  # only tells of others
                self._ledger.note(request.key, outcome, category_of(item), reason, quantity_of(item), now)

    async def _flush_regularly(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _FLUSH_SECONDS)
            self._patience.sweep()
            await self._flush()

    async def _flush_at_last(self) -> None:
        """What is counted ends with this process: a spool that takes nothing now is given a moment."""
        give_up_at = time.monotonic() + _LAST_FLUSHES_SECONDS
        await self._flush()
        while self._ledger.counted and time.monotonic() < give_up_at:
            await asyncio.sleep(_FLUSH_AGAIN_SECONDS)
            await self._flush()
        if self._ledger.counted:
            log.warning("the spool takes nothing: %d refusals stay without an outcome", self._ledger.counted)

    async def _flush(self) -> None:
        left = list(self._ledger.take(self._clock()))
        try:
            while left:
                receipt, body = left[-1]
                written = self._spool.append(receipt, body, beyond_limits=True)
                left.pop()  # from here on it is the spool's, even if nobody waits for it any more
                try:
                    await written
                except SpoolUnavailable:
                    left.append((receipt, body))
                    raise
        except SpoolUnavailable:
            pass  # later
        finally:
            for receipt, body in left:
                self._ledger.put_back(receipt, body)
        self.stats.uncounted_refusals = self._ledger.uncounted


def _credentials(request: IngestRequest, path_key: str | None = None) -> Credentials | None:
    header = request.header
    return read_credentials(header("x-sentry-auth"), header("authorization"), request.scope.query_string, path_key)


def _key(request: IngestRequest) -> KeyInfo:
    if request.key is None:
        raise LookupError("the request has not been admitted")
    return request.key


def _opened(plain: bytes) -> tuple[Envelope, str | None, TooLarge | None]:
    """The envelope with its own event id, or with what is too large in it. Raises `MalformedEnvelope`."""
    envelope = parse_envelope(plain, views=True)
    try:
        check_limits(envelope)
    except TooLarge as error:
        return envelope, None, error
    return envelope, own_event_id(envelope), None


def _sentry_data(query: str) -> bytes:
    values = parse_qs(query).get("sentry_data")
    if not values:
        raise Malformed("empty request body", reason="no_data")
    # The plus signs of base64 read as spaces in a query.
    text = values[0] if values[0].startswith("{") else values[0].replace(" ", "+")
    return text.encode("utf-8", "surrogatepass")
