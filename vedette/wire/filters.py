"""Inbound filters as settings: what a project does not want to have, and which spellings of it are none.

Source: the ingest specification, section 11. What the names mean is compiled in `vedette.digest.filtering`.
"""

import ipaddress
from dataclasses import dataclass

from vedette.wire.globs import GLOB_LIMIT, is_glob

HYDRATION = "react-hydration-errors"
CHUNKS = "chunk-load-error"
CSP = "invalid-csp"
LOCALHOST = "localhost"
EXTENSIONS = "browser-extensions"
CRAWLERS = "web-crawlers"
HEALTH_CHECKS = "filtered-transaction"
LEGACY_BROWSERS = "legacy-browsers"
ADDRESSES = "ip-address"
RELEASES = "release-version"
MESSAGES = "error-message"

# The keys of today, each with the oldest version that is kept.
OLDEST_KEPT = {
    "ie": 12,
    "edge": 111,
    "chrome": 111,
    "firefox": 111,
    "safari": 16,
    "opera": 100,
    "opera_mini": 35,
    "android": 4,
}
# The keys of older servers: (the browser, the first version that goes, the first one that stays).
OLDER_KEYS = {
    "ie_pre_9": ("ie", 0, 9),
    "ie9": ("ie", 9, 10),
    "ie10": ("ie", 10, 11),
    "ie11": ("ie", 11, 12),
    "opera_pre_15": ("opera", 0, 15),
    "opera_mini_pre_8": ("opera_mini", 0, 8),
    "android_pre_4": ("android", 0, 4),
    "safari_pre_6": ("safari", 0, 6),
    "edge_pre_79": ("edge", 0, 79),
}
MAX_PATTERNS = 500


@dataclass(frozen=True, slots=True)
class InboundFilters:
    """The filters of one project. `on` names those that are switches; an empty list is a filter that is off."""

    on: tuple[str, ...] = (HYDRATION, CHUNKS, CSP, HEALTH_CHECKS)
    legacy_browsers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    csp_sources: tuple[str, ...] = ()


BY_DEFAULT = InboundFilters()
"""What a project filters that never said anything about it."""


def complaints_about_networks(lines: tuple[str, ...]) -> list[str]:
    """What is wrong with a list of addresses and CIDR ranges, a sentence for each line."""
    return _too_many(lines) or [
        f"{line[:60]!r} is no address and no CIDR range." for line in lines if not _is_net(line)
    ]


def complaints_about_globs(lines: tuple[str, ...]) -> list[str]:
    """What is wrong with a list of globs, a sentence for each line."""
    return _too_many(lines) or [
        f"{line[:60]!r} is longer than {GLOB_LIMIT} characters."
        if len(line) > GLOB_LIMIT
        else f"{line[:60]!r} is no pattern: a [ without its ]."
        for line in lines
        if not is_glob(line)
    ]


def _too_many(lines: tuple[str, ...]) -> list[str]:
    return [f"{len(lines)} lines, {MAX_PATTERNS} are allowed."] if len(lines) > MAX_PATTERNS else []


def _is_net(line: str) -> bool:
    try:
        ipaddress.ip_network(line, strict=False)
    except ValueError:
        return False
    return True
