"""Splitting issues: fingerprints that should not be together get an issue of their own.

Whoever asks gets the new issue at once, in one transaction: the chosen fingerprints lead to it from then on, and a
batch that had read them is tried again (`issues.arrivals`). A job moves the events that are stored already, and what
follows from them: `issues.unmerged`. Until that is done the fingerprints are locked, so that nobody splits them again.

An event has several hashes and counts under the first of them. The others go with it where no event that stays has
them: else the next such event would lead back to the issue that it was split from.
Source: the issue workflow specification, section 9 with its [V].
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events.client import EventStore
from vedette.events.queries.hashes import (
    HashEvents,
    Newest,
    Presence,
    hashes_beside,
    hashes_of_issue,
    newest_of,
    presence_of,
)
from vedette.issues.beginnings import CULPRIT_LENGTH, TITLE_LENGTH, first_data, first_priority, take_short_ids
from vedette.issues.models import (
    LEVELS,
    VISIBLE_STATUSES,
    Activity,
    ActivityType,
    Group,
    GroupHash,
    GroupSplit,
    GroupStatus,
    GroupSubStatus,
)
from vedette.releases.models import Release
from vedette.tasks.names import UNMERGES
from vedette.tasks.schedule import hasten

LOCKED = 1  # the state of a hash whose events are being moved
MOST_HASHES = 1000  # of an issue, that are looked at
NOTHING_THERE = "No event of the issue has one of these fingerprints."
NOTHING_LEFT = "At least one fingerprint with events has to stay with the issue."


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A hash that leads to an issue, with its events; `is_locked` while it is being split off."""

    hash: str
    is_locked: bool
    events: HashEvents | None = None


def fingerprints_of(store: EventStore, group: Group) -> list[Fingerprint]:
    """The hashes of an issue, that of the newest event first, those that no event counts under last. At most so many as
    are looked at. Raises `StoreUnavailable`."""
    rows = dict(GroupHash.objects.filter(group=group).order_by("-pk").values_list("hash", "state")[:MOST_HASHES])
    found = hashes_of_issue(store, group.project_id, group.pk, limit=MOST_HASHES)
    used = [Fingerprint(one.hash, rows[one.hash] == LOCKED, one) for one in found if one.hash in rows]
    names = {one.hash for one in used}
    return used + [Fingerprint(value, state == LOCKED) for value, state in rows.items() if value not in names]


def unmerge(
    store: EventStore, group: Group, hashes: Collection[str], by: User | None, now: datetime | None = None
) -> Group | None:
    """Give these hashes of an issue, whose project is at hand, an issue of their own: the new one, unresolved and
    ongoing, whose events follow. None where none of them is the issue's, or all are being split off already.

    Raises `RuleBroken` where no event counts under them, or none would be left; and `StoreUnavailable`.
    """
    free = GroupHash.objects.filter(group=group, state__isnull=True)
    chosen = set(free.filter(hash__in=list(hashes)[:MOST_HASHES]).values_list("hash", flat=True))
    if not chosen:
        return None
    found = {one.hash for one in hashes_of_issue(store, group.project_id, group.pk, limit=MOST_HASHES)}
    newest = newest_of(store, group.project_id, group.pk, chosen)
    if newest is None:
        raise RuleBroken(NOTHING_THERE)
    if found <= chosen:
        raise RuleBroken(NOTHING_LEFT)
    wish = _Wish(frozenset(chosen), frozenset(_companions(store, group, chosen, found)), frozenset(found - chosen))
    seen = presence_of(store, group.project_id, group.pk, chosen)
    return _split_off(group, wish, newest, seen, by, now or clock.now())


def _companions(store: EventStore, group: Group, chosen: Collection[str], found: Collection[str]) -> set[str]:
    """The hashes that events of the chosen ones have besides, and no other event of the issue."""
    if len(found) >= MOST_HASHES:
        return set()
    beside = hashes_beside(store, group.project_id, group.pk, MOST_HASHES)
    mine = {value for primary, hashes in beside.items() if primary in chosen for value in hashes}
    theirs = {value for primary, hashes in beside.items() if primary not in chosen for value in hashes}
    return mine - theirs - set(found)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Hashes of an issue: those that are split off, those that go with them, those of the events that stay."""

    chosen: frozenset[str]
    companions: frozenset[str]
    staying: frozenset[str]


def _split_off(
    group: Group, wish: _Wish, newest: Newest, seen: Sequence[Presence], by: User | None, now: datetime
) -> Group | None:
    with transaction.atomic():
        [number] = take_short_ids(group.project_id, 1)
        source = Group.objects.select_for_update(no_key=True).filter(pk=group.pk, status__in=VISIBLE_STATUSES).first()
        if source is None:
            transaction.set_rollback(True)
            return None
        made = Group.objects.create(
            project=group.project,
            short_id=number,
            status=GroupStatus.UNRESOLVED,
            substatus=GroupSubStatus.ONGOING,
            priority=first_priority(newest.level),
            platform=newest.platform,
            logger=newest.logger[:64],
            first_seen=seen[0].first_seen,
            last_seen=newest.timestamp,
            active_at=seen[0].first_seen,
            first_release=release_named(group, seen[0].release),
            **{**told_by(newest), "data": first_data(told_by(newest)["data"], newest.level)},
        )
        rows = GroupHash.objects.filter(group=source, state__isnull=True, hash__in=wish.chosen | wish.companions)
        if not rows.update(group=made, state=LOCKED):
            transaction.set_rollback(True)  # somebody else was faster
            return None
        if not GroupHash.objects.filter(group=source, hash__in=wish.staying).exists():
            raise RuleBroken(NOTHING_LEFT)
        mine = sorted(GroupHash.objects.filter(group=made).values_list("hash", flat=True))
        GroupSplit.objects.create(source=source, destination=made, hashes=mine, requested_at=now)
        _tell(source, made, [value for value in mine if value in wish.chosen], by, now)
        hasten(UNMERGES, now)
    return made


def told_by(newest: Newest) -> dict[str, Any]:
    """What an issue is called and how bad it is, as its newest event tells: the columns of the issue."""
    return {
        "level": LEVELS.get(newest.level, LEVELS["error"]),
        "culprit": newest.culprit[:CULPRIT_LENGTH],
        "title": newest.title[:TITLE_LENGTH],
        "message": newest.message,
        "data": {
            "type": newest.type,
            "metadata": newest.metadata or {"title": newest.title},
            "location": newest.location,
            "last_received": newest.received_at.timestamp(),
            "sdk": {"name": newest.sdk_name},
            "handled": newest.handled,
        },
    }


def release_named(group: Group, version: str) -> Release | None:
    """The release of the issue's organization with this version, if there is one ("" is none)."""
    if not version:
        return None
    return Release.objects.filter(organization_id=group.project.organization_id, version=version).first()


def _tell(source: Group, made: Group, hashes: Sequence[str], by: User | None, now: datetime) -> None:
    """Both histories say so, each with the number of the other issue."""
    common: dict[str, Any] = {"project_id": source.project_id, "user_id": by.pk if by else None, "datetime": now}
    Activity.objects.bulk_create(
        [
            Activity(
                **common,
                group=source,
                type=ActivityType.UNMERGE_SOURCE,
                data={"fingerprints": list(hashes), "destination_id": made.pk},
            ),
            Activity(
                **common,
                group=made,
                type=ActivityType.UNMERGE_DESTINATION,
                data={"fingerprints": list(hashes), "source_id": source.pk},
            ),
        ]
    )


def whole(column: str) -> Q:
    """That the issue with the id in `column` neither gives events to another one nor gets some: before they have come,
    neither is merged away or deleted for good."""
    unsettled = GroupSplit.objects.filter(settled_at__isnull=True)
    mine = Q(source_id=OuterRef(column)) | Q(destination_id=OuterRef(column))
    return ~Q(Exists(unsettled.filter(mine)))
