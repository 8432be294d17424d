"""The event store, for commands: the running server's, or one that is opened for as long as the command runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vedette.core import runtime
from vedette.core.errors import Misconfigured
from vedette.events.client import EngineAddress, EventStore, connect
from vedette.events.connection import event_store
from vedette.settings import Settings

_STOP_SECONDS = 15


@contextmanager
def open_event_store(settings: Settings, *, announced: bool = False) -> Iterator[EventStore]:
    """The event store, whether or not the server runs. Raises `Misconfigured` when it does not open.

    The embedded store belongs to one process: the running server's engine is asked, and otherwise one is started, and
    the server's lock held meanwhile, so that no server starts beside it. When that is `announced`, everything in this
    process that asks for the event store finds it.
    """
    run_dir = settings.runtime_file.parent
    if not settings.events.embedded or runtime.is_serving(run_dir):
        yield event_store()
        return
    descriptor = runtime.lock(run_dir)
    if descriptor is None:
        raise Misconfigured("a server is starting on this data directory", "Try again in a moment.")
    try:
        with _engine(settings.events.path) as address:
            store = connect(lambda: address)
            if announced:
                told = runtime.EngineRuntime(address.port, address.secret, os.getpid())
                runtime.write(settings.runtime_file, told)
            try:
                yield store
            finally:
                store.close()
                if announced:
                    settings.runtime_file.unlink(missing_ok=True)
    finally:
        runtime.unlock(descriptor)


@contextmanager
def _engine(directory: Path) -> Iterator[EngineAddress]:
    command = [sys.executable, "-m", "vedette.events.engine", "--dir", str(directory), "--until-eof"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise Misconfigured("the event store does not open", "The line above says why.")
        told = json.loads(line)
        yield EngineAddress(runtime.LOOPBACK, int(told["port"]), str(told["secret"]))
    finally:
        with suppress(OSError):
            process.communicate(timeout=_STOP_SECONDS)
        if process.poll() is None:
            process.kill()
            process.wait()
