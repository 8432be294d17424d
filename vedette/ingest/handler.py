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
from urllib.parse import parse_qs

from vedette.core.errors import Refused, TryAgain
from vedette.core.ids import new_event_id
from vedette.ingest import answers
from vedette.ingest.admission import check_consistency, check_key, credentials_in
from vedette.ingest.answers import Answer
from vedette.ingest.bodies import Patience, Room, declared_length, drain, read_body
from vedette.ingest.errors import Busy
from vedette.ingest.keys import KeyDirectory, KeyInfo
from vedette.ingest.ledger import RefusalLedger
from vedette.ingest.protocol import GONE, Exchange, Scope
from vedette.ingest.quotas import KEY_QUOTA, KeyQuotas, goes_with_event, has_limited_event
from vedette.ingest.routes import Route, find_route, project_id
from vedette.ingest.settings import IngestSettings
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
)
from vedette.wire.items import category_of_type
from vedette.wire.outcomes import Category, Outcome
from vedette.wire.ratelimits import RateLimit
from vedette.wire.refusals import Malformed, Rejected, TooLarge, Unauthenticated
from vedette.wire.store import decode_store

log = logging.getLogger("vedette.ingest")

_ENVELOPE_TYPE = "application/x-sentry-envelope"
# What is inflated and parsed in the event loop; larger bodies go to a thread.
_INLINE_BYTES = 256 * 1024
_FLUSH_SECONDS = 1.0
_MAX_USER_AGENT = 1024


class _Request:
    """What is known of one request so far; a refusal is counted with it."""

    __slots__ = ("body_read", "encoding", "envelope", "exchange", "header", "held", "key", "length", "route", "scope")

    def __init__(self, scope: Scope, exchange: Exchange, route: Route) -> None:
        self.scope = scope
        self.exchange = exchange
        self.route = route
        self.header: Callable[[str], str | None] = scope.headers.get
        self.key: KeyInfo | None = None
        self.envelope: Envelope | None = None
        self.length: int | None = None
        self.encoding = ""
        self.body_read = False
        self.held: list[tuple[Room, int]] = []

    def hold(self, room: Room, size: int) -> None:
        """Take room until the request is answered. Raises `Busy` (503)."""
        room.take(size)
        self.held.append((room, size))

    def let_go(self) -> None:
        """Give back everything that is held."""
        while self.held:
            room, size = self.held.pop()
            room.give_back(size)


class IngestApp:
    """Answers the ingest paths. `clock` gives Unix time in seconds."""

    def __init__(
        self,
        settings: IngestSettings,
        keys: KeyDirectory,
        spool: SpoolWriter,
        stats: IngestStats,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.stats = stats
        self._settings = settings
        self._keys = keys
        self._spool = spool
        self._clock = clock
        self._room = Room(settings.inflight_limit_bytes, stats)
        self._anonymous_room = Room(settings.anonymous_limit_bytes, stats)
        # Apart from the bodies: one that is as large as it may be must have room for both.
        self._inflated_room = Room(settings.inflight_limit_bytes, stats)
        self._patience = Patience(settings.body_seconds)
        self._quotas = KeyQuotas()
        self._ledger = RefusalLedger()
        self._inflating = ThreadPoolExecutor(2, thread_name_prefix="inflate")
        self._flusher: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to write down refusals; call it in the event loop."""
        self._flusher = asyncio.get_running_loop().create_task(self._flush_regularly())

    async def stop(self) -> None:
        """Refuse what still comes and write down the last refusals. The spool is the caller's to close."""
        self._stopping = True
        if self._flusher:
            self._flusher.cancel()
            with suppress(asyncio.CancelledError):
                await self._flusher
        await self._flush()
        self._keys.close()
        self._inflating.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        self.stats.inflight_requests += 1
        try:
            answer = await self._answer(scope, exchange)
            if answer.status != 200:
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
        request = _Request(scope, exchange, route)
        try:
            if self._stopping:
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

    async def _accept(self, request: _Request) -> Answer:
        header, scope = request.header, request.scope
        credentials = read_credentials(header("x-sentry-auth"), header("authorization"), scope.query_string)
        if request.route.endpoint == "envelope":
            return await self._accept_envelope(request, credentials)
        if credentials is None:
            raise Unauthenticated("missing authorization information")
        if scope.method == "GET":
            await self._admit(request, credentials)
            return await self._accept_store(request, credentials, _sentry_data(scope.query_string), pixel=True)
        if (header("content-type") or "").partition(";")[0].strip().lower() == _ENVELOPE_TYPE:
            return await self._accept_envelope(request, credentials)
        await self._admit(request, credentials)
        body = await self._read(request, self._settings.store_limit_bytes)
        return await self._accept_store(request, credentials, body)

    async def _accept_envelope(self, request: _Request, credentials: Credentials | None) -> Answer:
        if credentials:
            await self._admit(request, credentials)
            body = await self._read(request, self._settings.envelope_limit_bytes)
        else:
            body, credentials = await self._read_anonymous(request)
        plain = await self._inflate(request, body) if request.encoding else body
        envelope, event_id, beyond = await self._open(plain)
        request.envelope = envelope
        check_consistency(envelope, credentials, _key(request), request.header)
        if beyond:
            raise beyond
        now = self._clock()
        limit, refused = self._limited(request, envelope, now)
        if event_id is None and any(needs_event(item) for item in envelope.items):
            event_id = new_event_id()
        if len(refused) < len(envelope.items):
            receipt = self._receipt(request, credentials, now, event_id, refused=refused)
            await self._store(receipt, body)
        elif refused:
            self._note_refusal(request, Outcome.RATE_LIMITED, KEY_QUOTA)
        return answers.rate_limited([limit]) if limit else answers.accepted(event_id)

    async def _accept_store(
        self, request: _Request, credentials: Credentials, body: bytes, *, pixel: bool = False
    ) -> Answer:
        limit_bytes = self._settings.store_limit_bytes
        plain = decode_body(body, request.encoding, limit_bytes)
        event = decode_store(plain, credentials.client or request.header("user-agent") or "", limit_bytes)
        now = self._clock()
        limit = None
        if category_of_type(event.type) is Category.ERROR:
            limit = self._quotas.take(_key(request), now)
        if limit:
            self._note_refusal(request, Outcome.RATE_LIMITED, KEY_QUOTA)
            return answers.rate_limited([limit])
        await self._store(self._receipt(request, credentials, now, event.event_id, kind="store"), body)
        return answers.pixel() if pixel else answers.accepted(event.event_id)

    async def _admit(self, request: _Request, credentials: Credentials) -> None:
        """Whether this key may send to this project from this page. Raises `Rejected` (403)."""
        written = request.route.project
        wanted = None if written is None else project_id(written)
        key = self._keys.fresh(credentials.public_key) or await self._keys.get(credentials.public_key)
        if key is None:
            raise Rejected("project_id", "no such project or key")
        request.key = key
        check_key(key, wanted, request.header)

    async def _read_anonymous(self, request: _Request) -> tuple[bytes, Credentials]:
        """The body of a request without credentials, and those that its envelope brought, admitted.

        Until then it is in a room of its own, and nothing but its start is inflated.
        """
        limit = min(self._settings.envelope_limit_bytes, self._settings.anonymous_limit_bytes)
        body = await self._read(request, limit, anonymous=True)
        start = decode_prefix(body, request.encoding, MAX_HEADER_BYTES) if request.encoding else body
        credentials = credentials_in(start)
        await self._admit(request, credentials)
        request.let_go()
        request.hold(self._room, len(body))
        return body, credentials

    async def _read(self, request: _Request, limit: int, *, anonymous: bool = False) -> bytes:
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
                raise Unauthenticated("missing authorization information")
            raise Malformed("empty request body", reason="no_data")
        return body

    async def _inflate(self, request: _Request, body: bytes) -> bytes:
        limit = self._settings.envelope_limit_bytes
        plain = None
        if len(body) <= _INLINE_BYTES:
            with suppress(TooLarge):
                plain = decode_body(body, request.encoding, min(limit, _INLINE_BYTES))
        if plain is None:
            loop = asyncio.get_running_loop()
            plain = await loop.run_in_executor(self._inflating, decode_body, body, request.encoding, limit)
        # Before this nobody knows the size; what is not counted yet is bounded by the number of threads.
        request.hold(self._inflated_room, len(plain))
        return plain

    async def _open(self, plain: bytes) -> tuple[Envelope, str | None, TooLarge | None]:
        if len(plain) <= _INLINE_BYTES:
            return _opened(plain)
        return await asyncio.get_running_loop().run_in_executor(self._inflating, _opened, plain)

    def _limited(
        self, request: _Request, envelope: Envelope, now: float
    ) -> tuple[RateLimit | None, tuple[tuple[int, str], ...]]:
        """The limit that was hit, if any, and which items it takes out: the event, and what goes with it."""
        key = _key(request)
        if key.rate_limit is None or not has_limited_event(envelope.items):
            return None, ()
        limit = self._quotas.take(key, now)
        if limit is None:
            return None, ()
        return limit, tuple((index, KEY_QUOTA) for index, item in enumerate(envelope.items) if goes_with_event(item))

    def _receipt(
        self,
        request: _Request,
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
            remote_addr=client_address(request.header, request.scope.client, trust_proxy=self._settings.trust_proxy),
            event_id=event_id,
            refused=refused,
        )

    async def _store(self, receipt: Receipt, body: bytes) -> None:
        started = time.perf_counter()
        await self._spool.append(receipt, body)
        self.stats.accepted(len(body), time.perf_counter() - started)

    async def _refuse(self, request: _Request, error: Refused | TryAgain) -> Answer:
        status: int = getattr(error, "status", 503)
        outcome = Outcome.RATE_LIMITED if status in (429, 503) else Outcome.INVALID
        self._note_refusal(request, outcome, getattr(error, "reason", error.code))
        # Who asked whether to send (Expect: 100-continue) still waits; everybody else is writing already.
        if not request.body_read and request.header("expect") is None:
            with suppress(*GONE):  # also said of a body that was read in part already
                await drain(request.exchange, request.length)
        return answers.refused(error, status)

    def _note_refusal(self, request: _Request, outcome: Outcome, reason: str) -> None:
        """Every refused item is counted once, as far as it is known whose it is and what it was."""
        if request.key is None:
            return
        now = self._clock()
        if request.envelope is None:
            category = Category.ERROR if request.route.endpoint == "store" else Category.UNKNOWN
            self._ledger.note(request.key, outcome, category, reason, 1, now)
            return
        for item in request.envelope.items:
            if item.type != "client_report":  # only tells of others
                self._ledger.note(request.key, outcome, category_of(item), reason, quantity_of(item), now)

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self._patience.sweep()
            await self._flush()

    async def _flush(self) -> None:
        for receipt, body in list(self._ledger.take(self._clock())):
            try:
                await self._spool.append(receipt, body, beyond_limits=True)
            except SpoolUnavailable:
                self._ledger.put_back(receipt, body)
        self.stats.uncounted_refusals = self._ledger.uncounted


def _key(request: _Request) -> KeyInfo:
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
