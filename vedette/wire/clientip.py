"""The address of the client, behind any proxies.

Source: the ingest specification, 2.5. Anybody can write these headers, so they count only when the operator said that
a proxy of his own stands in front.
"""

from collections.abc import Callable

MAX_ADDRESS_LENGTH = 64
FORWARDING_HEADERS = ("cf-connecting-ip", "x-vercel-forwarded-for", "x-sentry-forwarded-for", "x-forwarded-for")


def peer_address(peer: str) -> str:
    """The address of a `host:port` peer, without the brackets of IPv6."""
    return peer.rpartition(":")[0].strip("[]")


def client_address(header: Callable[[str], str | None], peer: str, *, trust_proxy: bool) -> str:
    """The client's address; `header` looks up a header by its lower-case name, `peer` is `host:port`."""
    if trust_proxy:
        for name in FORWARDING_HEADERS:
            first = (header(name) or "").partition(",")[0].strip()
            if first:
                return first[:MAX_ADDRESS_LENGTH]
    return peer_address(peer)
