"""Filters that look at the user agent: browsers that are too old, and programs that only read pages.

Source: the ingest specification, section 11 (8 and 9).
"""

import re
from collections.abc import Callable
from functools import lru_cache

from vedette.digest.normalise.agents import read_agent
from vedette.wire.filters import OLDER_KEYS, OLDEST_KEPT

_LONGEST = 1024
# What the parser of user agents calls the browsers of a key. Engines inside of other applications are none of them.
_FAMILIES = {
    "IE": "ie",
    "IE Mobile": "ie",
    "Edge": "edge",
    "Edge Mobile": "edge",
    "Chrome": "chrome",
    "Chrome Mobile": "chrome",
    "Firefox": "firefox",
    "Firefox Mobile": "firefox",
    "Safari": "safari",
    "Mobile Safari": "safari",
    "Opera": "opera",
    "Opera Mobile": "opera",
    "Opera Mini": "opera_mini",
    "Android": "android",
}
_CRAWLER = re.compile(
    r"mediapartners-google|google-read-aloud|google-inspectiontool|feedfetcher-google|bingpreview|baiduspider|slurp"
    r"|facebookexternalhit|facebookcatalog|meta-external|whatsapp/|ia_archiver|archive\.org_bot|ahrefs|semrush"
    r"|calypso appcrawler|lighthouse|gtmetrix|pingdom|screaming frog|sogou web|yandex\w*bot"
    r"|(?:bot|spider|crawler)\b|\bcrawl(?:ing)?\b",
    re.IGNORECASE,
)
# Not crawlers: they act for a person who asked, or watch over the site for its owner. Devices called "Cubot" neither.
_WELCOME = re.compile(r"slackbot[ -]1\.\d|sentryuptimebot|chatgpt-user|\bcubot\b", re.IGNORECASE)


@lru_cache(maxsize=256)
def legacy_check(keys: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a user agent is one of the old browsers that the keys name. Unknown keys name none."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for key in keys:
        if key in OLDEST_KEPT:
            spans.setdefault(key, []).append((0, OLDEST_KEPT[key]))
        elif key in OLDER_KEYS:
            browser, first, kept = OLDER_KEYS[key]
            spans.setdefault(browser, []).append((first, kept))

    @lru_cache(maxsize=2048)
    def check(user_agent: str) -> bool:
        if not user_agent:
            return False
        agent = read_agent(user_agent)
        browser, major = _FAMILIES.get(agent.browser, ""), agent.browser_version.partition(".")[0]
        if not browser or not major.isdigit():
            return False
        return any(first <= int(major) < kept for first, kept in spans.get(browser, ()))

    return lambda user_agent: check(user_agent[:_LONGEST])


def crawler_check(user_agent: str) -> bool:
    """Whether a program reads the page, and no person."""
    return _crawler_check(user_agent[:_LONGEST])


@lru_cache(maxsize=2048)
def _crawler_check(text: str) -> bool:
    return bool(text) and _CRAWLER.search(text) is not None and _WELCOME.search(text) is None
