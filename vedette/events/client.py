"""The door to the event store for everybody who is not the engine: clickhouse-connect over HTTP.

Embedded and cluster differ by their address alone. The address of the embedded engine changes when it restarts (a new
port, a new secret), so it is asked for again after a connection error, and the store heals.
"""

import queue
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    OperationalError,
    StreamFailureError,
)
from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from vedette.core.errors import Misconfigured, TryAgain

CONNECT_SECONDS = 3
ANSWER_SECONDS = 60
IDLE_CLIENTS = 8
EMBEDDED_USER = "default"

# Codes after which the same statement may succeed: memory (241), too many at once (202), time (159, 160), network
# (209, 210), parts (252), space (243), closed or aborted (236, 394), read-only or Keeper trouble (242, 319, 999).
RETRYABLE_CODES = frozenset((159, 160, 202, 209, 210, 225, 236, 241, 242, 243, 252, 319, 394, 999))
SHORT_OF_MEMORY, DISK_FULL = 241, 243
AUTHENTICATION_FAILED = 516

T = TypeVar("T")


class StoreUnavailable(TryAgain):
    """The event store is away, restarting, or short of memory: the same work may succeed later."""

    code = "store-unavailable"
    hint = "events are kept in the spool meanwhile; `vedette doctor` says what is wrong"


class StoreShortOfMemory(StoreUnavailable):
    """The statement needs more memory than the event store may use now: less at once may succeed, or the same later."""

    code = "store-short-of-memory"


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where the embedded engine listens on 127.0.0.1, and the secret of this start of it."""

    host: str
    port: int
    secret: str


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A ClickHouse server over HTTP, or the embedded engine seen as one."""

    host: str
    port: int
    username: str
    password: str
    database: str = "default"
    secure: bool = False


class _Lost(Exception):
    """The connection broke: worth one more try at a fresh address."""


class _Unsent(_Lost):
    """Nobody listens there, or the secret is of another start: nothing was done."""


class EventStore:
    """A pool of clients of one event store; safe to use from many threads.

    Every method raises `StoreUnavailable` when the store is away or pushes back. Other errors of the store are
    defects of ours, and come through as clickhouse-connect's `DatabaseError`.
    """

    def __init__(
        self, address: Callable[[], ServerAddress], *, embedded: bool, answer_seconds: int = ANSWER_SECONDS
    ) -> None:
        self.embedded = embedded  # the engine of this node, and no ClickHouse server
        self._answer_seconds = answer_seconds
        self._address = address
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue(IDLE_CLIENTS)
        self._generation = 0
        # Connections of its own, so that no proxy from the environment ever meets loopback traffic.
        self._connections = _once_each(get_pool_manager(maxsize=IDLE_CLIENTS)) if embedded else None

    def rows(
        self,
        statement: str,
        params: Mapping[str, Any] | None = None,
        *,
        as_bytes: Sequence[str] = (),
    ) -> Sequence[Sequence[Any]]:
        """The rows that a statement gives. `params` are bound by the server: {name:Type} in the text. The columns named
        in `as_bytes` come as bytes, other strings as text."""
        formats: dict[str, str | dict[str, str]] = dict.fromkeys(as_bytes, "bytes")
        return self._retried(
            lambda client: client.query(statement, parameters=dict(params or {}), column_formats=formats).result_rows
        )

    def value(self, statement: str, params: Mapping[str, Any] | None = None) -> Any:
        """The first value of the first row; None when there is none."""
        rows = self.rows(statement, params)
        return rows[0][0] if rows else None

    def run(
        self, statement: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Run a statement that gives no rows, and that may be run twice without harm: it is, when the connection
        breaks before its answer."""
        self._retried(
            lambda client: client.command(statement, parameters=dict(params or {}), settings=dict(settings or {}))
        )

    def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        *,
        token: str,
    ) -> None:
        """One insert, column by column. The token makes a second one with the same rows a no-op, where the server
        remembers it: so an insert whose connection breaks is not sent again, and its caller has to look what is there.
        """
        self._retried(
            lambda client: client.insert(
                table,
                columns,
                column_names=names,
                column_type_names=types,
                column_oriented=True,
                settings=_pinned(token),
            ),
            after=_Unsent,
        )

    def raw(
        self,
        statement: str,
        params: Mapping[str, Any] | None = None,
        output_format: str = "JSONCompactEachRow",
        settings: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer of a statement as the server writes it in one of its formats."""
        return self._retried(
            lambda client: client.raw_query(
                statement, parameters=dict(params or {}), settings=dict(settings or {}), fmt=output_format
            )
        )

    def insert_text(self, table: str, names: Sequence[str], data: bytes, input_format: str, *, token: str) -> None:
        """One insert of rows that are encoded already, under the same promises as `insert`."""
        self._retried(
            lambda client: client.raw_insert(
                table, column_names=list(names), insert_block=data, settings=_pinned(token), fmt=input_format
            ),
            after=_Unsent,
        )

    def ping(self) -> bool:
        """Whether the store answers a query now."""
        try:
            return bool(self.value("SELECT 1") == 1)
        except (StoreUnavailable, Misconfigured):
            return False

    def close(self) -> None:
        """Close the idle connections. The store can be used again afterwards."""
        self._forget()

    def _retried(self, work: Callable[[Client], T], after: type[_Lost] = _Lost) -> T:
        """Once more `after` a lost connection or a changed secret, with the address asked for again."""
        try:
            return self._once(work)
        except after:
            self._forget()
        except _Lost as lost:
            raise self._away(lost) from lost.__cause__
        try:
            return self._once(work)
        except _Lost as lost:
            raise self._away(lost) from lost.__cause__

    def _away(self, lost: _Lost) -> StoreUnavailable:
        self._forget()
        return StoreUnavailable(f"the event store does not answer: {lost}")

    def _once(self, work: Callable[[Client], T]) -> T:
        generation = self._generation
        try:
            client = self._borrow()
            try:
                result = work(client)
            except DatabaseError as error:
                if error.code:  # the server answered, so its connection is whole
                    self._return(generation, client)
                else:
                    client.close()
                raise
            except BaseException:
                client.close()
                raise
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _judged(error, self._answer_seconds) from error
        self._return(generation, client)
        return result

    def _borrow(self) -> Client:
        with suppress(queue.Empty):
            return self._idle.get_nowait()
        address = self._address()
        client = clickhouse_connect.get_client(
            host=address.host,
            port=address.port,
            username=address.username,
            password=address.password,
            database=address.database,
            interface="https" if address.secure else "http",
            compress=not self.embedded,  # on loopback it costs more than it saves
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=self._answer_seconds,
            query_retries=0,
            autogenerate_session_id=False,
            tz_mode="aware",
            client_name="vedette",
            pool_mgr=self._connections,
            dedicated_pool=not self.embedded,
        )
        if not self.embedded and isinstance(client, HttpClient):
            _once_each(client.http)
        return client

    def _return(self, generation: int, client: Client) -> None:
        if generation == self._generation:
            with suppress(queue.Full):
                self._idle.put_nowait(client)
                return
        client.close()

    def _forget(self) -> None:
        self._generation += 1
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()
        if self._connections is not None:
            self._connections.clear()


def _pinned(token: str) -> dict[str, Any]:
    return {
        "async_insert": 0,
        "insert_deduplicate": 1,
        "insert_deduplication_token": token,
        "max_partitions_per_insert_block": 0,  # old events come in batches of many weeks, and are not refused
    }


def connect(where: ServerAddress | Callable[[], EngineAddress], *, answer_seconds: int = ANSWER_SECONDS) -> EventStore:
    """The event store at a ClickHouse server, or the embedded engine whose present address the callable tells (it may
    raise `StoreUnavailable`). Nothing is sent yet; what takes longer than `answer_seconds` counts as away."""
    if isinstance(where, ServerAddress):
        return EventStore(lambda: where, embedded=False, answer_seconds=answer_seconds)

    def present() -> ServerAddress:
        engine = where()
        return ServerAddress(engine.host, engine.port, EMBEDDED_USER, engine.secret)

    return EventStore(present, embedded=True, answer_seconds=answer_seconds)


def _once_each(connections: PoolManager) -> PoolManager:
    """Keep clickhouse-connect from sending a request again, inserts too, when the server resets its connection: what it
    looks for is an error whose direct cause is the reset."""
    send = connections.request

    def request(*args: Any, **kwargs: Any) -> BaseHTTPResponse:
        try:
            return send(*args, **kwargs)
        except HTTPError as error:
            raise HTTPError(str(error)) from error

    connections.request = request  # type: ignore[method-assign]
    return connections


def _judged(error: Exception, answer_seconds: int) -> Exception:
    """What an error of the client means for the caller."""
    code = getattr(error, "code", None)
    if code == SHORT_OF_MEMORY:
        return StoreShortOfMemory(f"the event store is short of memory (ClickHouse code {code})")
    if code == DISK_FULL:
        return StoreUnavailable(f"the event store's disk is full (ClickHouse code {code})")
    if code in RETRYABLE_CODES:
        return StoreUnavailable(f"the event store asks to wait (ClickHouse code {code})")
    if code == AUTHENTICATION_FAILED:
        return _Unsent("it refuses our credentials")
    if _came_of(error, ReadTimeoutError):
        return StoreUnavailable(f"the event store gave no answer in {answer_seconds} s")
    if code is None and isinstance(error, OperationalError | StreamFailureError | HTTPError | OSError):
        kind = _Unsent if _came_of(error, NewConnectionError) else _Lost
        return kind(type(error.__cause__ or error).__name__)
    return error


def _came_of(error: BaseException | None, kind: type[HTTPError]) -> bool:
    while error is not None:
        if isinstance(error, kind) or isinstance(getattr(error, "reason", None), kind):
            return True
        error = error.__cause__
    return False
