"""The engine process: opens the event store, serves it on loopback, digests the spool, runs the jobs.

With a ClickHouse server elsewhere it is the same process without chDB: then its loopback port offers only its two
doors, `POST /-/flush` and `GET /-/status`. It ends by `os._exit`, because chDB's native destructors may crash.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, cast

from vedette.cli.family import watch_parent
from vedette.core import json, runtime
from vedette.core.errors import Misconfigured, VedetteError
from vedette.core.garbage import settle
from vedette.core.process import cpu_seconds, private_memory_bytes
from vedette.core.runtime import EngineRuntime
from vedette.events.engine import Engine, EngineError, EngineOptions
from vedette.events.loopback import Hook, LoopbackServer
from vedette.settings import Settings

if TYPE_CHECKING:
    from vedette.digest.loop import Digester

log = logging.getLogger("vedette.engine")

SWITCH_INTERVAL_SECONDS = 0.0002  # threads that answer must not wait 5 ms for one that computes
PATIENCE_SECONDS = 60.0  # for a relational database that starts beside us
DIGEST_STOP_SECONDS = 6.0
CLOSE_SECONDS = 6.0
LONGEST_FLUSH_SECONDS = 60.0
BUG = 70  # exit status when something of ours broke; the supervisor starts us again


class _Elsewhere:
    """Stands where the engine would, when the events are in a ClickHouse server."""

    def query(self, *_: object, **__: object) -> Any:
        """Refuse."""
        raise EngineError("Code: 48. DB::Exception: the events are in a ClickHouse server. (NOT_IMPLEMENTED)", 48)

    insert = query


class EngineProcess:
    """What this process runs. `stop` is set by a signal, or by a thread of it that broke."""

    def __init__(self, settings: Settings, told: EngineRuntime, *, digest: bool) -> None:
        self.settings = settings
        self.stop = threading.Event()
        self.status = 0
        self._told = told
        self._wants_digest = digest
        self._digester: Digester | None = None
        self._digest_thread: threading.Thread | None = None
        self._engine: Engine | None = None
        self._server: LoopbackServer | None = None
        self._ready = False
        self._started_at = time.monotonic()

    def start(self) -> None:
        """Open everything, in the order in which each needs the one before. Raises `Misconfigured`."""
        if self.settings.events.embedded:
            self._engine = Engine.open(EngineOptions(self.settings.events.path))
        hooks: dict[str, Hook] = {"flush": self._flush, "status": self._status}
        engine = self._engine or cast(Engine, _Elsewhere())
        self._server = LoopbackServer(engine, self._told.secret, self._told.port, hooks)
        self._server.start()
        self._set_up_stores()
        if self._wants_digest:
            self._start_digest()
        threading.Thread(target=self._run_jobs, name="jobs", daemon=True).start()
        settle()
        self._ready = True

    def _set_up_stores(self) -> None:
        import django

        django.setup()
        from vedette.cli.migrate import ensure_migrated
        from vedette.events.connection import event_store
        from vedette.events.migrate import migrate

        ensure_migrated(patience_seconds=PATIENCE_SECONDS)
        for name in migrate(event_store()):
            log.info("migrated events.%s", name)

    def _start_digest(self) -> None:
        from vedette.core.files import FileStore
        from vedette.digest.loop import Digester, node_name
        from vedette.events.connection import event_store

        settings = self.settings
        self._digester = Digester(
            node_name(settings.data_dir), settings.spool_dir, event_store(), FileStore(settings.files_dir)
        )
        self._digest_thread = threading.Thread(target=self._digest, name="digest", daemon=True)
        self._digest_thread.start()

    def _digest(self) -> None:
        """The loop parks what it cannot digest and waits for stores that are away; anything else is a bug of ours, and
        ends this process so that it is started again."""
        assert self._digester  # noqa: S101
        try:
            self._digester.run(self.stop)
        finally:
            if not self.stop.is_set():
                self.status = BUG
                self.stop.set()

    def _run_jobs(self) -> None:
        from vedette.cli.jobs import JOBS, context
        from vedette.tasks.runner import Runner

        Runner(JOBS, lambda: context(self.settings)).run(self.stop)

    def close(self) -> int:
        """Finish the batch in hand, let queries end, close every handle; the exit status."""
        self._ready = False
        self.stop.set()
        if self._digest_thread:
            self._digest_thread.join(DIGEST_STOP_SECONDS)
        if self._server:
            self._server.close()
        if self._engine and not self._engine.close(CLOSE_SECONDS):
            log.warning("a statement of the event store did not end; it is abandoned")
        return self.status

    def _flush(self, question: dict[str, Any]) -> bytes:
        timeout_seconds = min(max(_number(question.get("timeout"), 10.0), 0.0), LONGEST_FLUSH_SECONDS)
        return json.dumps({"flushed": bool(self._digester and self._digester.flush(timeout_seconds))})

    def _status(self, question: dict[str, Any]) -> bytes:
        return json.dumps(
            {
                "ready": self._ready,
                "embedded": self.settings.events.embedded,
                "pid": os.getpid(),
                "uptime_seconds": time.monotonic() - self._started_at,
                "memory_bytes": private_memory_bytes(),
                "cpu_seconds": cpu_seconds(),
                "digest": self._digester.status() if self._digester else None,
            }
        )


def main(arguments: list[str] | None = None) -> None:
    """Run until a signal; never returns. Started by the supervisor, which has written the runtime file."""
    parser = argparse.ArgumentParser(prog="python -m vedette.cli.engine", description=main.__doc__)
    parser.add_argument("--no-digest", action="store_true", help="answer queries only")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    status = BUG
    try:
        status = _run(digest=not options.no_digest)
    except VedetteError as error:
        from vedette.cli.main import complain

        status = complain(error)
    finally:  # whatever happened, this process ends without native destructors
        if sys.exception():
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run(*, digest: bool) -> int:
    from vedette.settings import VEDETTE

    told = runtime.read(VEDETTE.runtime_file)
    if told is None:
        raise Misconfigured(f"there is no {VEDETTE.runtime_file}", "Start it with `vedette serve`.")
    process = EngineProcess(VEDETTE, told, digest=digest)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop.set())
    watch_parent(process.stop.set)
    try:
        process.start()
        process.stop.wait()
    finally:
        status = process.close()
    return status


def _number(value: Any, default: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


if __name__ == "__main__":
    main()
