"""Brakes on guessing passwords: failed attempts are counted per address and per name, in the shared cache."""

import hashlib
import ipaddress
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

WINDOW_SECONDS = 900
FAILURES_PER_ADDRESS = 40
FAILURES_PER_NAME = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in. Names are kept as hashes only, so that the cache says nothing about who exists."""

    address: str
    name: str

    @property
    def _counters(self) -> tuple[tuple[str, int], ...]:
        name = hashlib.sha256(self.name.strip().lower().encode(errors="replace")).hexdigest()[:32]
        address = hashlib.sha256(_neighbourhood(self.address).encode(errors="replace")).hexdigest()[:32]
        return (f"sign-in:address:{address}", FAILURES_PER_ADDRESS), (f"sign-in:name:{name}", FAILURES_PER_NAME)

    def is_refused(self) -> bool:
        """Whether there were too many failures in the last quarter of an hour, from here or for this name."""
        return any((cache.get(key) or 0) >= limit for key, limit in self._counters)

    def failed(self) -> None:
        """Count a failure. An unknown name counts like a known one."""
        for key, _ in self._counters:
            cache.add(key, 0, WINDOW_SECONDS)
            try:
                cache.incr(key)
            except ValueError:  # it expired between the two
                cache.set(key, 1, WINDOW_SECONDS)

    def succeeded(self) -> None:
        """Forget the failures for this name; those of the address stay, or one own account would lift its brake."""
        cache.delete(self._counters[1][0])


def client_address(request: HttpRequest) -> str:
    """The address that a request came from: what a trusted proxy says, if that is an address, or the last hop."""
    remote = str(request.META.get("REMOTE_ADDR") or "")
    if settings.VEDETTE.trust_proxy:
        return _address_in(request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()) or remote
    return remote


def _address_in(text: str) -> str:
    """The address in `1.2.3.4`, `1.2.3.4:56`, `::1`, `[::1]` or `[::1]:56`; empty if there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return "" if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _neighbourhood(address: str) -> str:
    """What counts as one place: an address of IPv4, the /64 of one of IPv6, which one household can fill at will."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found.packed[:8] + bytes(8), 64)))
