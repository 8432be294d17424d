"""Issues that are new, back or escalating for a week go on: nobody has to look at them for that any more.

Source: the issue workflow specification, 7.3 with its [V].
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from vedette.issues import inbox
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupHistory,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
)
from vedette.issues.moving import Piece, Standing, in_pieces
from vedette.issues.priorities import calm_down

AFTER = timedelta(days=7)
MOST = 25_000  # of one kind in one run
_AT_ONCE = 1000
_KINDS = {
    GroupSubStatus.NEW: None,
    GroupSubStatus.REGRESSED: HistoryStatus.REGRESSED,
    GroupSubStatus.ESCALATING: HistoryStatus.ESCALATING,
}


def go_on(now: datetime) -> int:
    """Let issues go on that have been something else for a week; how many. Safe to interrupt, and to run twice at
    once: an issue that somebody deals with meanwhile is left alone."""
    return sum(_go_on(kind, now) for kind in _KINDS)


def _go_on(kind: GroupSubStatus, now: datetime) -> int:
    done, after = 0, 0
    while done < MOST and (groups := list(_old(kind, now).filter(pk__gt=after).order_by("pk")[:_AT_ONCE])):
        after = groups[-1].pk

        def act(piece: Piece, standing: Mapping[int, Standing]) -> list[int]:
            return _move(kind, piece, standing, now)

        done += len(in_pieces(groups, act))
    return done


def _old(kind: GroupSubStatus, now: datetime) -> QuerySet[Group]:
    rows = Group.objects.filter(status=GroupStatus.UNRESOLVED, substatus=kind).select_related("project")
    history = _KINDS[kind]
    if history is None:
        return rows.filter(first_seen__lte=now - AFTER)
    told = GroupHistory.objects.filter(group=OuterRef("pk"), status=history).order_by("-date_added")
    since = Coalesce(Subquery(told.values("date_added")[:1]), F("active_at"), F("first_seen"))
    return rows.filter(first_seen__lte=now - AFTER).annotate(since=since).filter(since__lte=now - AFTER)


def _move(kind: GroupSubStatus, piece: Piece, standing: Mapping[int, Standing], now: datetime) -> list[int]:
    ids = [pk for pk, one in standing.items() if (one.status, one.substatus) == (GroupStatus.UNRESOLVED, kind)]
    Group.objects.filter(pk__in=ids).update(substatus=GroupSubStatus.ONGOING)
    Activity.objects.bulk_create(
        Activity(
            project_id=piece[pk].project_id,
            group_id=pk,
            type=ActivityType.AUTO_SET_ONGOING,
            datetime=now,
            data={"after_days": AFTER.days},
        )
        for pk in ids
    )
    record([change_of(piece[pk], HistoryStatus.UNRESOLVED) for pk in ids], now)
    inbox.remove(ids)
    if kind == GroupSubStatus.ESCALATING:
        for pk in ids:
            calm_down(piece[pk], now)
    return ids
