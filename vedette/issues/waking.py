"""Archived issues whose archive is over: the time is up, it happened too often, to too many, or more than was expected.

Looked at when events arrive, after they are stored, and every few minutes for those whose time is up. Of several nodes
the one whose update changes the issue tells it; whoever is killed in between leaves the next event to find the same.
Source: the issue workflow specification, 4.2 to 4.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import Window
from vedette.issues import inbox
from vedette.issues.escalation import make_forecasts
from vedette.issues.forecast import FLOOR, of_today
from vedette.issues.history import Change, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupForecast,
    GroupSnooze,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    InboxReason,
)
from vedette.issues.priorities import raise_priority
from vedette.issues.snoozes import CLOCK_SKEW, details_of, seen_before, users_ever

AT_ONCE = 1000
_ESCALATING = GroupSubStatus.ARCHIVED_UNTIL_ESCALATING


@dataclass(frozen=True, slots=True)
class Over:
    """Why an archive is over. `snooze` are the conditions of which one is met, if it had any; `forecast` is what was
    expected in an hour. `event_id` is the event that ended it, empty where the clock did."""

    escalates: bool
    event_id: str = ""
    snooze: GroupSnooze | None = None
    forecast: int | None = None


def look_at(store: EventStore, arrived: Mapping[int, str], now: datetime) -> list[int]:
    """End the archives that events have ended: `arrived` are the newest events (ids) of issues, which are stored. Gives
    the issues that woke up. Raises `StoreUnavailable` where rates have to be counted."""
    groups = list(
        Group.objects.filter(
            Q(substatus=_ESCALATING) | Q(snooze__isnull=False), pk__in=list(arrived), status=GroupStatus.IGNORED
        ).select_related("project", "snooze")
    )
    if not groups:
        return []
    over = _by_conditions(store, [group for group in groups if hasattr(group, "snooze")], arrived, now)
    over |= _by_forecast(store, [group for group in groups if group.substatus == _ESCALATING], arrived, now)
    return [group.pk for group in groups if group.pk in over and _wake(group, over[group.pk], now)]


def end_expired(now: datetime) -> int:
    """End the archives whose time is up, at most `AT_ONCE`, the oldest first; how many. Safe to repeat."""
    snoozes = GroupSnooze.objects.filter(until__lte=now, group__status=GroupStatus.IGNORED)
    listed = list(snoozes.order_by("until", "pk").select_related("group__project")[:AT_ONCE])
    return sum(_wake(one.group, Over(escalates=False, snooze=one), now) for one in listed)


def _by_conditions(
    store: EventStore, groups: Sequence[Group], arrived: Mapping[int, str], now: datetime
) -> dict[int, Over]:
    rates = _Rates(store, [(group, group.snooze) for group in groups], now)
    found = {}
    for group in groups:
        snooze = group.snooze
        if snooze.until is not None and snooze.until <= now:
            found[group.pk] = Over(False, arrived[group.pk], snooze)
        elif rates.met(group, snooze):
            found[group.pk] = Over(True, arrived[group.pk], snooze)
    return found


class _Rates:
    """Events and users of issues in windows, and users ever: one question for each length of window."""

    def __init__(self, store: EventStore, snoozes: Sequence[tuple[Group, GroupSnooze]], now: datetime) -> None:
        windows: dict[int, list[Group]] = {}
        for group, snooze in snoozes:
            for minutes in {snooze.window if snooze.count else None, snooze.user_window if snooze.user_count else None}:
                if minutes:
                    windows.setdefault(minutes, []).append(group)
        self._stats = {
            minutes: queries.issue_stats(
                store,
                Window(_projects(some), now - timedelta(minutes=minutes), now + CLOCK_SKEW),
                [group.pk for group in some],
            )
            for minutes, some in windows.items()
        }
        counted = [group for group, snooze in snoozes if snooze.user_count and not snooze.user_window]
        self._users = users_ever(counted, now, store)

    def met(self, group: Group, snooze: GroupSnooze) -> bool:
        """Whether it happened too often, or to too many."""
        too_often = bool(snooze.count) and self._events(group, snooze) >= (snooze.count or 0)
        return too_often or (bool(snooze.user_count) and self._met_by(group, snooze) >= (snooze.user_count or 0))

    def _events(self, group: Group, snooze: GroupSnooze) -> int:
        if snooze.window:
            return self._in(snooze.window, group)[0]
        return group.times_seen - seen_before(snooze, "times_seen")

    def _met_by(self, group: Group, snooze: GroupSnooze) -> int:
        if snooze.user_window:
            return self._in(snooze.user_window, group)[1]
        return self._users.get(group.pk, 0) - seen_before(snooze, "users_seen")

    def _in(self, minutes: int, group: Group) -> tuple[int, int]:
        stats = self._stats[minutes].get(group.pk)
        return (stats.count, stats.users) if stats else (0, 0)


def _by_forecast(
    store: EventStore, groups: Sequence[Group], arrived: Mapping[int, str], now: datetime
) -> dict[int, Over]:
    """Those of which this hour brought more than was expected of it."""
    if not groups:
        return {}
    hour = Window(_projects(groups), now.replace(minute=0, second=0, microsecond=0), now + CLOCK_SKEW)
    stats = queries.issue_stats(store, hour, [group.pk for group in groups])
    forecasts = {row.group_id: row for row in GroupForecast.objects.filter(group__in=groups)}
    make_forecasts(store, [group for group in groups if group.pk not in forecasts], now)  # for the next time
    found = {}
    for group in groups:
        row = forecasts.get(group.pk)
        ceiling = of_today(row.ceilings, row.made_at, now) if row else FLOOR
        if group.pk in stats and stats[group.pk].count > ceiling:
            found[group.pk] = Over(True, arrived[group.pk], forecast=ceiling)
    return found


def _projects(groups: Sequence[Group]) -> tuple[int, ...]:
    return tuple(sorted({group.project_id for group in groups}))


@transaction.atomic
def _wake(group: Group, over: Over, now: datetime) -> bool:
    """Let the issue be unresolved again, unless somebody else changed it meanwhile; whether it was this one."""
    substatus = GroupSubStatus.ESCALATING if over.escalates else GroupSubStatus.ONGOING
    rows = Group.objects.filter(pk=group.pk, status=GroupStatus.IGNORED, substatus=group.substatus)
    if not rows.update(status=GroupStatus.UNRESOLVED, substatus=substatus, active_at=now):
        return False
    if over.snooze is not None and not GroupSnooze.objects.filter(pk=over.snooze.pk).delete()[0]:
        transaction.set_rollback(True)  # it was archived anew meanwhile
        return False
    details = details_of(over.snooze) if over.snooze else None
    reason = InboxReason.ESCALATING if over.escalates else InboxReason.ONGOING
    organization = group.project.organization_id
    inbox.add([(organization, group.project_id, group.pk)], reason, now, details)
    Activity.objects.create(
        project_id=group.project_id,
        group=group,
        type=ActivityType.SET_ESCALATING if over.escalates else ActivityType.SET_UNRESOLVED,
        datetime=now,
        data=_told(over, details),
    )
    history = HistoryStatus.ESCALATING if over.escalates else HistoryStatus.UNRESOLVED
    record([Change(organization, group.project_id, group.pk, history)], now)
    if over.escalates and over.forecast is not None:
        raise_priority(group, now)
    return True


def _told(over: Over, details: Mapping[str, int | None] | None) -> dict[str, Any]:
    data: dict[str, Any] = {"event_id": over.event_id} if over.event_id else {}
    if over.forecast is not None:
        data["forecast"] = over.forecast
    if over.escalates and details is not None:
        data["expired_snooze"] = dict(details)
    return data
