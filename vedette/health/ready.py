"""Whether this node should get traffic: the checks behind `/health/ready`. Each is quick and changes nothing."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from vedette.core.runtime import EngineAway, ask_engine, read
from vedette.health.node import free_bytes

ENGINE_SECONDS = 2.0
LEAST_FREE_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """One check's result: a machine's verdict and a person's sentence. Says nothing about anybody's data."""

    ok: bool
    detail: str


def engine_status() -> dict[str, Any] | None:
    """What the engine process says of itself; None when it does not answer."""
    told = read(settings.VEDETTE.runtime_file)
    if told is None:
        return None
    try:
        return ask_engine(told, "status", timeout_seconds=ENGINE_SECONDS)
    except EngineAway:
        return None


def check_all() -> dict[str, Answer]:
    """Every check by its name."""
    engine = engine_status()
    return {
        "database": _timed(_database),
        "engine": _engine(engine),
        "spool": _spool(),
        "digest": _digest(engine),
    }


def _timed(check: Callable[[], Answer]) -> Answer:
    started = time.monotonic()
    answer = check()
    if not answer.ok:
        return answer
    return Answer(True, f"{answer.detail} in {(time.monotonic() - started) * 1000:.1f} ms")


def _database() -> Answer:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return Answer(False, "the relational database does not answer")
    return Answer(True, "answers")


def _engine(engine: dict[str, Any] | None) -> Answer:
    if engine is None:
        return Answer(False, "the engine process does not answer")
    return Answer(True, "answers") if engine.get("ready") else Answer(False, "the engine process is starting")


def _spool() -> Answer:
    directory = settings.VEDETTE.spool_dir
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        return Answer(False, "the spool cannot be written")
    free, _ = free_bytes(directory)
    if free < LEAST_FREE_BYTES:
        return Answer(False, "the disk of the spool is full")
    return Answer(True, "can be written")


def _digest(engine: dict[str, Any] | None) -> Answer:
    digest = (engine or {}).get("digest")
    if not digest:
        return Answer(True, "nothing is digested here" if engine else "unknown")
    own = settings.VEDETTE
    lag, size = float(digest.get("lag_seconds", 0.0)), int(digest.get("spooled_bytes", 0))
    if lag > own.spool_max_age_seconds or size > own.spool_max_bytes:
        return Answer(False, f"{size} bytes wait, the oldest for {lag:.0f} s: senders are refused")
    return Answer(True, f"the oldest item waits for {lag:.1f} s")
