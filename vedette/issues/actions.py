"""What people do to issues: archive, reopen (`issues.resolve` resolves, `issues.assigning` assigns). Each says which
issues it changed.

Races are settled under the locks of the rows, so that two people who press the same button leave one entry in the
history. Source: the issue workflow specification, section 4.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from vedette.accounts.models import User
from vedette.core import clock
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.issues.assigning import assign
from vedette.issues.escalation import make_forecasts
from vedette.issues.history import OF_SUBSTATUS
from vedette.issues.models import ActivityType, Group, GroupSnooze, GroupStatus, GroupSubStatus
from vedette.issues.moving import SETTLED, Move, Piece, Standing, carry_out, in_pieces
from vedette.issues.snoozes import Until, begin, needs_users, told, users_ever

__all__ = ["ARCHIVED", "archive", "assign", "reopen"]

NEW_FOR = timedelta(days=7)
ARCHIVED = (
    GroupSubStatus.ARCHIVED_FOREVER,
    GroupSubStatus.ARCHIVED_UNTIL_ESCALATING,
    GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET,
)
NOTHING = Until()


def archive(
    groups: Sequence[Group],
    by: User | None,
    substatus: GroupSubStatus = GroupSubStatus.ARCHIVED_FOREVER,
    now: datetime | None = None,
    until: Until = NOTHING,
) -> list[int]:
    """Put issues aside; `until` belongs to "until a condition is met". A change of the substatus alone counts as a
    change, and so do conditions that begin anew. Returns the ids that changed.

    Raises `StoreUnavailable` where users have to be counted and the event store is away.
    """
    if substatus not in ARCHIVED or (until and substatus != GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET):
        raise ValueError(f"{substatus!r} until {until!r} is no way to archive")
    moment = now or clock.now()
    users = users_ever(groups, moment) if needs_users(until) else {}
    move = Move(
        ActivityType.SET_IGNORED,
        OF_SUBSTATUS[substatus],
        GroupStatus.IGNORED,
        substatus,
        by,
        moment,
        alone=len(groups) == 1,
    )

    def act(piece: Piece, standing: Mapping[int, Standing]) -> list[int]:
        there = (GroupStatus.IGNORED, substatus)
        ids = [
            pk
            for pk, one in standing.items()
            if one.status in SETTLED and (until or (one.status, one.substatus) != there)
        ]
        snoozes = [_begin(pk, until, by, standing[pk], users, moment) for pk in ids] if until else []
        carry_out(move, piece, ids, _words(ids, substatus, until, snoozes))
        GroupSnooze.objects.bulk_create(snoozes)
        return ids

    changed = in_pieces(groups, act)
    if substatus == GroupSubStatus.ARCHIVED_UNTIL_ESCALATING and changed:
        with suppress(StoreUnavailable):  # then the first event has it made
            make_forecasts(event_store(), [group for group in groups if group.pk in changed], moment)
    return changed


def _begin(
    group_id: int, until: Until, by: User | None, standing: Standing, users: Mapping[int, int], now: datetime
) -> GroupSnooze:
    return begin(group_id, until, by.pk if by else None, standing.times_seen, users, now)


def _words(
    ids: Sequence[int], substatus: GroupSubStatus, until: Until, snoozes: Sequence[GroupSnooze]
) -> dict[int, dict[str, Any]]:
    """What the history says about how each issue was archived."""
    if snoozes:
        return {one.group_id: {**told(one), "ignoreDuration": until.minutes or None} for one in snoozes}
    escalating = substatus == GroupSubStatus.ARCHIVED_UNTIL_ESCALATING
    return {pk: {"ignoreUntilEscalating": True} for pk in ids} if escalating else {}


def reopen(groups: Sequence[Group], by: User | None, now: datetime | None = None) -> list[int]:
    """Make issues unresolved again: an archived one that is younger than a week is new, a resolved one regressed, and
    in bulk every one is ongoing. Returns the ids that changed."""
    moment = now or clock.now()
    alone = len(groups) == 1

    def act(piece: Piece, standing: Mapping[int, Standing]) -> list[int]:
        ids = [pk for pk, one in standing.items() if one.status in (GroupStatus.RESOLVED, GroupStatus.IGNORED)]
        substatus = GroupSubStatus.ONGOING
        if alone and ids:
            substatus = _reopened(standing[ids[0]], piece[ids[0]], moment)
        history = OF_SUBSTATUS[substatus]
        carry_out(
            Move(ActivityType.SET_UNRESOLVED, history, GroupStatus.UNRESOLVED, substatus, by, moment, alone), piece, ids
        )
        return ids

    return in_pieces(groups, act)


def _reopened(standing: Standing, group: Group, now: datetime) -> GroupSubStatus:
    if standing.status == GroupStatus.IGNORED and group.first_seen >= now - NEW_FOR:
        return GroupSubStatus.NEW
    return GroupSubStatus.REGRESSED if standing.status == GroupStatus.RESOLVED else GroupSubStatus.ONGOING
