"""The front process: one port, ingest in the event loop, Django in threads beside it.

The supervisor starts it as `python -m vedette.cli.front`. It never imports chdb, so it can be killed and started
again at any moment: what it acknowledged is in the spool. SIGTERM stops it in order and with exit status 0.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.server.embed import Server

from vedette.cli.wsgi_bridge import WsgiApplication, WsgiBridge, is_probe
from vedette.core.errors import Misconfigured
from vedette.core.garbage import settle
from vedette.ingest.handler import IngestApp
from vedette.ingest.keys import KeyDirectory, KeyInfo, KeyLoader
from vedette.ingest.routes import is_ingest_path
from vedette.ingest.settings import IngestSettings
from vedette.ingest.sharing import Exchange
from vedette.ingest.stats import IngestStats
from vedette.spool.writer import SpoolLimits, SpoolWriter, claim_stream
from vedette.wire.quotas import Quota

if TYPE_CHECKING:
    from vedette.settings import Settings

log = logging.getLogger("vedette.front")

STATS_KEY = "vedette.ingest_stats"  # in the WSGI environment: an IngestStats
SPOOL_KEY = "vedette.spool_writer"  # in the WSGI environment: this front's SpoolWriter
NOOP_PATH = "/_vedette/noop"
# A thread that computes gives the interpreter back this often. At Python's 5 ms ingest waits behind page rendering:
# p99 50 ms against 9.5 ms, measured.
_SWITCH_SECONDS = 0.0002
_BACKLOG = 1024
# Granian's "back-pressure" is a number of connections, and idle ones count: at 2048 as many silent clients kept all
# others out for half a minute. One costs 22 KB; work is bounded elsewhere, by bytes (ingest) and threads (pages). An
# idle one is closed after 30 s, like a head that does not come.
_MAX_CONNECTIONS = 8192
_OTHER_FILES = 512
_BASELINE_SECONDS = 300.0  # for how long what is usual for a project is believed
_STOP_SECONDS = 4.0  # the supervisor waits 7 for the whole of it
_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain")]


class Front:
    """The RSGI application: who answers which path."""

    def __init__(self, ingest: IngestApp, pages: WsgiBridge, *, web: bool = True, bench: bool = False) -> None:
        self._ingest = ingest
        self._pages = pages
        self._web = web
        self._bench = bench

    async def __rsgi__(self, scope: Any, exchange: Any) -> None:
        """Answer one request."""
        path = scope.path
        if is_ingest_path(path):
            await self._ingest(scope, exchange)
        elif self._bench and path == NOOP_PATH:
            await exchange()
            exchange.response_bytes(200, _JSON, b"{}")
        elif self._web or is_probe(path):
            await self._pages(scope, exchange)
        else:
            exchange.response_bytes(404, _TEXT, b"this node serves no pages\n")


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
        from django.urls import get_resolver

        from vedette.cli.migrate import ensure_migrated

        application = get_wsgi_application()
        ensure_migrated(patience_seconds=60)  # nobody is answered before there are tables to answer from
        get_resolver().url_patterns  # noqa: B018 (all pages, which the first request would load otherwise)
        settle()
        web = "--no-web" not in sys.argv[1:]
        _run(serve(settings.VEDETTE, application, _key_loader(), web=web))
    except Misconfigured as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)  # noqa: T201 (for the operator)
        return 2
    return 0


async def serve(settings: "Settings", application: WsgiApplication, load_key: KeyLoader, *, web: bool = True) -> None:
    """Run the server on the address in `settings` until a signal comes; without `web` Django answers probes only.

    Raises `Misconfigured`.
    """
    spool = _claim_spool(settings)
    stats = IngestStats()
    keys = KeyDirectory(load_key)
    exchange = _exchange() if settings.redis_url else None
    ingest = IngestApp(IngestSettings(trust_proxy=settings.trust_proxy), keys, spool, stats, exchange=exchange)
    pages = WsgiBridge(application, trust_proxy=settings.trust_proxy, extra={STATS_KEY: stats, SPOOL_KEY: spool})
    server = _server(Front(ingest, pages, web=web, bench=settings.bench), settings.bind_host, settings.bind_port)
    try:
        ingest.start()
        await _serve_until_signal(server, settings)
    finally:
        await ingest.stop()
        await asyncio.to_thread(spool.close)
        pages.close()
    log.info("front stopped, everything accepted is on disk")


async def _serve_until_signal(server: Server, settings: "Settings") -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if serving.done():
        _explain(serving, settings)
        return
    server.stop()  # type: ignore[no-untyped-call]
    _, unfinished = await asyncio.wait((serving,), timeout=_STOP_SECONDS)
    if unfinished:
        log.warning("requests that did not end in %.0f seconds are cut off", _STOP_SECONDS)
        serving.cancel()


def _explain(serving: "asyncio.Task[None]", settings: "Settings") -> None:
    """The server ended by itself: nearly always because the address is taken."""
    error = serving.exception()
    address = f"{settings.bind_host}:{settings.bind_port}"
    if isinstance(error, OSError | RuntimeError):
        reason = str(error).partition("\n")[0]  # the server adds a backtrace of its own
        raise Misconfigured(f"cannot listen on {address}: {reason}", "Set VEDETTE_BIND to a free address.") from error
    if error is not None:
        raise error


def _server(front: Front, host: str, port: int) -> Server:
    return Server(
        front,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_connections(),
        log_enabled=False,
    )


def _connections() -> int:
    """How many connections may be open at once: as many as this process may have files, which it asks for first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MAX_CONNECTIONS
    log.warning("only %d files may be open (ulimit -n): more than %d connections wait", soft, soft // 2)
    return soft // 2


def _claim_spool(settings: "Settings") -> SpoolWriter:
    limits = SpoolLimits(max_bytes=settings.spool_max_bytes, max_age_seconds=settings.spool_max_age_seconds)
    try:
        return claim_stream(settings.spool_dir, limits)
    except (OSError, sqlite3.Error) as error:
        raise Misconfigured(f"the spool cannot be written: {settings.spool_dir}: {error}") from error


def _key_loader() -> Callable[[str], KeyInfo | None]:
    from vedette.core import clock
    from vedette.digest.spikes import baseline, spike_quota
    from vedette.projects.keys import KeyFacts, load_key

    known: dict[int, tuple[float, int | None]] = {}

    def spikes(facts: KeyFacts) -> tuple[Quota, ...]:
        """The height at which the project is cut off; its past is looked at again every few minutes."""
        if not facts.is_protected:
            return ()
        looked_at, threshold = known.get(facts.project_id, (float("-inf"), None))
        if clock.monotonic() - looked_at > _BASELINE_SECONDS:
            threshold = baseline(facts.organization_id, facts.project_id, clock.now()).threshold
            known[facts.project_id] = (clock.monotonic(), threshold)
        return (spike_quota(facts.project_id, threshold),) if threshold is not None else ()

    def load(public_key: str) -> KeyInfo | None:
        facts = load_key(public_key)
        if facts is None:
            return None
        return KeyInfo(
            organization_id=facts.organization_id,
            project_id=facts.project_id,
            key_id=facts.key_id,
            public_key=facts.public_key,
            active=facts.active,
            project_active=facts.project_active,
            allowed_domains=facts.allowed_domains,
            quotas=(*facts.quotas, *spikes(facts)),
            aliases=facts.aliases,
        )

    return load


def _exchange() -> Exchange:
    from vedette.core.counters import add_up
    from vedette.core.shared import redis_client

    return lambda increments: add_up(redis_client(), increments)


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    # Not sys.exit: a page's thread that is stuck in a slow query must not keep the node from stopping.
    os._exit(status)
