"""Until when an archived issue is left alone: for a time, until it happened so often, to so many users, in so long.

Conditions combine as *or*: the first that is met ends the archive (`issues.waking` looks).
Source: the issue workflow specification, 4.1, 4.2 and 5.4.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vedette.core.clock import as_z
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.connection import event_store
from vedette.events.rows import Window
from vedette.issues.models import Group, GroupSnooze
from vedette.orgs.options import LONGEST_RETENTION

CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Until:
    """What ends an archive. Windows and the duration are minutes; a window belongs to its count."""

    minutes: int | None = None
    count: int | None = None
    window: int | None = None
    user_count: int | None = None
    user_window: int | None = None

    @property
    def is_orphaned(self) -> bool:
        """Whether there is a window without what it is a window of."""
        return bool((self.window and not self.count) or (self.user_window and not self.user_count))

    def __bool__(self) -> bool:
        return bool(self.minutes or self.count or self.user_count)


def begin(
    group_id: int, until: Until, by_id: int | None, times_seen: int, users: Mapping[int, int], now: datetime
) -> GroupSnooze:
    """The row, to be saved, of an issue that is archived from now on. `times_seen` is its number of events, `users`
    what `users_ever` gives, where `needs_users` says that it is needed."""
    state = {"times_seen": times_seen} if until.count and not until.window else {}
    if needs_users(until):
        state["users_seen"] = users.get(group_id, 0)
    return GroupSnooze(
        group_id=group_id,
        until=now + timedelta(minutes=until.minutes) if until.minutes else None,
        count=until.count or None,
        window=until.window or None,
        user_count=until.user_count or None,
        user_window=until.user_window or None,
        state=state,
        actor_id=by_id,
    )


def needs_users(until: Until) -> bool:
    """Whether the users of all time have to be known when such an archive begins."""
    return bool(until.user_count and not until.user_window)


def users_ever(groups: Iterable[Group], now: datetime, store: EventStore | None = None) -> dict[int, int]:
    """How many users each of these issues has met so far; one without any is missing. Raises `StoreUnavailable`."""
    listed = list(groups)
    if not listed:
        return {}
    projects = tuple(sorted({group.project_id for group in listed}))
    ever = Window(projects, now - timedelta(days=LONGEST_RETENTION), now + CLOCK_SKEW)
    stats = queries.issue_stats(store or event_store(), ever, [group.pk for group in listed])
    return {pk: one.users for pk, one in stats.items()}


def told(snooze: GroupSnooze) -> dict[str, Any]:
    """The conditions as answers and the history tell them: `ignoreCount` and the like; null is none."""
    return {
        "ignoreCount": snooze.count,
        "ignoreUntil": as_z(snooze.until) if snooze.until else None,
        "ignoreUserCount": snooze.user_count,
        "ignoreUserWindow": snooze.user_window,
        "ignoreWindow": snooze.window,
    }


def what_is_left(groups: Sequence[Group], users: Mapping[int, int]) -> dict[int, tuple[dict[str, Any], int | None]]:
    """By issue, for those of the archived `groups` that have conditions: what is left of them, and who set them (a
    user's id). Counts without a window are those that remain; `users` are those of `users_ever`."""
    by_id = {group.pk: group for group in groups}
    found = {}
    for snooze in GroupSnooze.objects.filter(group__in=by_id):
        words = told(snooze)
        group = by_id[snooze.group_id]
        if snooze.count and not snooze.window:
            words["ignoreCount"] = max(snooze.count - (group.times_seen - seen_before(snooze, "times_seen")), 0)
        if snooze.user_count and not snooze.user_window and group.pk in users:
            words["ignoreUserCount"] = max(snooze.user_count - (users[group.pk] - seen_before(snooze, "users_seen")), 0)
        found[group.pk] = (words, snooze.actor_id)
    return found


def seen_before(snooze: GroupSnooze, name: str) -> int:
    """`times_seen` or `users_seen` as they were when the archive began."""
    value = snooze.state.get(name)
    return value if isinstance(value, int) else 0


def details_of(snooze: GroupSnooze) -> dict[str, int | None]:
    """The conditions as the inbox and the history keep them; `until` in Unix seconds."""
    return {
        "until": int(snooze.until.timestamp()) if snooze.until else None,
        "count": snooze.count,
        "window": snooze.window,
        "user_count": snooze.user_count,
        "user_window": snooze.user_window,
    }
