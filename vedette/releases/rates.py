"""What sums of sessions mean: how many were healthy, errored, crashed …, and the rates of it.

Rates are parts of one and None where there is nothing to divide by. Counts never fall below zero, rates never leave 0
to 1: an update whose session was lost marks an error without a session. Source: the release health specification,
section 5; the five statuses part all sessions ([V] of 5.3).
"""

from collections.abc import Callable

from vedette.events.rows import SessionTotals

STATUSES = ("healthy", "errored", "crashed", "abnormal", "unhandled")


def sessions_by_status(totals: SessionTotals) -> dict[str, int]:
    """How many sessions ended in each status."""
    return {
        "healthy": max(0, totals.sessions - totals.errored),
        "errored": max(0, totals.errored - totals.crashed - totals.abnormal - totals.unhandled),
        "crashed": totals.crashed,
        "abnormal": totals.abnormal,
        "unhandled": totals.unhandled,
    }


def users_by_status(totals: SessionTotals) -> dict[str, int]:
    """The same of users. One user may count in several statuses."""
    return {
        "healthy": max(0, totals.users - totals.users_errored),
        "errored": max(0, totals.users_errored - totals.users_crashed - totals.users_abnormal - totals.users_unhandled),
        "crashed": totals.users_crashed,
        "abnormal": totals.users_abnormal,
        "unhandled": totals.users_unhandled,
    }


def part(some: int, of: int) -> float | None:
    """`some` as a part of all, at most all of it."""
    return min(some / of, 1.0) if of > 0 else None


def complement(rate: float | None) -> float | None:
    """The rest."""
    return None if rate is None else 1.0 - rate


def crash_free_sessions(totals: SessionTotals) -> float | None:
    """The part of sessions that did not crash."""
    return complement(part(totals.crashed, totals.sessions))


def crash_free_users(totals: SessionTotals) -> float | None:
    """The part of users who met no crash."""
    return complement(part(totals.users_crashed, totals.users))


def percent(rate: float | None) -> float | None:
    """A rate of 0 to 1 as one of 0 to 100."""
    return None if rate is None else rate * 100


RATES: dict[str, Callable[[SessionTotals], float | None]] = {
    "crash_rate(session)": lambda totals: part(totals.crashed, totals.sessions),
    "crash_rate(user)": lambda totals: part(totals.users_crashed, totals.users),
    "crash_free_rate(session)": crash_free_sessions,
    "crash_free_rate(user)": crash_free_users,
    "anr_rate()": lambda totals: part(totals.users_anr, totals.users),
    "foreground_anr_rate()": lambda totals: part(totals.users_anr_foreground, totals.users),
    "abnormal_rate(session)": lambda totals: part(totals.abnormal, totals.sessions),
    "abnormal_rate(user)": lambda totals: part(totals.users_abnormal, totals.users),
    "unhandled_rate(session)": lambda totals: part(totals.unhandled, totals.sessions),
    "unhandled_rate(user)": lambda totals: part(totals.users_unhandled, totals.users),
    "errored_rate(session)": lambda totals: part(sessions_by_status(totals)["errored"], totals.sessions),
    "errored_rate(user)": lambda totals: part(users_by_status(totals)["errored"], totals.users),
    "unhealthy_rate(session)": lambda totals: part(totals.errored, totals.sessions),
}
"""Every rate under its name in the sessions API."""
