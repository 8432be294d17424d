"""Looks who may have caused the issues of which events ask it: keeps them as owners, and gives them the issue where the
project wants that.

A job that several nodes may run at once: an issue is taken by one conditional update, as a lease, and what keeps it
from being looked at three times in a row lets it rest for a day.
Source: the issue workflow specification, 13 ("By releases") with its [V], and 8.2.
"""

from datetime import datetime, timedelta

from django.db.models import F

from vedette.core import json
from vedette.core.errors import TryAgain
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.issues.models import Group, GroupSuspicion
from vedette.issues.owners import MOST_SUSPECTED, Suspected, assign_suspect, fresh_suspects, suspect
from vedette.issues.suspicion import AFTER_NOBODY, AFTER_SOMEBODY
from vedette.shipping.suspects import NothingToSuspect, suggested, suspects_of
from vedette.tasks.names import SUSPECTS
from vedette.tasks.schedule import hasten

AT_ONCE = 200
LEASE = timedelta(minutes=1)
MOST_ATTEMPTS = 3


def look_at_due(store: EventStore, now: datetime) -> int:
    """Look at the issues that wait, those that have waited longest first, at most `AT_ONCE`; of how many somebody is
    suspected. Raises `StoreUnavailable`; the next run goes on."""
    waiting = GroupSuspicion.objects.filter(asked_at__isnull=False, rests_until__lte=now).order_by("asked_at", "pk")
    listed = list(waiting.select_related("group__project__organization", "group__first_release")[:AT_ONCE])
    found = sum(_work_on(store, one, now) for one in listed if _take(one, now))
    if len(listed) == AT_ONCE:
        hasten(SUSPECTS, now)
    return found


def _take(one: GroupSuspicion, now: datetime) -> bool:
    """Whether nobody else works on it."""
    mine = GroupSuspicion.objects.filter(pk=one.pk, asked_at=one.asked_at, rests_until=one.rests_until)
    return bool(mine.update(rests_until=now + LEASE, attempts=F("attempts") + 1))


def _work_on(store: EventStore, one: GroupSuspicion, now: datetime) -> bool:
    mine = GroupSuspicion.objects.filter(pk=one.pk, asked_at=one.asked_at)
    try:
        users = _look(store, one, now) if one.attempts < MOST_ATTEMPTS else []
    except TryAgain:
        mine.update(rests_until=now, attempts=one.attempts)  # that is nobody's fault here
        raise
    rests = AFTER_SOMEBODY if users else AFTER_NOBODY
    mine.update(asked_at=None, rests_until=now + rests, attempts=0)
    return bool(users)


def _look(store: EventStore, one: GroupSuspicion, now: datetime) -> list[int]:
    """The members who are suspected, the likeliest first."""
    group = one.group
    users = fresh_suspects(group, now)
    if len(users) < MOST_SUSPECTED:
        found = _suspected(store, group, one.event_id)
        suspect(group, found, now)
        users = list(dict.fromkeys([*(each.user_id for each in found), *users]))
    assign_suspect(group, users, now)
    return users


def _suspected(store: EventStore, group: Group, event_id: str) -> list[Suspected]:
    payload = _payload(store, group, event_id)
    try:
        suspects = suspects_of(group, payload)
    except NothingToSuspect:
        return []
    best = {one.user_id: one.commit.pk for one in reversed(suspects)}
    return [Suspected(user, best[user]) for user in suggested(suspects)]


def _payload(store: EventStore, group: Group, event_id: str) -> object:
    """The JSON of the event or, where it kept no body, of the nearest of its issue that did; None if none is left."""
    stored = queries.get_event(store, [group.project_id], event_id, group.pk)
    if stored is not None and not stored.summary.has_body:
        nearest = queries.nearest_with_body(store, stored.summary)
        stored = queries.get_event(store, [group.project_id], nearest, group.pk) if nearest else None
    try:
        return json.loads(stored.payload) if stored is not None else None
    except json.JSONDecodeError:
        return None
