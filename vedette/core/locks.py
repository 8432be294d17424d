"""Locks that all nodes know: one at a time sets the commits of a release, one at a time tells of a deploy.

A key in Redis or Valkey where an installation has one, a row of the database otherwise. A lock is a lease: it ends by
itself after a while, for the process that took it may have died. So it keeps work from being done twice at once; that
rows are right all the same is a matter of their constraints.
"""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import redis
from django.conf import settings

from vedette.core import clock
from vedette.core.errors import TryAgain
from vedette.core.shared import redis_client
from vedette.core.sql import moment, run

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
MOST_WAITING = 4  # in one process: who waits keeps a thread from everybody else

_PREFIX = "vedette:lock:"
_LET_GO = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_places = threading.BoundedSemaphore(MOST_WAITING)


class LockHeld(TryAgain):
    """Somebody else does just that."""

    code = "lock-held"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is being worked on. Please try again in a moment")


class LocksAway(TryAgain):
    """Redis, which keeps the locks, does not answer."""

    code = "locks-away"

    def __init__(self) -> None:
        super().__init__("Redis keeps the locks, and does not answer. Please try again in a moment")


@contextmanager
def held(name: str, seconds: int, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock `name` (at most 200 characters), for `seconds` at most, while the block runs.

    Waits up to `wait_seconds` for another holder, unless others of this process wait already. Outside of transactions
    only: until theirs ended, nobody else would see the row. Raises `LockHeld` and `LocksAway`.
    """
    owner = secrets.token_hex(8)
    if not _take(name, owner, seconds) and not _wait(name, owner, seconds, wait_seconds):
        raise LockHeld(name)
    try:
        yield
    finally:
        _let_go(name, owner)


def _wait(name: str, owner: str, seconds: int, wait_seconds: float) -> bool:
    if wait_seconds <= 0 or not _places.acquire(blocking=False):
        return False
    try:
        until = clock.monotonic() + wait_seconds
        while clock.monotonic() < until:
            time.sleep(PAUSE_SECONDS)
            if _take(name, owner, seconds):
                return True
        return False
    finally:
        _places.release()


def _take(name: str, owner: str, seconds: int) -> bool:
    if settings.VEDETTE.redis_url:
        try:
            return bool(redis_client().set(_PREFIX + name, owner, nx=True, ex=seconds))
        except redis.RedisError as error:
            raise LocksAway from error
    now = clock.now()
    taken = run(
        "INSERT INTO core_lock (name, owner, ends_at) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE "
        "SET owner = excluded.owner, ends_at = excluded.ends_at WHERE core_lock.ends_at <= %s RETURNING owner",
        [name, owner, moment(now + timedelta(seconds=seconds)), moment(now)],
    )
    return bool(taken)


def _let_go(name: str, owner: str) -> None:
    """Give the lock back, unless it ended meanwhile and is somebody else's."""
    if not settings.VEDETTE.redis_url:
        run("DELETE FROM core_lock WHERE name = %s AND owner = %s", [name, owner])
        return
    try:
        redis_client().eval(_LET_GO, 1, _PREFIX + name, owner)
    except redis.RedisError as error:  # the work is done, and the lock ends by itself
        log.warning("lock %s was not given back: %s", name, error)
