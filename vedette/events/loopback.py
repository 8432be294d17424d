"""The engine's front: ClickHouse's HTTP protocol on 127.0.0.1, for an unmodified clickhouse-connect client.

Everybody but the engine process reaches the event store through here, in the same way as they would reach a
ClickHouse server. Differences: no sessions, no users, no external data, answers are whole (no progress, no streaming),
and two doors of our own: `POST /-/flush` and `GET /-/status`, answered by hooks that the engine process registers.

Each connection has a thread; the engine's pool of handles bounds what runs at once. TCP_NODELAY and one write per
response: without either, a round trip costs 44 ms instead of 2.
"""

import contextlib
import hmac
import json
import logging
import socket
import socketserver
import threading
from base64 import b64decode
from collections.abc import Callable
from http.client import responses
from http.server import BaseHTTPRequestHandler
from typing import Any

from vedette.events import _http
from vedette.events._http import HttpRefused
from vedette.events.engine import Engine, EngineBusy, EngineError, settings_clause

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 256 * 1024 * 1024  # as sent, and again inflated
MAX_STATEMENT_BYTES = 256 * 1024
MAX_CONNECTIONS = 256
IDLE_SECONDS = 600
STRANGER_SECONDS = 15  # how long a connection may stay silent before it has shown the secret
COMPRESS_FROM_BYTES = 4096

Hook = Callable[[dict[str, Any]], bytes]

log = logging.getLogger(__name__)


class LoopbackServer:
    """Serves `engine` on 127.0.0.1, and on no other address, to whoever knows `secret`.

    `hooks` maps "flush" and "status" to callables: each gets the request's JSON object (or its query parameters) and
    returns a JSON body. It may be changed while the server runs.
    """

    def __init__(self, engine: Engine, secret: str, port: int = 0, hooks: dict[str, Hook] | None = None) -> None:
        if not secret:
            raise ValueError("the loopback front needs a secret")
        self.engine = engine
        self.hooks: dict[str, Hook] = hooks if hooks is not None else {}
        self._secret = secret.encode()
        self._server = _Server((LOOPBACK, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="loopback", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on, in threads of its own."""
        self._thread.start()

    def close(self) -> None:
        """Accept no more connections and end the idle ones; what runs gets its answer."""
        self._server.stopping = True
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def knows(self, password: str) -> bool:
        """Whether this is the secret, compared in constant time."""
        return hmac.compare_digest(password.encode("utf-8", "replace"), self._secret)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], front: LoopbackServer) -> None:
        self.front = front
        self.stopping = False
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Connection)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._lock:
            return len(self._connections) < MAX_CONNECTIONS

    def enter(self, connection: "_Connection") -> None:
        with self._lock:
            self._connections.add(connection)

    def leave(self, connection: "_Connection") -> None:
        with self._lock:
            self._connections.discard(connection)

    def hang_up(self) -> None:
        with self._lock:
            idle = [connection for connection in self._connections if not connection.answering]
        for connection in idle:
            with contextlib.suppress(OSError):
                connection.connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a loopback connection ended", exc_info=True)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = STRANGER_SECONDS
    server: _Server
    answering = False

    def setup(self) -> None:
        super().setup()
        self.server.enter(self)

    def finish(self) -> None:
        self.server.leave(self)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: statements are not for logs."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_GET

    def _serve(self) -> None:
        self.answering = True
        try:
            self._answer()
        except HttpRefused as refused:
            self._fail(refused.status, refused.code, str(refused))
        except EngineError as error:
            self._fail(_http.status_of(error.code), error.code, str(error))
        except EngineBusy as busy:
            self._fail(503, 202, f"Code: 202. DB::Exception: {busy}. (TOO_MANY_SIMULTANEOUS_QUERIES)")
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            self.answering = False
            if self.server.stopping:
                self.close_connection = True

    def _answer(self) -> None:
        if self.path in ("/ping", "/") and self.command != "POST":  # as ClickHouse, to anybody: it says nothing
            self._reply(200, b"Ok.\n")
            return
        self._authenticate()
        target = _http.read_target(self.path)
        if target.path.startswith("/-/"):
            self._hook(target)
        else:
            self._statement(target)

    def _authenticate(self) -> None:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        password = self.headers.get("X-ClickHouse-Key", "")
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                password = b64decode(credentials, validate=True).decode("utf-8", "replace").partition(":")[2]
        if not self.server.front.knows(password):
            self.close_connection = True  # its body is not read
            raise HttpRefused(403, 516, "Authentication failed. (AUTHENTICATION_FAILED)")
        self.connection.settimeout(IDLE_SECONDS)

    def _hook(self, target: _http.Target) -> None:
        name = target.path.removeprefix("/-/")
        hook = self.server.front.hooks.get(name)
        body = self._body()
        if hook is None or (self.command == "POST") != (name == "flush"):
            raise HttpRefused(404, 36, f"there is no {self.command} /-/{name} here")
        try:
            asked = json.loads(body) if body else dict(target.settings)
        except ValueError:
            raise HttpRefused(400, 36, "the body is no JSON") from None
        self._reply(200, hook(asked if isinstance(asked, dict) else {}), {"Content-Type": "application/json"})

    def _statement(self, target: _http.Target) -> None:
        body = _http.inflate(self._body(), self.headers.get("Content-Encoding", "").strip().lower(), MAX_BODY_BYTES)
        content_type = self.headers.get("Content-Type", "")
        if content_type.startswith("multipart/form-data"):
            fields = _http.read_form(body, content_type)
            body = b""
            for name, value in fields.items():
                _http.take_field(target, name, value)
        if query := target.transport.get("query", ""):
            body = query.encode("utf-8", "surrogateescape") + b"\n" + body
        if not body.strip():
            raise HttpRefused(400, 62, "Empty query. (SYNTAX_ERROR)")
        insert = _http.split_insert(body)
        if insert:
            self._insert(target, *insert)
        else:
            self._query(target, body)

    def _insert(self, target: _http.Target, statement: str, input_format: str, data: bytes) -> None:
        written = self.server.front.engine.insert(
            statement, input_format, (data,), settings=target.settings, database=_database(target)
        )
        self._reply(200, b"", _summary(written_rows=written.rows, written_bytes=written.bytes))

    def _query(self, target: _http.Target, body: bytes) -> None:
        if len(body) > MAX_STATEMENT_BYTES:
            raise HttpRefused(413, 223, "the statement is too long: bind its values, and insert data with FORMAT")
        _http.refuse_stateful(body)
        default_format = target.transport.get("default_format", "TabSeparated")
        statement = _http.shape_statement(body, default_format, settings_clause(target.settings))
        answer = self.server.front.engine.query(
            statement.text,
            statement.output_format or "Null",
            params=target.params,
            settings={} if statement.inline_settings else target.settings,
            database=_database(target),
        )
        headers = _summary(read_rows=answer.read_rows, read_bytes=answer.read_bytes)
        headers["X-ClickHouse-Timezone"] = "UTC"
        if statement.output_format:
            headers["X-ClickHouse-Format"] = statement.output_format
        content = answer.body
        if len(content) >= COMPRESS_FROM_BYTES and target.transport.get("enable_http_compression") == "1":
            encoding = _http.choose_encoding(self.headers.get("Accept-Encoding", ""))
            if encoding:
                content = _http.deflate(content, encoding)
                headers["Content-Encoding"] = encoding
        self._reply(200, content, headers)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY_BYTES:
            self.close_connection = True
            raise HttpRefused(413, 223, f"the body is {length} bytes, the limit is {MAX_BODY_BYTES}")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the body ended too early")
        return body

    def _chunks(self) -> bytes:
        pieces: list[bytes] = []
        room = MAX_BODY_BYTES
        while True:
            try:
                size = int(self.rfile.readline(64).partition(b";")[0], 16)
            except ValueError:
                raise ConnectionError("the body ended too early") from None
            room -= size
            if size < 0 or room < 0:
                self.close_connection = True
                raise HttpRefused(413, 223, f"the body is longer than {MAX_BODY_BYTES} bytes")
            piece = self.rfile.read(size)
            if len(piece) < size or self.rfile.readline(1024) not in (b"\r\n", b"\n"):
                raise ConnectionError("the body ended too early")
            if not size:
                return b"".join(pieces)
            pieces.append(piece)

    def _fail(self, status: int, code: int, message: str) -> None:
        with contextlib.suppress(OSError):
            self._reply(
                status,
                message.encode("utf-8", "replace") + b"\n",
                {"Content-Type": "text/plain; charset=UTF-8", "X-ClickHouse-Exception-Code": str(code)},
            )

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if self.server.stopping:
            self.close_connection = True
        lines = [f"HTTP/1.1 {status} {responses.get(status, '')}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.wfile.write(head if self.command == "HEAD" else head + body)


def _database(target: _http.Target) -> str:
    return target.transport.get("database") or "default"


def _summary(**counts: int) -> dict[str, str]:
    return {"X-ClickHouse-Summary": json.dumps({name: str(value) for name, value in counts.items()})}
