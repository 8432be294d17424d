"""Merging issues: at once for everybody who looks, and piece by piece behind that.

The issue with the most events takes the others in. These are hidden, lose their hashes to it and lead to it by their
ids and short ids, in one transaction; a batch that had read their hashes is tried again. A job moves the rest: rows,
then events, and in the end the numbers, together with the row of the issue that is no more. Whatever interrupts it, it
can be run again. Events that were on their way into the event store are moved by a second look, an hour later.
Source: the issue workflow specification, section 9 with its [V].
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Greatest, Least

from vedette.accounts.models import User
from vedette.core import clock
from vedette.events.client import EventStore
from vedette.events.moving import move_events
from vedette.issues import inbox
from vedette.issues.belongings import move_rows
from vedette.issues.models import (
    VISIBLE_STATUSES,
    Activity,
    ActivityType,
    Group,
    GroupHash,
    GroupRedirect,
    GroupStatus,
)
from vedette.issues.unmerging import whole
from vedette.tasks.names import MERGES
from vedette.tasks.schedule import hasten

AT_ONCE = 100
SECOND_LOOK = timedelta(hours=1)
STAYS_RESOLVED = "The issue that takes the others in is resolved, and some of them were not: it stays resolved."


@dataclass(frozen=True, slots=True)
class Merged:
    """The issue that took the others in, and those; sentences about what somebody may not expect."""

    parent: int
    children: tuple[int, ...]
    warnings: tuple[str, ...] = ()


def merge(groups: Sequence[Group], by: User | None, now: datetime | None = None) -> Merged | None:
    """Merge issues of one project into that with the most events (of several the youngest); None where fewer than two
    are left to merge. Its state stays what it is. The objects in hand follow what was written."""
    if len({group.project_id for group in groups}) > 1:
        raise ValueError("issues of several projects are not merged")
    moment = now or clock.now()
    with transaction.atomic():
        rows = Group.objects.select_for_update(of=("self",), no_key=True).select_related("project")
        found = list(rows.filter(pk__in=[group.pk for group in groups], status__in=VISIBLE_STATUSES).order_by("pk"))
        if len(found) < 2:
            return None
        parent = max(found, key=lambda group: (group.times_seen, group.pk))
        children = [group for group in found if group.pk != parent.pk]
        _take_in(parent, children, by, moment)
        hasten(MERGES, moment)
    gone = {child.pk for child in children}
    for group in groups:
        if group.pk in gone:
            group.status, group.substatus = GroupStatus.PENDING_MERGE, None
    wakes = parent.status == GroupStatus.RESOLVED and any(one.status == GroupStatus.UNRESOLVED for one in children)
    return Merged(parent.pk, tuple(child.pk for child in children), (STAYS_RESOLVED,) if wakes else ())


def _take_in(parent: Group, children: Sequence[Group], by: User | None, now: datetime) -> None:
    ids = [child.pk for child in children]
    Group.objects.filter(pk__in=ids).update(status=GroupStatus.PENDING_MERGE, substatus=None)
    GroupHash.objects.filter(group__in=ids).update(group=parent)
    GroupRedirect.objects.filter(group__in=ids).update(group=parent)
    GroupRedirect.objects.bulk_create(
        GroupRedirect(
            organization_id=parent.project.organization_id,
            group=parent,
            previous_group_id=child.pk,
            previous_short_id=child.short_id,
            previous_project_slug=child.project.slug,
            date_added=now,
        )
        for child in children
    )
    inbox.remove(ids)
    Activity.objects.create(
        project_id=parent.project_id,
        group=parent,
        type=ActivityType.MERGE,
        user_id=by.pk if by else None,
        datetime=now,
        data={"issues": [{"id": str(pk)} for pk in ids]},
    )


def homes(group_ids: Collection[int]) -> dict[int, int]:
    """Into which issues those of these were merged that were merged."""
    rows = GroupRedirect.objects.filter(previous_group_id__in=group_ids)
    return dict(rows.values_list("previous_group_id", "group_id"))


def move_merged(store: EventStore, now: datetime) -> int:
    """Move what belongs to merged issues, one after the other; how many. Raises `StoreUnavailable`; the next run goes
    on."""
    _give_up_strays()
    waiting = GroupRedirect.objects.filter(
        whole("previous_group_id"), moved_at__isnull=True, group__status__in=VISIBLE_STATUSES
    ).order_by("pk")
    moved, after = 0, 0
    while listed := list(waiting.filter(pk__gt=after).select_related("group")[:AT_ONCE]):
        after = listed[-1].pk
        for redirect in listed:
            parent = redirect.group
            move_rows(redirect.previous_group_id, parent)
            move_events(store, parent.project_id, [redirect.previous_group_id], parent.pk)
            moved += _finish(redirect, now)
    _look_again(store, now)
    return moved


def _finish(redirect: GroupRedirect, now: datetime) -> bool:
    """Add the numbers up and let the row go; whether it was this run that did."""
    with transaction.atomic():
        ids = sorted([redirect.previous_group_id, redirect.group_id])
        rows = Group.objects.select_for_update(of=("self",)).select_related("first_release").filter(pk__in=ids)
        groups = {group.pk: group for group in rows.order_by("pk")}
        child, parent = groups.get(redirect.previous_group_id), groups.get(redirect.group_id)
        mine = GroupRedirect.objects.filter(pk=redirect.pk, moved_at__isnull=True)
        if parent is None or not mine.update(moved_at=now):
            return False
        if child is None:
            return False
        Group.objects.filter(pk=parent.pk).update(
            first_seen=Least(F("first_seen"), child.first_seen),
            last_seen=Greatest(F("last_seen"), child.last_seen),
            times_seen=F("times_seen") + child.times_seen,
            num_comments=F("num_comments") + child.num_comments,
            first_release=_earlier(parent, child),
        )
        child.delete()
    return True


def _earlier(parent: Group, child: Group) -> int | None:
    """The first release of both, by date."""
    releases = [group.first_release for group in (parent, child) if group.first_release]
    first = min(releases, key=lambda release: (release.date_released or release.date_added, release.pk), default=None)
    return first.pk if first else None


def _give_up_strays() -> None:
    """Issues whose new home was deleted before they had moved in are deleted with it."""
    homes = GroupRedirect.objects.filter(previous_group_id=OuterRef("pk"))
    strays = Group.objects.filter(~Exists(homes), status=GroupStatus.PENDING_MERGE)
    strays.update(status=GroupStatus.PENDING_DELETION)  # which the job of deletions finds


def _look_again(store: EventStore, now: datetime) -> None:
    """Move the events that arrived in the event store after their issue had moved: their batch was under way."""
    late = GroupRedirect.objects.filter(settled_at__isnull=True, moved_at__lte=now - SECOND_LOOK).order_by("pk")
    while listed := list(late.select_related("group")[:AT_ONCE]):
        for redirect in listed:
            move_events(store, redirect.group.project_id, [redirect.previous_group_id], redirect.group_id)
        GroupRedirect.objects.filter(pk__in=[one.pk for one in listed]).update(settled_at=now)
