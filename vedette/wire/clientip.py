"""The address of the client, behind any proxies.

Source: the ingest specification, 2.5. Anybody can write these headers, so they count only when the operator said that
a proxy of his own stands in front, and only as far as they hold an address.
"""

import ipaddress
from collections.abc import Callable
from functools import lru_cache

MAX_ADDRESS_LENGTH = 64
FORWARDING_HEADERS = ("cf-connecting-ip", "x-vercel-forwarded-for", "x-sentry-forwarded-for", "x-forwarded-for")


def peer_address(peer: str) -> str:
    """The address of a `host:port` peer, without the brackets of IPv6."""
    return peer.rpartition(":")[0].strip("[]")


def address_in(text: str) -> str:
    """The address in `1.2.3.4`, `1.2.3.4:56`, `::1`, `[::1]` or `[::1]:56`; empty if there is none."""
    text = text.strip()
    return _address_in(text) if len(text) <= MAX_ADDRESS_LENGTH else ""


@lru_cache(maxsize=4096)
def _address_in(text: str) -> str:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return "" if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def client_address(header: Callable[[str], str | None], peer: str, *, trust_proxy: bool) -> str:
    """The client's address; `header` looks up a header by its lower-case name, `peer` is `host:port`.

    Of the forwarding headers the first that is not empty is asked; what is no address in it is as good as absent.
    """
    if trust_proxy:
        for name in FORWARDING_HEADERS:
            value = header(name)
            if value and value.strip():
                return address_in(value[: 2 * MAX_ADDRESS_LENGTH].partition(",")[0]) or peer_address(peer)
    return peer_address(peer)
