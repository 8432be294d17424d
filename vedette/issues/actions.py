"""What people do to issues: resolve, archive, reopen, assign. Each says which issues it changed.

Races are settled by conditional updates, so that two people who press the same button leave one entry in the history.
Source: the issue workflow specification, sections 4, 5 and 8.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues.assignees import Assignee, assignees_of
from vedette.issues.models import Activity, ActivityType, Group, GroupAssignee, GroupStatus, GroupSubStatus

NEW_FOR = timedelta(days=7)
_SETTLED = (GroupStatus.UNRESOLVED, GroupStatus.RESOLVED, GroupStatus.IGNORED)
ARCHIVED = (
    GroupSubStatus.ARCHIVED_FOREVER,
    GroupSubStatus.ARCHIVED_UNTIL_ESCALATING,
    GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET,
)


def resolve(groups: Sequence[Group], by: User | None, now: datetime | None = None) -> list[int]:
    """Mark issues as fixed. An issue that is resolved already is left alone. Returns the ids that changed."""
    moment = now or clock.now()
    return _move(
        groups,
        by,
        moment,
        ActivityType.SET_RESOLVED,
        Q(status__in=(GroupStatus.UNRESOLVED, GroupStatus.IGNORED)),
        {"status": GroupStatus.RESOLVED, "substatus": None, "resolved_at": moment},
    )


def archive(
    groups: Sequence[Group],
    by: User | None,
    substatus: GroupSubStatus = GroupSubStatus.ARCHIVED_FOREVER,
    now: datetime | None = None,
) -> list[int]:
    """Put issues aside. A change of the substatus alone counts as a change. Returns the ids that changed."""
    if substatus not in ARCHIVED:
        raise ValueError(f"{substatus!r} is no way to archive")
    return _move(
        groups,
        by,
        now or clock.now(),
        ActivityType.SET_IGNORED,
        Q(status__in=_SETTLED) & ~Q(status=GroupStatus.IGNORED, substatus__isnull=False, substatus=substatus),
        {"status": GroupStatus.IGNORED, "substatus": substatus, "resolved_at": None},
        {"ignoreUntilEscalating": True} if substatus == GroupSubStatus.ARCHIVED_UNTIL_ESCALATING else {},
    )


def reopen(groups: Sequence[Group], by: User | None, now: datetime | None = None) -> list[int]:
    """Make issues unresolved again: an archived one that is younger than a week is new, a resolved one regressed,

    and in bulk every one is ongoing. Returns the ids that changed.
    """
    moment = now or clock.now()
    changed: list[int] = []
    for group in groups:
        changed += _move(
            [group],
            by,
            moment,
            ActivityType.SET_UNRESOLVED,
            Q(status__in=(GroupStatus.RESOLVED, GroupStatus.IGNORED)),
            {
                "status": GroupStatus.UNRESOLVED,
                "substatus": _reopened(group, moment) if len(groups) == 1 else GroupSubStatus.ONGOING,
                "resolved_at": None,
                "active_at": moment,
            },
        )
    return changed


def _reopened(group: Group, now: datetime) -> GroupSubStatus:
    if group.status == GroupStatus.IGNORED and group.first_seen >= now - NEW_FOR:
        return GroupSubStatus.NEW
    return GroupSubStatus.REGRESSED if group.status == GroupStatus.RESOLVED else GroupSubStatus.ONGOING


def _move(
    groups: Sequence[Group],
    by: User | None,
    now: datetime,
    activity: ActivityType,
    condition: Q,
    values: dict[str, Any],
    data: dict[str, Any] | None = None,
) -> list[int]:
    """One conditional update and one history entry per issue; the objects in hand follow what was written."""
    changed = []
    for group in groups:
        with transaction.atomic():
            if not Group.objects.filter(condition, pk=group.pk).update(**values):
                continue
            Activity.objects.create(
                project_id=group.project_id,
                group=group,
                type=activity,
                user_id=by.pk if by else None,
                datetime=now,
                data=data or {},
            )
        for name, value in values.items():
            setattr(group, name, value)
        changed.append(group.pk)
    return changed


def assign(groups: Sequence[Group], to: Assignee | None, by: User | None, now: datetime | None = None) -> list[int]:
    """Give issues to somebody, or to nobody; the same one again changes nothing. Returns the ids that changed."""
    moment = now or clock.now()
    before = assignees_of(groups)
    return [group.pk for group in groups if before.get(group.pk) != to and _assign(group, to, by, moment)]


def _assign(group: Group, to: Assignee | None, by: User | None, now: datetime) -> bool:
    with transaction.atomic():
        if to is None:
            changed = bool(GroupAssignee.objects.filter(group=group).delete()[0])
        else:
            changed = _write_assignee(group, to, now)
        if not changed:
            return False
        Activity.objects.create(
            project_id=group.project_id,
            group=group,
            type=ActivityType.ASSIGNED if to else ActivityType.UNASSIGNED,
            user_id=by.pk if by else None,
            datetime=now,
            data={}
            if to is None
            else {
                "assignee": str(to.id),
                "assigneeEmail": to.email or None,
                "assigneeName": to.name,
                "assigneeType": to.kind,
            },
        )
    return True


def _write_assignee(group: Group, to: Assignee, now: datetime) -> bool:
    who = {"user_id": to.id, "team_id": None} if to.kind == "user" else {"user_id": None, "team_id": to.id}
    unchanged = Q(user_id=to.id) if to.kind == "user" else Q(team_id=to.id)
    for _ in range(2):  # a second time when somebody else inserted between the two statements
        rows = GroupAssignee.objects.filter(group=group)
        if rows.exclude(unchanged).update(**who, date_added=now):
            return True
        if rows.filter(unchanged).exists():
            return False
        try:
            with transaction.atomic():
                GroupAssignee.objects.create(group=group, project_id=group.project_id, date_added=now, **who)
            return True
        except IntegrityError:
            continue
    return False
