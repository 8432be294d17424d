"""chDB in this process: the only opener of an event store's directory.

The engine knows no tables and no HTTP: it runs statements on a bounded pool of handles. Its rules come from
measurements: one process owns the directory; a process that imported chDB never forks; unknown settings are ignored
in silence, so every pinned one is read back; every handle is closed before the process ends, or it ends in a
segmentation fault; a memory error (code 241) is back-pressure, not a failure.

`python -m vedette.events.engine --dir DIR` serves a directory by itself: for tests and for looking at a store.
"""

import json
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from vedette.core.errors import Misconfigured, TryAgain
from vedette.events._chdb import Driver, import_chdb, refuse_locked
from vedette.events._infile import as_file

MEBIBYTE = 1024 * 1024
MEMORY_CEILING_BYTES = 900_000_000
MEMORY_SHARE_OF_RAM = 0.4
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ERROR_CODE = re.compile(r"Code:\s*(\d+)")


class EngineError(Exception):
    """A statement that the engine refused or gave up; `code` is ClickHouse's number (0 when it gave none)."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class EngineBusy(TryAgain):
    """Every handle is in use, or the engine is closing."""

    code = "engine-busy"


def memory_limit_bytes(ram_bytes: int | None = None) -> int:
    """What the engine may use unless told otherwise: 40 % of the memory that there is, and never above 900 MB."""
    ram = ram_bytes or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(MEMORY_CEILING_BYTES, int(ram * MEMORY_SHARE_OF_RAM))


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How a store is opened. Zero for `memory_bytes` means `memory_limit_bytes()`."""

    directory: Path
    memory_bytes: int = 0
    handles: int = 6
    max_execution_seconds: int = 60
    wait_for_handle_seconds: float = 20.0

    def server_settings(self) -> dict[str, int]:
        """Pinned when the process first opens the store."""
        return {
            "max_server_memory_usage": self.memory_bytes or memory_limit_bytes(),
            "mark_cache_size": 64 * MEBIBYTE,
            "primary_index_cache_size": 32 * MEBIBYTE,
            "index_mark_cache_size": 32 * MEBIBYTE,
            "query_condition_cache_size": 32 * MEBIBYTE,
            "text_index_tokens_cache_size": 32 * MEBIBYTE,
            "text_index_header_cache_size": 32 * MEBIBYTE,
            "text_index_postings_cache_size": 32 * MEBIBYTE,
            "compiled_expression_cache_size": 32 * MEBIBYTE,
            "background_pool_size": 2,
            "background_schedule_pool_size": 2,
            "background_common_pool_size": 1,
        }

    def session_settings(self) -> dict[str, str]:
        """Pinned on every handle. The last two are what clickhouse-connect asks for in each of its requests."""
        return {
            "async_insert": "0",
            "max_execution_time": str(self.max_execution_seconds),
            "max_result_bytes": str(256 * MEBIBYTE),
            "max_insert_threads": "1",
            "insert_deduplicate": "1",
            "enable_full_text_index": "1",
            "enable_lightweight_update": "1",
            "apply_patch_parts": "1",
            "mutations_sync": "1",
            "date_time_input_format": "best_effort",
            "cast_string_to_dynamic_use_inference": "1",
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave: the bytes in the asked format, and how much was read to make them."""

    body: bytes
    read_rows: int
    read_bytes: int
    elapsed_seconds: float


@dataclass(frozen=True, slots=True)
class Written:
    """What an insert wrote, by the engine's own count of rows received (a dropped replay counts too)."""

    rows: int
    bytes: int
    elapsed_seconds: float


class _Handle:
    """One chDB connection and the session state that it carries."""

    def __init__(self, driver: Driver, dsn: str, base: Mapping[str, str]) -> None:
        self.errors = driver.errors
        self.base = base
        self.database = "default"
        self.spoiled = False
        try:
            self.connection = driver.connect(dsn)
        except driver.errors as error:
            raise _as_engine_error(error) from None

    def run(self, statement: str | bytes, output_format: str, params: Mapping[str, str]) -> Any:
        text = statement if isinstance(statement, str) else statement.decode("utf-8", "surrogateescape")
        try:
            return self.connection.query(text, output_format, params=dict(params))
        except self.errors as error:
            raise _as_engine_error(error) from None

    def use(self, database: str) -> None:
        if database != self.database:
            self.run(f"USE {_quote_name(database)}", "Null", {})
            self.database = database

    def set(self, settings: Mapping[str, str]) -> None:
        if settings:
            self.run(f"SET {settings_clause(settings)}", "Null", {})

    def restore(self, names: Iterable[str]) -> None:
        for name in names:
            value = _quote_value(self.base[name]) if name in self.base else "DEFAULT"
            self.run(f"SET {name} = {value}", "Null", {})


class Engine:
    """An open event store. Safe to use from many threads; each call takes a handle of its own from the pool.

    Every call raises `EngineError` for what the engine answered, `EngineBusy` when no handle came free in time or the
    engine is closing, and `RuntimeError` in a process that inherited the engine through a fork.
    """

    def __init__(self, options: EngineOptions, driver: Driver, dsn: str) -> None:
        self.options = options
        self._pid = os.getpid()
        self._driver, self._dsn = driver, dsn
        self._base = options.session_settings()
        self._free: queue.SimpleQueue[_Handle | None] = queue.SimpleQueue()  # None: room for one not opened yet
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open = 0

    @classmethod
    def open(cls, options: EngineOptions) -> "Engine":
        """Open the directory (made if it is missing), pin the settings and read them back.

        Raises `Misconfigured` when another process holds the directory, when the multiprocessing start method is
        fork, when chDB is missing, or when a setting that we pin is unknown to this engine version.
        """
        driver = import_chdb()
        directory = options.directory.resolve()
        if "?" in str(directory):
            raise Misconfigured(f"the event store cannot live in {directory}", "choose a path without a question mark")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_locked(directory)
        engine = cls(options, driver, f"{directory}?{urlencode(options.server_settings())}")
        try:
            engine._free.put(engine._new_handle())
        except EngineError as error:
            refuse_locked(directory)  # lost a race for it
            raise Misconfigured(f"the event store in {directory} does not open: {error}") from error
        for _ in range(options.handles - 1):
            engine._free.put(None)
        try:
            engine._assert_pinned()
        except BaseException:
            engine.close(timeout_seconds=5)
            raise
        return engine

    @property
    def closing(self) -> bool:
        """True from the first moment of `close()`: new work is refused."""
        return self._closing.is_set()

    def query(
        self,
        statement: str | bytes,
        output_format: str = "TabSeparated",
        *,
        params: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        database: str = "default",
    ) -> Answer:
        """Run one statement and return all of its answer. `params` are bound by the engine ({name:Type} in the text,
        values escaped as in ClickHouse's HTTP protocol); `settings` hold for this statement alone."""
        with self._handle() as handle:
            handle.use(database)
            changed = {name: value for name, value in (settings or {}).items() if handle.base.get(name) != value}
            try:
                handle.set(changed)
                result = handle.run(statement, output_format, params or {})
                return Answer(result.bytes() or b"", result.rows_read(), result.bytes_read(), result.elapsed())
            finally:
                self._restored(handle, changed)

    def insert(
        self,
        statement: str,
        input_format: str,
        blocks: Iterable[bytes],
        *,
        settings: Mapping[str, str] | None = None,
        database: str = "default",
    ) -> Written:
        """Insert encoded data. `statement` is `INSERT INTO table (columns)` without FORMAT; nothing is kept if any
        block is refused. The data never becomes SQL text, which the engine would cut at 256 KiB."""
        with self._handle() as handle:
            handle.use(database)
            clause = f" SETTINGS {settings_clause(settings)}" if settings else ""
            with as_file(blocks) as path:
                source = f" FROM INFILE {_quote_value(path)} COMPRESSION 'none'"
                result = handle.run(f"{statement}{source}{clause} FORMAT {input_format}", "Null", {})
            return Written(result.rows_read(), result.bytes_read(), result.elapsed())

    def close(self, timeout_seconds: float = 10.0) -> bool:
        """Stop intake, wait for what runs, close every handle; True if all are closed.

        What still runs after half of the time is told to stop. When this returns False a statement did not stop: the
        caller then ends the process with `os._exit`, which skips the native destructors that would crash.
        """
        self._assert_mine()
        self._closing.set()
        deadline = time.monotonic() + timeout_seconds
        if not self._drain(time.monotonic() + timeout_seconds / 2):
            with suppress(EngineError), self._spare_handle() as killer:
                killer.run("KILL QUERY WHERE query NOT LIKE 'KILL%' ASYNC", "Null", {})
            self._drain(deadline)
        with self._lock:
            return self._open == 0

    def _drain(self, deadline: float) -> bool:
        while True:
            with suppress(queue.Empty):
                while True:
                    if handle := self._free.get_nowait():
                        self._discard(handle)
            with self._lock:
                if self._open == 0:
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)

    @contextmanager
    def _handle(self) -> Iterator[_Handle]:
        self._assert_mine()
        if self.closing:
            raise EngineBusy("the event store is closing")
        try:
            handle = self._free.get(timeout=self.options.wait_for_handle_seconds)
        except queue.Empty:
            raise EngineBusy("every handle of the event store is in use") from None
        try:
            if self.closing:
                raise EngineBusy("the event store is closing")
            handle = handle or self._new_handle()
            yield handle
        finally:
            if handle and handle.spoiled:
                self._discard(handle)
                handle = None
            self._free.put(handle)

    @contextmanager
    def _spare_handle(self) -> Iterator[_Handle]:
        handle = self._new_handle()
        try:
            yield handle
        finally:
            self._discard(handle)

    def _new_handle(self) -> _Handle:
        handle = _Handle(self._driver, self._dsn, self._base)
        with self._lock:
            self._open += 1
        try:
            handle.set(self._base)
        except EngineError:
            self._discard(handle)
            raise
        return handle

    def _discard(self, handle: _Handle) -> None:
        handle.connection.close()
        with self._lock:
            self._open -= 1

    def _restored(self, handle: _Handle, changed: Mapping[str, str]) -> None:
        try:
            handle.restore(changed)
        except EngineError:
            handle.spoiled = True  # a handle whose session is unknown never serves again

    def _assert_mine(self) -> None:
        if os.getpid() != self._pid:
            raise RuntimeError("this process inherited the event store through a fork and must not touch it")

    def _assert_pinned(self) -> None:
        wanted = {name: str(value) for name, value in self.options.server_settings().items()}
        for table, pinned in (("server_settings", wanted), ("settings", self._base)):
            answer = self.query(f"SELECT name, value FROM system.{table}", "JSONCompactEachRow")
            actual = dict(json.loads(line) for line in answer.body.splitlines())
            wrong = {name: actual.get(name) for name, value in pinned.items() if not _same(actual.get(name), value)}
            if wrong:
                told = ", ".join(f"{name} is {value or 'unknown'}, not {pinned[name]}" for name, value in wrong.items())
                raise Misconfigured(
                    f"the event store did not take its settings: {told}", "install the chdb-core we pin"
                )


def settings_clause(settings: Mapping[str, str]) -> str:
    """`name = 'value', …`, safe to stand after SET or SETTINGS. Raises `EngineError` for what is no name."""
    for name in settings:
        if not _SETTING_NAME.fullmatch(name):
            raise EngineError(f"Code: 115. DB::Exception: {name!r} is no setting. (UNKNOWN_SETTING)", 115)
    return ", ".join(f"{name} = {_quote_value(value)}" for name, value in settings.items())


def _quote_value(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _same(actual: str | None, wanted: str) -> bool:
    return actual == wanted or (actual in ("true", "false") and wanted == str(int(actual == "true")))


def _as_engine_error(error: Exception) -> EngineError:
    text = str(error)
    start = text.find("Code: ")
    match = _ERROR_CODE.search(text)
    return EngineError(text[start:] if start > 0 else text, int(match[1]) if match else 0)


if __name__ == "__main__":  # imported anew, so that there is one Engine class in the process and not two
    from vedette.events import serve

    sys.exit(serve.main())
