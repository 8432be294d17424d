"""The checks behind `vedette doctor`: what an operator should know, each with the next step.

They run with the server running or stopped, and change nothing. Source: the design, sections 7 and 8.
"""

import ipaddress
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max

from vedette.core import clock
from vedette.core.errors import VedetteError
from vedette.core.runtime import is_serving
from vedette.digest.models import OutcomeCount
from vedette.events.connection import glancing_store
from vedette.events.migrate import migrations
from vedette.events.queries import store_facts
from vedette.events.rows import StoreFacts
from vedette.health.findings import Finding, Verdict
from vedette.health.mailchecks import mail
from vedette.health.node import device_of, free_bytes, waiting
from vedette.health.ready import engine_status
from vedette.health.webhookchecks import webhooks
from vedette.spool.park import MAX_BYTES, PARK_NAME, Park
from vedette.tasks.models import ScheduledJob
from vedette.tasks.schedule import as_age, is_late

GIGABYTE = 10**9
LEAST_SECRET_LENGTH = 32
OLDEST_SANE_YEAR = 2025
CLOCK_TOLERANCE = timedelta(minutes=10)
SLOW_LAG_SECONDS = 60.0
LONGEST_ABSENCE_SECONDS = 300.0  # of a store: until then it may be a restart or an upgrade
SHOWN_PARKED = 3
NEARLY_FULL = 0.9


def examine(pending: Callable[[], list[str]]) -> list[Finding]:
    """Every finding, in the order in which a person reads them.

    `pending` gives the relational migrations that did not run; it raises Django's database error when the database is
    away.
    """
    serving = is_serving(settings.VEDETTE.runtime_file.parent)
    facts = _store_facts(serving)
    return [
        _server(serving),
        _database(pending),
        _events(serving, facts),
        *_redis(),
        *_disks(),
        _clock(facts),
        *_spool(),
        _parked(),
        _jobs(serving),
        mail(),
        webhooks(),
        *_permissions(),
        *_settings(),
    ]


def _server(serving: bool) -> Finding:
    if not serving:
        return Finding("server", Verdict.NOTE, "stopped", "Start it with `vedette serve`.")
    engine = engine_status()
    if not engine or not engine.get("ready"):
        return Finding("server", Verdict.FAIL, "runs, but its engine does not answer", "Its log says why.")
    digest = engine.get("digest") or {}
    if trouble := digest.get("trouble"):
        since = digest.get("trouble_seconds", 0.0)
        verdict = Verdict.FAIL if since > LONGEST_ABSENCE_SECONDS else Verdict.WARN
        hint = "It goes on by itself when the store is back; events are kept in the spool."
        return Finding("server", verdict, f"runs; the digest waits for a store, for {since:.0f} s: {trouble}", hint)
    return Finding("server", Verdict.OK, f"runs, engine up for {engine['uptime_seconds']:.0f} s")


def _database(pending: Callable[[], list[str]]) -> Finding:
    try:
        missing = pending()
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        return Finding("database", Verdict.FAIL, f"not reachable: {reason}", "Check VEDETTE_DATABASE_URL.")
    if missing:
        detail = f"{len(missing)} migrations did not run yet, the first is {missing[0]}"
        return Finding("database", Verdict.WARN, detail, "Run `vedette migrate`, or start the server.")
    return Finding("database", Verdict.OK, f"{settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}, up to date")


def _store_facts(serving: bool) -> StoreFacts | VedetteError | None:
    """None where nobody can know: the embedded store sleeps while the server does."""
    if settings.VEDETTE.events.embedded and not serving:
        return None
    store = glancing_store()
    try:
        return store_facts(store)
    except VedetteError as error:
        return error
    finally:
        store.close()


def _events(serving: bool, facts: StoreFacts | VedetteError | None) -> Finding:
    if facts is None:
        return Finding("events", Verdict.NOTE, "embedded, looked at while the server runs")
    if isinstance(facts, VedetteError):
        return Finding(
            "events", Verdict.FAIL, f"not reachable: {facts}", "Check VEDETTE_EVENTS_URL and the server's log."
        )
    newest = max(migration.number for migration in migrations())
    if facts.schema_version != newest:
        detail = f"at migration {facts.schema_version}, this version knows {newest}"
        return Finding("events", Verdict.FAIL, detail, "Run `vedette migrate`, or install the newer version.")
    rows = sum(table.rows for table in facts.tables)
    size = sum(table.bytes_on_disk for table in facts.tables)
    return Finding("events", Verdict.OK, f"ClickHouse {facts.version}, {rows} rows, {size / GIGABYTE:.2f} GB")


def _redis() -> Iterator[Finding]:
    if not settings.VEDETTE.redis_url:
        return
    import redis

    from vedette.core.shared import redis_client

    try:
        redis_client().ping()
    except redis.RedisError as error:
        yield Finding("redis", Verdict.FAIL, f"not reachable: {type(error).__name__}", "Check VEDETTE_REDIS_URL.")
    else:
        yield Finding("redis", Verdict.OK, "answers")


def _disks() -> Iterator[Finding]:
    """The disks that something of Vedette lies on, each once."""
    seen = set()
    for directory in _places():
        figures = free_bytes(directory)
        device = device_of(directory)
        if device not in seen:
            seen.add(device)
            yield _disk(directory, *figures)


def _places() -> Iterator[Path]:
    """The directories of this node's data, the one that holds the others first."""
    own = settings.VEDETTE
    yield own.data_dir
    yield own.spool_dir
    yield own.files_dir
    if own.events.embedded:
        yield own.events.path
    if connection.vendor == "sqlite":
        yield Path(settings.DATABASES["default"]["NAME"]).parent


def _disk(directory: Path, free: int, total: int) -> Finding:
    detail = f"{free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB free for {directory}"
    if free < 0.5 * GIGABYTE:
        hint = "Make room: when a disk is full, senders are refused (the spool's) or events wait (the others)."
        return Finding("disk", Verdict.FAIL, detail, hint)
    if free < 2 * GIGABYTE or free < 0.05 * total:
        return Finding(
            "disk", Verdict.WARN, detail, "Make room, or keep events for fewer days (VEDETTE_RETENTION_DAYS)."
        )
    return Finding("disk", Verdict.OK, detail)


def _clock(facts: StoreFacts | VedetteError | None) -> Finding:
    """A clock that stands before what was already seen puts new events in the past."""
    now = clock.now()
    if now.year < OLDEST_SANE_YEAR:
        return Finding("clock", Verdict.FAIL, f"it says {clock.as_z(now)}", "Set the clock, and keep it set (NTP).")
    seen = [table.newest for table in facts.tables if table.newest] if isinstance(facts, StoreFacts) else []
    try:
        counted = OutcomeCount.objects.aggregate(newest=Max("hour"))["newest"]
    except DatabaseError:
        counted = None
    newest = max([moment for moment in (*seen, counted) if moment], default=None)
    if newest and newest > now + CLOCK_TOLERANCE:
        detail = f"it says {clock.as_z(now)}, and something of {clock.as_z(newest)} is stored"
        return Finding("clock", Verdict.WARN, detail, "Check this machine's clock, and those of the senders.")
    return Finding("clock", Verdict.OK, clock.as_z(now.replace(microsecond=0)))


def _spool() -> Iterator[Finding]:
    own = settings.VEDETTE
    left = waiting(own.spool_dir)
    detail = f"{left.items} requests wait ({left.bytes / 10**6:.1f} MB), the oldest for {left.lag_seconds:.0f} s"
    full = max(left.bytes / own.spool_max_bytes, left.lag_seconds / own.spool_max_age_seconds)
    if full >= 1:
        yield Finding(
            "spool", Verdict.FAIL, f"{detail}: senders are refused", "Look at the checks above: what is away?"
        )
    elif full > 0.5 or left.lag_seconds > SLOW_LAG_SECONDS:
        yield Finding("spool", Verdict.WARN, detail, "The digest is behind: is a store away, or the machine too small?")
    else:
        yield Finding("spool", Verdict.OK, detail)
    if left.damaged_files:
        detail = f"{left.damaged_files} spool files could not be read in whole and were set aside"
        yield Finding("spool files", Verdict.WARN, detail, f"They end in .damaged, under {own.spool_dir}.")


def _parked() -> Finding:
    root = settings.VEDETTE.spool_dir
    if not (root / PARK_NAME).exists():
        return Finding("parked", Verdict.OK, "nothing")
    park = Park(root)
    try:
        count, shown, size = park.count(), park.list(SHOWN_PARKED), park.size()
    finally:
        park.close()
    if not count:
        return Finding("parked", Verdict.OK, "nothing")
    reasons = "; ".join(f"#{item.id}: {item.reason[:100]}" for item in shown)
    detail = f"{count} requests could not be digested and are kept ({size / 10**6:.1f} MB). {reasons}"
    if size > MAX_BYTES * NEARLY_FULL:
        hint = "Replay or drop some: when nothing more can be parked, the digest waits."
        return Finding("parked", Verdict.FAIL, detail, hint)
    return Finding("parked", Verdict.WARN, detail)


def _jobs(serving: bool) -> Finding:
    """Jobs of the schedule whose last run failed, and those that nobody ran for three periods while a server runs."""
    try:
        jobs = list(ScheduledJob.objects.order_by("name"))
    except DatabaseError:
        return Finding("jobs", Verdict.NOTE, "unknown: the database is away")
    now = clock.now()
    failing = [f"{job.name} failed {job.failures} times: {job.error}" for job in jobs if job.failures]
    late = [f"{job.name} was due {as_age(now - job.due_at)} ago" for job in jobs if serving and is_late(job, now)]
    if failing or late:
        return Finding("jobs", Verdict.WARN, "; ".join(failing + late), "The server's log says more.")
    if not jobs:
        return Finding("jobs", Verdict.NOTE, "none ran yet")
    runs = [f"{job.name} {as_age(now - job.finished_at)} ago" for job in jobs if job.finished_at]
    return Finding("jobs", Verdict.OK, "last runs: " + ", ".join(runs) if runs else f"{len(jobs)} wait for their turn")


def _permissions() -> Iterator[Finding]:
    own = settings.VEDETTE
    private = [own.data_dir, own.data_dir / "secret-key", own.runtime_file, own.runtime_file.parent, own.spool_dir]
    exposed = [path for path in private if _is_exposed(path)]
    if exposed:
        names = ", ".join(str(path) for path in exposed)
        yield Finding("permissions", Verdict.FAIL, f"other users can read {names}", f"chmod go-rwx {names}")
    else:
        yield Finding("permissions", Verdict.OK, "secrets and data are this user's alone")


def _is_exposed(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o077)
    except FileNotFoundError:
        return False


def _settings() -> Iterator[Finding]:
    own = settings.VEDETTE
    found = list(_unsafe(own))
    yield from found or [Finding("settings", Verdict.OK, "nothing unsafe")]
    if own.region == 0:
        hint = "Before you run several regions, give each a number of its own: ids carry it."
        yield Finding("region", Verdict.NOTE, "0, the default", hint)


def _unsafe(own: Any) -> Iterator[Finding]:
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Set VEDETTE_URL to the server's address, or VEDETTE_ALLOWED_HOSTS to its names."
        yield Finding("settings", Verdict.WARN, "any Host header is believed", hint)
    if own.url.startswith("http://") and not _is_loopback(own.bind_host):
        hint = "Put a proxy with TLS in front and set VEDETTE_URL to its https:// address."
        yield Finding("settings", Verdict.WARN, f"reachable from outside without TLS ({own.url})", hint)
    if own.trust_proxy and not _is_private(own.bind_host):
        hint = "Bind to a private address that only the proxy reaches, or unset VEDETTE_TRUST_PROXY."
        yield Finding("settings", Verdict.WARN, "anybody can forge the address of a visitor", hint)
    if len(settings.SECRET_KEY) < LEAST_SECRET_LENGTH:
        hint = f"At least {LEAST_SECRET_LENGTH} random characters, the same on every node."
        yield Finding("settings", Verdict.FAIL, "VEDETTE_SECRET_KEY is short enough to be guessed", hint)
    if own.bench:
        yield Finding("settings", Verdict.WARN, "VEDETTE_BENCH is on", "It is for benchmarks only.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_private and not address.is_unspecified
