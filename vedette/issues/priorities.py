"""How important an issue is: said by its first event's level, by people, or by what happens to it.

What a person said stays, whatever happens. Source: the issue workflow specification, 8.6.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues.history import Change, change_of, record
from vedette.issues.models import (
    PRIORITY_HIGH,
    PRIORITY_LOW,
    PRIORITY_MEDIUM,
    PRIORITY_WORDS,
    Activity,
    ActivityType,
    Group,
    HistoryStatus,
)
from vedette.issues.moving import Piece, Standing, in_pieces

PRIORITIES = {word: number for number, word in PRIORITY_WORDS.items()}
_HISTORY = {
    PRIORITY_LOW: HistoryStatus.PRIORITY_LOW,
    PRIORITY_MEDIUM: HistoryStatus.PRIORITY_MEDIUM,
    PRIORITY_HIGH: HistoryStatus.PRIORITY_HIGH,
}


def set_priority(groups: Sequence[Group], priority: int, by: User | None, now: datetime | None = None) -> list[int]:
    """Somebody says how important these issues are, and from then on nobody else does. Returns the ids of those that
    changed; the same again is only remembered as said."""
    moment = now or clock.now()

    def act(piece: Piece, standing: Mapping[int, Standing]) -> list[int]:
        rows = Group.objects.filter(pk__in=piece)
        ids = [pk for pk, old in rows.order_by("pk").values_list("pk", "priority") if old != priority]
        rows.update(priority=priority, priority_locked_at=moment)
        who = by.pk if by else None
        Activity.objects.bulk_create(_entry(piece[pk], priority, None, moment, who) for pk in ids)
        record([change_of(piece[pk], _HISTORY[priority], who) for pk in ids], moment)
        for group in piece.values():
            group.priority, group.priority_locked_at = priority, moment
        return ids

    return in_pieces(groups, act)


def raise_priority(group: Group, now: datetime) -> bool:
    """An issue that escalates is more important than it was, unless somebody said how important it is. In the
    caller's transaction, with the issue locked."""
    return change_priority(
        group, PRIORITY_MEDIUM if group.priority == PRIORITY_LOW else PRIORITY_HIGH, "escalating", now
    )


def calm_down(group: Group, now: datetime) -> bool:
    """An issue that escalates no more is as important as its first event made it. As `raise_priority`."""
    initial = group.metadata.get("initial_priority")
    return initial in PRIORITY_WORDS and change_priority(group, int(initial), "ongoing", now)


def change_priority(group: Group, priority: int, reason: str, now: datetime) -> bool:
    """Change the priority of `group` for a `reason` that is nobody's word; whether that changed it."""
    rows = Group.objects.filter(pk=group.pk, priority_locked_at__isnull=True).exclude(priority=priority)
    if not rows.update(priority=priority):
        return False
    group.priority = priority
    _entry(group, priority, reason, now).save()
    organization = group.project.organization_id
    record([Change(organization, group.project_id, group.pk, _HISTORY[priority])], now)
    return True


def _entry(group: Group, priority: int, reason: str | None, now: datetime, who: int | None = None) -> Activity:
    return Activity(
        project_id=group.project_id,
        group=group,
        type=ActivityType.SET_PRIORITY,
        user_id=who,
        datetime=now,
        data={"priority": PRIORITY_WORDS[priority], "reason": reason},
    )
