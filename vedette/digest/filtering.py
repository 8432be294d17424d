"""Inbound filters: what a project said it does not want to have goes here, counted as `filtered` under its reason.

A project's filters are compiled once into a tuple of checks, in the specification's order; one that is off is not in
it. The first that hits drops the event. It is looked at after normalisation, before scrubbing and grouping.

Source: the ingest specification, sections 11 and 13.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from vedette.digest.draft import Draft, Dropping
from vedette.digest.filtering_agents import crawler_check, legacy_check
from vedette.digest.filtering_texts import (
    csp_check,
    is_chunk_error,
    is_from_extension,
    is_hydration_error,
)
from vedette.digest.normalise.requests import header_of
from vedette.digest.normalise.users import LONGEST_ADDRESS
from vedette.wire import filters
from vedette.wire.event import Event
from vedette.wire.filters import InboundFilters
from vedette.wire.globs import any_match, compile_globs
from vedette.wire.outcomes import Outcome

Check = Callable[[Draft], bool]
Checks = tuple[tuple[Dropping, Check], ...]
AddressCheck = Callable[[str], bool]

_LOCAL_ADDRESSES = frozenset({"127.0.0.1", "::1"})
_HEALTH_CHECK = re.compile(
    r".*health_?check.*|.*heartbeat.*|.*/(?:health[yz]?|livez?|readyz?|ping|up)/?", re.DOTALL | re.IGNORECASE
)


def filter_event(draft: Draft) -> Draft | Dropping:
    """The step for errors, messages and security reports."""
    for dropping, check in _checks(draft.config.filters)[0]:
        if check(draft):
            return dropping
    return draft


def filter_transaction(draft: Draft) -> Draft | Dropping:
    """The step for transactions, which have been given their names."""
    for dropping, check in _checks(draft.config.filters)[1]:
        if check(draft):
            return dropping
    return draft


def filter_session(given: InboundFilters, release: str, addresses: tuple[str, ...], user_agent: str) -> str:
    """The reason for which a session (or a row of aggregates) is not wanted; empty for one that is.

    Sessions know a release, the address of a user and (after it) of the sender, and a user agent: five filters apply.
    """
    address_check, release_check = _address_check(given.addresses), compile_globs(given.releases)
    if given.addresses and any(address_check(address) for address in addresses):
        return filters.ADDRESSES
    if given.releases and any_match(release_check, (release,)):
        return filters.RELEASES
    if filters.LOCALHOST in given.on and not _LOCAL_ADDRESSES.isdisjoint(addresses[:1]):
        return filters.LOCALHOST
    if given.legacy_browsers and legacy_check(given.legacy_browsers)(user_agent):
        return filters.LEGACY_BROWSERS
    if filters.CRAWLERS in given.on and crawler_check(user_agent):
        return filters.CRAWLERS
    return ""


@lru_cache(maxsize=1024)
def _checks(given: InboundFilters) -> tuple[Checks, Checks]:
    """The checks of events and those of transactions, in their order."""
    errors_only = {filters.HYDRATION, filters.CHUNKS, filters.CSP, filters.MESSAGES, filters.EXTENSIONS}
    wanted = [
        (reason, make(given)) for reason, is_on, make in _TABLE if is_on(given) and reason != filters.HEALTH_CHECKS
    ]
    events = tuple((Dropping(Outcome.FILTERED, reason), check) for reason, check in wanted)
    shared = [(reason, check) for reason, check in wanted if reason not in errors_only]
    if filters.HEALTH_CHECKS in given.on:
        shared.append((filters.HEALTH_CHECKS, _is_health_check))
    return events, tuple((Dropping(Outcome.FILTERED, reason), check) for reason, check in shared)


def _switch(name: str) -> Callable[[InboundFilters], bool]:
    return lambda given: name in given.on


def _address_maker(given: InboundFilters) -> Check:
    hit = _address_check(given.addresses)

    def check(draft: Draft) -> bool:
        return hit(user_address(draft.event)) or hit(draft.receipt.remote_addr)

    return check


@lru_cache(maxsize=512)
def _address_check(lines: tuple[str, ...]) -> AddressCheck:
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for line in lines:
        try:
            networks.append(ipaddress.ip_network(line, strict=False))
        except ValueError:
            continue  # an imported list may hold anything

    @lru_cache(maxsize=1024)
    def is_inside(text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any(address in network or (mapped is not None and mapped in network) for network in networks)

    return lambda text: len(text) <= LONGEST_ADDRESS and is_inside(text)


def user_address(event: Event) -> str:
    """The address of the event's user, empty if nobody knows."""
    value = event.user.get("ip_address") if isinstance(event.user, dict) else None
    return value if isinstance(value, str) else ""


def _release_maker(given: InboundFilters) -> Check:
    pattern = compile_globs(given.releases)
    return lambda draft: bool(draft.event.release) and pattern.fullmatch(draft.event.release) is not None


def _message_maker(given: InboundFilters) -> Check:
    pattern = compile_globs(given.messages)
    return lambda draft: any_match(pattern, _messages(draft.event))


def _messages(event: Event) -> list[str | None]:
    """What an error message filter is compared with: the message, and each exception as its list shows it."""
    found: list[str | None] = []
    if event.logentry is not None:
        found += (event.logentry.formatted, event.logentry.message)
    if event.exception is not None:
        for exception in event.exception.values:
            kind, value = exception.type, exception.value
            found.append(f"{kind}: {value}" if kind and value else kind or value)
    return found


def is_local(draft: Draft) -> bool:
    """Whether the event comes from somebody's own machine."""
    event = draft.event
    if user_address(event) in _LOCAL_ADDRESSES:
        return True
    request: Any = event.request
    if not isinstance(request, dict):
        return False
    url = request.get("url")
    if isinstance(url, str):
        scheme, separator, rest = url.partition("://")
        if scheme.lower() == "file" or url[:5].lower() == "file:":
            return True
        if separator and _is_local_host(re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]):
            return True
    return any(_is_local_host(header_of(request, name) or "") for name in ("Host", "X-Forwarded-Host"))


def _is_local_host(host: str) -> bool:
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] == "[::1"
    name = name.partition(":")[0].rstrip(".")
    return name in ("localhost", "127.0.0.1") or name.endswith(".localhost")


def user_agent_of(draft: Draft) -> str:
    """The user agent of the event's request; of a security report, that of the browser which sent it."""
    given = header_of(draft.event.request, "User-Agent")
    return given or (draft.receipt.user_agent if draft.event.csp else "")


def _legacy_maker(given: InboundFilters) -> Check:
    check = legacy_check(given.legacy_browsers)
    return lambda draft: check(user_agent_of(draft))


def _is_health_check(draft: Draft) -> bool:
    name = draft.event.transaction
    return isinstance(name, str) and _HEALTH_CHECK.fullmatch(name) is not None


# Reason, whether the project wants it, and how its check is made: in the order in which they are asked.
_TABLE: tuple[tuple[str, Callable[[InboundFilters], bool], Callable[[InboundFilters], Check]], ...] = (
    (filters.HYDRATION, _switch(filters.HYDRATION), lambda _: is_hydration_error),
    (filters.CHUNKS, _switch(filters.CHUNKS), lambda _: is_chunk_error),
    (filters.CSP, lambda given: filters.CSP in given.on or bool(given.csp_sources), csp_check),
    (filters.ADDRESSES, lambda given: bool(given.addresses), _address_maker),
    (filters.RELEASES, lambda given: bool(given.releases), _release_maker),
    (filters.MESSAGES, lambda given: bool(given.messages), _message_maker),
    (filters.LOCALHOST, _switch(filters.LOCALHOST), lambda _: is_local),
    (filters.EXTENSIONS, _switch(filters.EXTENSIONS), lambda _: is_from_extension),
    (filters.LEGACY_BROWSERS, lambda given: bool(given.legacy_browsers), _legacy_maker),
    (filters.CRAWLERS, _switch(filters.CRAWLERS), lambda _: lambda draft: crawler_check(user_agent_of(draft))),
)
