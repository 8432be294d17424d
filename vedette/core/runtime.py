"""How the processes of one node find each other: the runtime file, the lock of the server, the engine's two doors.

`<data>/run/engine.json` is written by the supervisor before it starts an engine, and read by everybody else. The lock
beside it is held for as long as a server runs, so that a file left behind by a kill misleads nobody. No Django here.
"""

import fcntl
import http.client
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vedette.core.errors import TryAgain

LOOPBACK = "127.0.0.1"
LOCK_NAME = "serve.lock"


class EngineAway(TryAgain):
    """The engine process is not running, is starting, or does not answer."""

    code = "engine-away"


@dataclass(frozen=True, slots=True)
class EngineRuntime:
    """How to reach the engine process: its loopback port and the secret of this start.

    `pid` is the supervisor's. `url` is the address that people reach this server by, and `front` (HOST:PORT) the one
    that this machine's processes reach its front by; both are empty where an engine was started by itself.
    """

    port: int
    secret: str
    pid: int
    url: str = ""
    front: str = ""


def read(path: Path) -> EngineRuntime | None:
    """What the runtime file says; None if there is none, or only a broken one."""
    try:
        stored = json.loads(path.read_bytes())
        return EngineRuntime(
            int(stored["port"]),
            str(stored["secret"]),
            int(stored["pid"]),
            str(stored.get("url", "")),
            str(stored.get("front", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(path: Path, runtime: EngineRuntime) -> None:
    """Replace the runtime file at once, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(runtime), file)
    os.replace(fresh, path)


def lock(run_dir: Path) -> int | None:
    """Become the server of this data directory: a descriptor to keep open, or None when another process is it."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(run_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def unlock(descriptor: int) -> None:
    """Let go of what `lock` gave."""
    os.close(descriptor)


def is_serving(run_dir: Path) -> bool:
    """Whether a server holds this data directory now."""
    try:
        descriptor = os.open(run_dir / LOCK_NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def server_of(path: Path) -> EngineRuntime | None:
    """The runtime of the server that runs now, by the path of its runtime file; None when none runs."""
    return read(path) if is_serving(path.parent) else None


def ask_engine(
    runtime: EngineRuntime, door: str, question: dict[str, Any] | None = None, *, timeout_seconds: float = 5.0
) -> dict[str, Any]:
    """Knock at a door of the engine: "status", or "flush" with {"timeout": seconds}. Raises `EngineAway`."""
    connection = http.client.HTTPConnection(LOOPBACK, runtime.port, timeout=timeout_seconds)
    try:
        connection.request(
            "POST" if door == "flush" else "GET",
            f"/-/{door}",
            body=json.dumps(question or {}),
            headers={"X-ClickHouse-Key": runtime.secret, "Content-Type": "application/json"},
        )
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise EngineAway(f"the engine answered {response.status}")
        answer = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EngineAway(f"the engine does not answer: {error}") from error
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}
