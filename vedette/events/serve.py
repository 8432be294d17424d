"""An event store's directory, served on loopback by a process of its own: for tests, and for looking at a store."""

import argparse
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from vedette.core.errors import Misconfigured
from vedette.events.engine import Engine, EngineOptions
from vedette.events.loopback import LoopbackServer

SWITCH_INTERVAL_SECONDS = 0.0002  # threads that answer must not wait 5 ms for one that computes


def main(arguments: list[str] | None = None) -> int:
    """Serve one directory on loopback until a signal, or until standard input ends (`--until-eof`).

    Prints one JSON line {"port", "secret", "pid"} when it is ready. The secret is made here: an argument would show
    it to every user of the machine.
    """
    parser = argparse.ArgumentParser(prog="python -m vedette.events.engine", description=main.__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="the directory of the store")
    parser.add_argument("--port", type=int, default=0, help="loopback port, 0 for a free one")
    parser.add_argument("--memory-bytes", type=int, default=0, help="the engine's memory limit")
    parser.add_argument("--handles", type=int, default=6)
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(arguments)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        engine = Engine.open(EngineOptions(options.dir, memory_bytes=options.memory_bytes, handles=options.handles))
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n{error.hint}".strip() + "\n")
        return 2
    secret = secrets.token_urlsafe(32)
    server = LoopbackServer(engine, secret, options.port)
    server.start()
    sys.stdout.write(json.dumps({"port": server.port, "secret": secret, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    if options.until_eof:
        threading.Thread(target=_wait_for_eof, args=(stop,), daemon=True).start()
    stop.wait()
    server.close()
    closed = engine.close()
    sys.stdout.flush()
    os._exit(0 if closed else 1)


def _wait_for_eof(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()
