"""A WSGI application behind an RSGI server: requests run in a few threads, answers go back through the event loop.

Small answers go out in one piece. Large and endless ones are sent chunk by chunk from the thread that makes them,
because a database cursor belongs to its thread; the thread waits until each chunk is gone.
"""

import asyncio
import io
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from vedette.wire.clientip import address_in, peer_address

log = logging.getLogger("vedette.front")

MIB = 1024 * 1024
BODY_LIMIT_BYTES = 40 * MIB
_IN_MEMORY_BYTES = MIB // 2
_ONE_PIECE_BYTES = MIB
_CHUNK_BYTES = 64 * 1024
_SEND_SECONDS = 60.0
_BODY_SECONDS = 120.0  # for all of a body
_PATIENCE_SECONDS = 20.0  # for the next piece of it
_MAX_WAITING = 256
_MAX_READING = 512

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_GONE = (ProtocolClosed, ProtocolError)


class ManyHeaders(Protocol):
    """RSGI's headers, in lower case, repeated ones one by one."""

    def items(self) -> list[tuple[str, str]]: ...

    def get(self, key: str, /) -> str | None: ...


class WsgiScope(Protocol):
    """The parts of an RSGI scope that make a WSGI environment."""

    method: str
    path: str
    query_string: str
    client: str
    server: str
    scheme: str
    http_version: str
    authority: str | None

    @property
    def headers(self) -> ManyHeaders: ...


class Transport(Protocol):
    """Where the chunks of a streamed answer go."""

    async def send_bytes(self, data: bytes) -> None: ...


class WsgiExchange(Protocol):
    """One request's RSGI protocol object."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_empty(self, status: int, headers: Headers) -> None: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...

    def response_stream(self, status: int, headers: Headers) -> Transport: ...


class BodyTooLarge(Exception):
    """The request's body is beyond the limit."""


class TooMany(Exception):
    """There is no place for one more request."""


def is_probe(path: str) -> bool:
    """Whether monitoring asks here: such a request has no body and is answered however many others wait."""
    return path.startswith("/health/") or path == "/metrics"


class WsgiBridge:
    """Runs `application` in `threads` threads. `extra` is added to every environment.

    At most `max_reading` requests wait for their body, each `patience_seconds` for the next piece of it, and at most
    `max_waiting` that are all there wait for a thread: who sends nothing takes no place from those who did.
    """

    def __init__(
        self,
        application: WsgiApplication,
        *,
        threads: int = 4,
        trust_proxy: bool = False,
        extra: Environ | None = None,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
        max_waiting: int = _MAX_WAITING,
        max_reading: int = _MAX_READING,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._application = application
        self._trust_proxy = trust_proxy
        self._extra = extra or {}
        self._body_limit_bytes = body_limit_bytes
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="wsgi")
        self._max_waiting = max_waiting
        self._max_reading = max_reading
        self._patience_seconds = patience_seconds
        self._waiting = 0
        self._reading = 0

    def close(self) -> None:
        """Take no more; what runs is left to end by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: WsgiScope, exchange: WsgiExchange) -> None:
        """Answer one request."""
        try:
            if is_probe(scope.path):
                return await self._run(scope, exchange, io.BytesIO())
            with await self._receive(scope, exchange) as body:
                if self._waiting >= self._max_waiting:
                    raise TooMany
                self._waiting += 1
                try:
                    return await self._run(scope, exchange, body)
                finally:
                    self._waiting -= 1
        except TooMany:
            return _plain(exchange, 503, "too many requests at once", [("retry-after", "5")])
        except BodyTooLarge:
            return _plain(exchange, 413, f"request body is larger than {self._body_limit_bytes} bytes")
        except TimeoutError:
            return _plain(exchange, 408, "request body did not arrive in time")
        except _GONE:
            return None

    async def _run(self, scope: WsgiScope, exchange: WsgiExchange, body: IO[bytes]) -> None:
        loop = asyncio.get_running_loop()
        call = _Call(self._application, self._environ(scope, body), exchange, loop)
        await loop.run_in_executor(self._threads, call.run)
        call.answer_in_one_piece()

    async def _receive(self, scope: WsgiScope, exchange: WsgiExchange) -> IO[bytes]:
        length = scope.headers.get("content-length")
        if length is None and scope.headers.get("transfer-encoding") is None and scope.http_version.startswith("1"):
            return io.BytesIO()
        if length and length.isdigit() and int(length) > self._body_limit_bytes:
            raise BodyTooLarge
        if self._reading >= self._max_reading:
            raise TooMany
        self._reading += 1
        try:
            return await self._read_body(exchange)
        finally:
            self._reading -= 1

    async def _read_body(self, exchange: WsgiExchange) -> IO[bytes]:
        now = asyncio.get_running_loop().time
        deadline = now() + _BODY_SECONDS
        body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 (the caller closes it)
        try:
            async with asyncio.timeout(self._patience_seconds) as patience:
                async for chunk in exchange:
                    patience.reschedule(min(now() + self._patience_seconds, deadline))
                    body.write(chunk)
                    if body.tell() > self._body_limit_bytes:
                        raise BodyTooLarge
        except BaseException:
            body.close()
            raise
        return body

    def _environ(self, scope: WsgiScope, body: IO[bytes]) -> Environ:
        size = body.tell()
        body.seek(0)
        host, _, port = scope.server.rpartition(":")
        environ: Environ = {
            "REQUEST_METHOD": scope.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
            "QUERY_STRING": scope.query_string,
            "SERVER_NAME": host.strip("[]") or "localhost",
            "SERVER_PORT": port or "80",
            "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
            "REMOTE_ADDR": peer_address(scope.client),
            "REMOTE_PORT": scope.client.rpartition(":")[2],
            "CONTENT_LENGTH": str(size) if size else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope.scheme,
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **self._extra,
        }
        _add_headers(environ, scope)
        if self._trust_proxy:
            # The last entry is what our own proxy saw; those before it are what the client claims.
            forwarded = address_in(environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2])
            environ["REMOTE_ADDR"] = forwarded or environ["REMOTE_ADDR"]
        return environ


class _Call:
    """One request in a thread. `run` sends a stream itself; a small answer is left for the event loop to send."""

    def __init__(
        self, application: WsgiApplication, environ: Environ, exchange: WsgiExchange, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._application = application
        self._environ = environ
        self._exchange = exchange
        self._loop = loop
        self._status = 0
        self._headers: Headers = []
        self._body: bytes | None = None
        self._written: list[bytes] = []
        self._transport: Transport | None = None

    def run(self) -> None:
        """Call the application and take its answer. Never raises for what the application does."""
        try:
            self._run()
        except _GONE:
            pass
        except Exception:  # the application broke: the sender gets 500, the log the rest
            log.exception("%s %s failed", self._environ["REQUEST_METHOD"], self._environ["PATH_INFO"])
            self._status, self._headers = 500, [("content-type", "text/plain")]
            self._body = b"internal error\n"

    def answer_in_one_piece(self) -> None:
        """Send what `run` left, if it did not send a stream."""
        if self._transport is not None or self._body is None:
            return
        if self._environ["REQUEST_METHOD"] == "HEAD" or self._status in (204, 304):
            self._exchange.response_empty(self._status, self._headers)
        else:
            self._exchange.response_bytes(self._status, self._headers, self._body)

    def _run(self) -> None:
        answer = self._application(self._environ, self._start_response)
        try:
            if self._environ["REQUEST_METHOD"] == "HEAD" or self._is_small(answer):
                chunks = [] if self._environ["REQUEST_METHOD"] == "HEAD" else list(answer)
                self._body = b"".join((*self._written, *chunks))
            else:
                self._stream(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    def _start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info and self._transport is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status = int(status[:3])
        self._headers = [(name.lower(), value) for name, value in headers]
        return self._written.append

    def _is_small(self, answer: Iterable[bytes]) -> bool:
        length = dict(self._headers).get("content-length", "")
        if length.isdigit():
            return int(length) <= _ONE_PIECE_BYTES
        # Django says of its answers whether they are made while they are sent.
        return not getattr(answer, "streaming", not isinstance(answer, list | tuple))

    def _stream(self, answer: Iterable[bytes]) -> None:
        sized = "content-length" in dict(self._headers)
        pending, size = self._written, sum(map(len, self._written))
        for chunk in answer:
            if not chunk:
                continue
            pending.append(chunk)
            size += len(chunk)
            if not sized or size >= _CHUNK_BYTES:  # without a length each chunk may be somebody's live feed
                self._send(b"".join(pending))
                pending, size = [], 0
        self._send(b"".join(pending))

    def _send(self, data: bytes) -> None:
        sent: Future[None] = asyncio.run_coroutine_threadsafe(self._send_in_loop(data), self._loop)
        try:
            sent.result(_SEND_SECONDS)
        except TimeoutError:
            sent.cancel()
            raise ProtocolClosed from None

    async def _send_in_loop(self, data: bytes) -> None:
        if self._transport is None:
            self._transport = self._exchange.response_stream(self._status, self._headers)
        if data:
            await self._transport.send_bytes(data)


def _add_headers(environ: Environ, scope: WsgiScope) -> None:
    for name, value in scope.headers.items():
        if "_" in name:  # would be taken for the same name with a dash
            continue
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key != "CONTENT_LENGTH":
            key = f"HTTP_{key}"
            separator = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority


def _plain(exchange: WsgiExchange, status: int, text: str, headers: Headers | None = None) -> None:
    with suppress(*_GONE):
        exchange.response_bytes(status, [("content-type", "text/plain"), *(headers or [])], f"{text}\n".encode())
