"""What the settings of a user may be. Pure.

Source: the relocation specification, 5.5: known keys are checked as the account settings check them, unknown ones pass.
"""

import re
import zoneinfo
from collections.abc import Callable
from functools import cache
from typing import Any

_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_ZONE = re.compile(
    "(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|Pacific|US)"
    "(/[A-Z][A-Za-z0-9_+-]{0,30}){1,2}"
)
_OLD_ZONES = frozenset(
    """CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran
    Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK
    Singapore Turkey UCT UTC Universal W-SU WET Zulu""".split()
)
_THEMES = frozenset({"light", "dark", "system"})
_STACKTRACE_ORDERS = frozenset({"-1", "1", "2"})
_EVENTS = frozenset({"recommended", "latest", "oldest"})


def complaint_about(key: str, value: Any) -> str | None:
    """What is wrong with one setting; None where nothing is, and for keys that nobody knows."""
    check = _CHECKS.get(key)
    return check(value) if check else None


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) | _OLD_ZONES


def _timezone(value: Any) -> str | None:
    """Machines differ in the old names that they know (`Asia/Calcutta`), so what could be one passes."""
    is_zone = isinstance(value, str) and (value in _zones() or _ZONE.fullmatch(value) is not None)
    return None if is_zone else f"{_shown(value)} is no time zone"


def _language(value: Any) -> str | None:
    return None if isinstance(value, str) and _LANGUAGE.fullmatch(value) else f"{_shown(value)} is no language"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) or value in (0, 1) else f"{_shown(value)} is neither true nor false"


def _one_of(choices: frozenset[str]) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        is_plain = isinstance(value, (str, int)) and not isinstance(value, bool)
        allowed = ", ".join(sorted(choices))
        return None if is_plain and str(value) in choices else f"{_shown(value)} is none of {allowed}"

    return check


def _shown(value: Any) -> str:
    return repr(value)[:80]


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    "timezone": _timezone,
    "language": _language,
    "theme": _one_of(_THEMES),
    "stacktraceOrder": _one_of(_STACKTRACE_ORDERS),
    "clock24Hours": _flag,
    "defaultIssueEvent": _one_of(_EVENTS),
}
