"""How people put issues aside: for good, until they escalate, or until a condition is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.issues.actions import archive
from vedette.issues.models import Group, GroupSubStatus
from vedette.issues.snoozes import Until
from vedette.web.text import plural

DURATIONS = {"60": "1 hour", "1440": "1 day", "10080": "1 week", "43200": "30 days"}
WINDOWS = {"": "from now on", "60": "within an hour", "1440": "within a day", "10080": "within a week"}
MOST = 1_000_000
NOTHING = Until()


@dataclass(frozen=True, slots=True)
class PutAside:
    """One way to archive; `said` is the end of the sentence about it."""

    substatus: GroupSubStatus
    until: Until = NOTHING
    said: str = ""

    def archive(self, groups: Sequence[Group], by: User | None) -> list[int]:
        """Do it; the ids of the issues that changed."""
        return archive(groups, by, self.substatus, until=self.until)


def putting_aside(way: str, how: Mapping[str, str]) -> PutAside:
    """What `way` means: nothing (for good), `escalating`, or `until` with the conditions in `how`. Raises
    `RuleBroken`."""
    if not way:
        return PutAside(GroupSubStatus.ARCHIVED_FOREVER)
    if way == "escalating":
        return PutAside(GroupSubStatus.ARCHIVED_UNTIL_ESCALATING, said=" until it escalates")
    if way != "until":
        raise RuleBroken(f"There is no way to archive {way[:20]!r}.")
    until = Until(
        minutes=_choice(how.get("minutes", ""), DURATIONS),
        count=_number(how.get("count", "")),
        window=_choice(how.get("window", ""), WINDOWS),
        user_count=_number(how.get("users", "")),
        user_window=_choice(how.get("user_window", ""), WINDOWS),
    )
    until = Until(
        until.minutes,
        until.count,
        until.window if until.count else None,
        until.user_count,
        until.user_window if until.user_count else None,
    )
    if not until:
        raise RuleBroken("Choose until when: a time, a number of events, or a number of users.")
    return PutAside(GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET, until, said_of(until))


def said_of(until: Until) -> str:
    """The conditions in words."""
    ends = []
    if until.minutes:
        ends.append(f"for {DURATIONS[str(until.minutes)]}")
    if until.count:
        ends.append(f"until {plural(until.count, 'event')} {WINDOWS[str(until.window or '')]}")
    if until.user_count:
        ends.append(f"until {plural(until.user_count, 'user')} {WINDOWS[str(until.user_window or '')]}")
    return f" {' or '.join(ends)}" if ends else ""


def _number(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not 0 < int(text) <= MOST:
        raise RuleBroken(f"A number of events or users is between 1 and {MOST:,}.")
    return int(text)


def _choice(text: str, offered: Mapping[str, str]) -> int | None:
    if not text:
        return None
    if text not in offered:
        raise RuleBroken("That time is not among those that are offered.")
    return int(text)
