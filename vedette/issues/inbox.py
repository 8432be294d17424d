"""Issues that wait to be looked at: put there when something happens to them, taken out when somebody did something.

An issue waits once, for the reason and since the moment that it was first put there for. Source: the issue workflow
specification, section 7.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.pieces import delete_in_pieces
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupInbox,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    InboxReason,
)

LONGEST = timedelta(days=7)
Place = tuple[int, int, int]  # organization, project, issue


def add(
    places: Iterable[Place], reason: InboxReason, now: datetime, details: Mapping[str, int | None] | None = None
) -> None:
    """Let these issues wait; those that do already go on waiting for what they waited for. One statement, in the order
    of the issues' ids. `details` are the conditions of an archive that is over."""
    GroupInbox.objects.bulk_create(
        [
            GroupInbox(
                organization_id=organization,
                project_id=project,
                group_id=group,
                reason=reason,
                reason_details=dict(details) if details else None,
                date_added=now,
            )
            for organization, project, group in sorted(places, key=lambda place: place[2])
        ],
        ignore_conflicts=True,
    )


def remove(group_ids: Sequence[int]) -> None:
    """Let these issues wait no longer."""
    GroupInbox.objects.filter(group__in=group_ids).delete()


def put_in(groups: Sequence[Group], now: datetime | None = None) -> None:
    """Somebody wants these issues, whose projects are at hand, to be looked at."""
    places = [(group.project.organization_id, group.project_id, group.pk) for group in groups]
    add(places, InboxReason.MANUAL, now or clock.now())


def review(groups: Sequence[Group], by: User | None, now: datetime | None = None) -> list[int]:
    """Somebody has looked at these issues: they wait no longer, and one that was new, back or escalating is ongoing.

    Returns the ids of those that waited. What nobody waited for is written nowhere.
    """
    moment = now or clock.now()
    return [group.pk for group in groups if _review(group, by, moment)]


def _review(group: Group, by: User | None, now: datetime) -> bool:
    with transaction.atomic():
        waited = bool(GroupInbox.objects.filter(group=group).delete()[0])
        if waited and by is not None:
            _tell(group, by, ActivityType.MARK_REVIEWED, {}, HistoryStatus.REVIEWED, now)
        going_on = Group.objects.filter(pk=group.pk, status=GroupStatus.UNRESOLVED).exclude(
            substatus=GroupSubStatus.ONGOING
        )
        if going_on.update(substatus=GroupSubStatus.ONGOING):
            data: dict[str, object] = {"manually": True}
            _tell(group, by, ActivityType.AUTO_SET_ONGOING, data, HistoryStatus.UNRESOLVED, now)
            group.substatus = GroupSubStatus.ONGOING
    return waited


def _tell(
    group: Group, by: User | None, kind: ActivityType, data: dict[str, object], status: HistoryStatus, now: datetime
) -> None:
    who = by.pk if by else None
    Activity.objects.create(project_id=group.project_id, group=group, type=kind, user_id=who, datetime=now, data=data)
    record([change_of(group, status, who)], now)


def clean_up(now: datetime) -> int:
    """Let issues that nobody looked at for a week wait no longer; how many. Safe to interrupt and to repeat."""
    return delete_in_pieces(GroupInbox.objects.filter(date_added__lt=now - LONGEST))
