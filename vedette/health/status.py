"""What `vedette status` says: one look, fast, with the server running or stopped. No Django."""

import http.client
import json
from typing import Any

from vedette import __version__
from vedette.core.runtime import EngineAway, EngineRuntime, ask_engine, server_of
from vedette.health.node import waiting
from vedette.settings import Settings

PROBE_SECONDS = 3.0


def node_status(settings: Settings) -> dict[str, Any]:
    """`ready`: everything answers. `spooled` items wait, the oldest for `lag_seconds`; `parked` ones failed.

    `digested` counts requests since the engine started; it is 0 while none runs.
    """
    server = server_of(settings.runtime_file)
    engine = _engine(server) if server else None
    digest = engine.get("digest") if engine else None
    front, problems = _front(server) if server else (False, {})
    found: dict[str, Any] = {
        "ready": bool(front and not problems),
        "running": server is not None,
        "front": front,
        "engine": bool(engine and engine.get("ready")),
        "url": (server.url if server else "") or settings.url,
        "version": __version__,
        "pid": server.pid if server else None,
        "digested": 0,
        **_numbers(settings, digest),
    }
    if problems:
        found["problems"] = problems
    return found


def _numbers(settings: Settings, digest: dict[str, Any] | None) -> dict[str, Any]:
    """The digest's own numbers where it runs: it knows how far it is before the spool's files do."""
    if digest:
        names = ("spooled", "spooled_bytes", "digested", "events", "parked", "lag_seconds", "trouble")
        return {name: digest[name] for name in names if name in digest}
    left = waiting(settings.spool_dir)
    return {
        "spooled": left.items,
        "spooled_bytes": left.bytes,
        "parked": left.parked,
        "lag_seconds": left.lag_seconds,
    }


def _engine(server: EngineRuntime) -> dict[str, Any] | None:
    try:
        return ask_engine(server, "status", timeout_seconds=PROBE_SECONDS)
    except EngineAway:
        return None


def _front(server: EngineRuntime) -> tuple[bool, dict[str, str]]:
    """Whether the front answers, and what `/health/ready` finds wrong, by the check's name."""
    host, _, port = server.front.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port or 0), timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/health/ready", headers={"Host": "localhost"})
        answer = json.loads(connection.getresponse().read())
        checks = answer["checks"]
        return True, {name: check["detail"] for name, check in checks.items() if not check["ok"]}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return False, {}
    finally:
        connection.close()
