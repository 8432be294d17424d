"""The gate of a release, judged: what was measured, held against what a pipeline asks for.

Nothing is looked up here. What nobody can say yet does not pass: a pipeline that asked for it may wait for it. What is
over a bound that can only be passed once more (issues do not go by waiting) is said to be final.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

_EXACT = 1e-9  # what counting with parts of a hundred may lose


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a pipeline asks for; None is not asked. Rates are per cent."""

    max_new_issues: int | None = None
    max_regressed_issues: int | None = None
    min_crash_free_sessions: float | None = None
    min_crash_free_users: float | None = None
    min_adoption: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return all(getattr(self, one.name) is None for one in fields(self))


@dataclass(frozen=True, slots=True)
class Check:
    """One of the things asked for: `measured` (None: nobody can say) against `bound`.

    `can_recover`: whether waiting may turn a failure.
    """

    name: str
    measured: float | None
    bound: float
    passed: bool
    can_recover: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Issues of one kind: those that count, and those that do not because somebody settled them."""

    issues: tuple[int, ...] = ()
    archived: int = 0
    resolved: int = 0


def passed(checks: Sequence[Check]) -> bool:
    """Whether the release may go on."""
    return all(check.passed for check in checks)


def is_final(checks: Sequence[Check]) -> bool:
    """Whether waiting changes nothing any more: everything is met, or something is broken for good."""
    return passed(checks) or any(not check.passed and not check.can_recover for check in checks)


def few_issues(name: str, counted: Counted, bound: int, *, what: str, unknown: str = "", note: str = "") -> Check:
    """At most `bound` issues count. `what` they do ("new in this release"); `unknown` says why nobody can say."""
    if unknown:
        return Check(name, None, bound, passed=False, can_recover=True, reason=unknown)
    count = len(counted.issues)
    subject = f"{_number(count, 'issue')} {'is' if count == 1 else 'are'} {what}"
    reason = " ".join(part for part in (f"{subject}; at most {bound} may be.", _left_out(counted), note) if part)
    return Check(name, count, bound, passed=count <= bound, can_recover=False, reason=reason)


def high_rate(name: str, rate: float | None, bound: float, *, what: str, unknown: str) -> Check:
    """At least `bound` per cent. `what` of ("of sessions are free of crashes")."""
    if rate is None:
        return Check(name, None, bound, passed=False, can_recover=True, reason=unknown)
    is_met = rate >= bound - _EXACT
    reason = f"{_percent(rate)} {what}; at least {_percent(bound)} are asked for."
    return Check(name, rate, bound, passed=is_met, can_recover=True, reason=reason)


def _left_out(counted: Counted) -> str:
    parts = [
        f"{count} {word}" for count, word in ((counted.archived, "archived"), (counted.resolved, "resolved")) if count
    ]
    if not parts:
        return ""
    return f"Not counted: {' and '.join(parts)}."


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count or 'no'} {noun}s".replace("no ", "No ")


def _percent(rate: float) -> str:
    """Never rounded up: `100%` means all of them."""
    return f"{math.floor(rate * 1000 + _EXACT * 1000) / 1000:.3f}".rstrip("0").rstrip(".") + "%"
