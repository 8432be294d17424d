"""Brakes on guessing passwords: failed attempts are counted per address and per name, in the shared cache.

While Redis is away they are counted in this process's own memory: people can sign in, and guessers stay braked.
"""

import hashlib
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest
from redis import RedisError

from vedette.wire.clientip import address_in

log = logging.getLogger(__name__)

WINDOW_SECONDS = 900
FAILURES_PER_ADDRESS = 40
FAILURES_PER_NAME = 10

T = TypeVar("T")
_own = LocMemCache("sign-in", {"OPTIONS": {"MAX_ENTRIES": 100_000}})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in, or for another `purpose`, which is counted apart. Names are kept as hashes only, so that the
    cache says nothing about who exists."""

    address: str
    name: str
    purpose: str = "sign-in"

    @property
    def _counters(self) -> tuple[tuple[str, int], ...]:
        name = hashlib.sha256(self.name.strip().lower().encode(errors="replace")).hexdigest()[:32]
        address = hashlib.sha256(_neighbourhood(self.address).encode(errors="replace")).hexdigest()[:32]
        return (
            (f"{self.purpose}:address:{address}", FAILURES_PER_ADDRESS),
            (f"{self.purpose}:name:{name}", FAILURES_PER_NAME),
        )

    def is_refused(self) -> bool:
        """Whether there were too many failures in the last quarter of an hour, from here or for this name."""
        return _with_counters(lambda kept: any((kept.get(key) or 0) >= limit for key, limit in self._counters))

    def failed(self) -> None:
        """Count a failure. An unknown name counts like a known one."""
        _with_counters(self._count)

    def succeeded(self) -> None:
        """Forget the failures for this name; those of the address stay, or one own account would lift its brake."""
        _with_counters(lambda kept: kept.delete(self._counters[1][0]))

    def _count(self, kept: BaseCache) -> None:
        for key, _ in self._counters:
            kept.add(key, 0, WINDOW_SECONDS)
            try:
                kept.incr(key)
            except ValueError:  # it expired between the two
                kept.set(key, 1, WINDOW_SECONDS)


def _with_counters(work: Callable[[BaseCache], T]) -> T:
    try:
        return work(cache)
    except RedisError as error:
        log.warning("failed sign-ins are counted by this process alone: %s", error)
        return work(_own)


def client_address(request: HttpRequest) -> str:
    """The address that a request came from: what a trusted proxy says, if that is an address, or the last hop."""
    remote = str(request.META.get("REMOTE_ADDR") or "")
    if settings.VEDETTE.trust_proxy:
        return address_in(request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1]) or remote
    return remote


def _neighbourhood(address: str) -> str:
    """What counts as one place: an address of IPv4, the /64 of one of IPv6, which one household can fill at will."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found.packed[:8] + bytes(8), 64)))
