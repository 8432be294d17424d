"""Changing many issues, a piece after the other: each piece is one transaction, whose rows are locked in the order of
their ids, and costs the same statements however many issues are in it.

What is locked is looked at again, so that of two who do the same only one is told that it changed something. A piece
that fails leaves the others done; the first error is raised after the last piece.
Source: the issue workflow specification, 3.4 with its [V], 4.1 and 16.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

from vedette.accounts.models import User
from vedette.issues import inbox
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupResolution,
    GroupSnooze,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
)
from vedette.issues.subscriptions import subscribe_user

AT_ONCE = 100
SETTLED = (GroupStatus.UNRESOLVED, GroupStatus.RESOLVED, GroupStatus.IGNORED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an issue stands, read under its lock."""

    status: int
    substatus: int | None
    times_seen: int = 0


Piece = dict[int, Group]  # as they were at hand, by id, in the order of ids
Act = Callable[[Piece, Mapping[int, Standing]], Sequence[int]]


def in_pieces(groups: Sequence[Group], act: Act) -> list[int]:
    """Let `act` change the issues, piece by piece, and give the ids that it says it changed, in the order of `groups`.

    It is given those that still exist, and how they stand. Raises `DatabaseError` when a piece failed, at the end.
    """
    by_id = {group.pk: group for group in groups}
    ids = sorted(by_id)
    changed: set[int] = set()
    trouble: DatabaseError | None = None
    for start in range(0, len(ids), AT_ONCE):
        try:
            with transaction.atomic():
                standing = _lock(ids[start : start + AT_ONCE])
                changed |= set(act({pk: by_id[pk] for pk in standing}, standing))
        except DatabaseError as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return [pk for pk in by_id if pk in changed]


def _lock(ids: Sequence[int]) -> dict[int, Standing]:
    rows = Group.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    columns = rows.values_list("pk", "status", "substatus", "times_seen")
    return {pk: Standing(status, substatus, times_seen) for pk, status, substatus, times_seen in columns}


@dataclass(frozen=True, slots=True)
class Move:
    """Where issues go, and what their histories say. `data` is that of the entry, one for each issue if it differs."""

    activity: ActivityType
    history: HistoryStatus
    status: GroupStatus
    substatus: GroupSubStatus | None
    by: User | None
    at: datetime
    alone: bool


def carry_out(move: Move, piece: Piece, ids: Sequence[int], data: Mapping[int, dict[str, Any]] | None = None) -> None:
    """Move these issues of a locked piece, and tell of it. How they were resolved or put aside before is forgotten.

    The objects in hand follow what was written.
    """
    if not ids:
        return
    values: dict[str, Any] = {"status": move.status, "substatus": move.substatus, "resolved_at": None}
    if move.status == GroupStatus.UNRESOLVED:
        values["active_at"] = move.at
    Group.objects.filter(pk__in=ids).update(**values)
    GroupResolution.objects.filter(group__in=ids).delete()
    GroupSnooze.objects.filter(group__in=ids).delete()
    if move.status == GroupStatus.IGNORED:
        inbox.remove(ids)
    who = move.by.pk if move.by else None
    Activity.objects.bulk_create(
        Activity(
            project_id=piece[pk].project_id,
            group_id=pk,
            type=move.activity,
            user_id=who,
            datetime=move.at,
            data=dict((data or {}).get(pk, {})),
        )
        for pk in ids
    )
    record([change_of(piece[pk], move.history, who, alone=move.alone) for pk in ids], move.at)
    if move.alone and move.by is not None:
        subscribe_user(move.by, [piece[pk] for pk in ids], move.at)
    for pk in ids:
        for name, value in values.items():
            setattr(piece[pk], name, value)
