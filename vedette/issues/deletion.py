"""Deleting issues: given up at once, deleted piece by piece soon after.

An issue that is given up loses its hashes in the same transaction, so that the next event with one of them makes a new
issue; or it leaves a tombstone to which they lead from then on, and what comes is dropped. The rest (events, files,
reports, history, the issue) is deleted by a job. Whatever interrupts it, it can be run again: rows of `GroupDeletion`
say what is left. Events that were on their way into the event store are deleted by a second look, an hour later.
Source: the issue workflow specification, section 10.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.core.pieces import delete_in_pieces
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.deletion import delete_groups
from vedette.issues.files import delete_attachments, unlinked
from vedette.issues.models import (
    VISIBLE_STATUSES,
    Activity,
    DeletionReason,
    EventAttachment,
    Group,
    GroupDeletion,
    GroupHash,
    GroupHistory,
    GroupInbox,
    GroupRelease,
    GroupStatus,
    GroupTombstone,
    UserReport,
)
from vedette.issues.unmerging import whole
from vedette.orgs.audit import AuditEvent, record
from vedette.tasks.names import DELETIONS
from vedette.tasks.schedule import hasten

AT_ONCE = 100  # issues in one transaction, or in one statement of the event store
SECOND_LOOK = timedelta(hours=1)
_GOING = (GroupStatus.PENDING_DELETION, GroupStatus.DELETION_IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a run of the job deleted."""

    issues: int = 0
    events: int = 0
    attachments: int = 0
    files: int = 0

    def __bool__(self) -> bool:
        return bool(self.issues or self.events)

    def __str__(self) -> str:
        return f"deleted {self.issues} issues, {self.events} events, {self.attachments} attachments"


def give_up(
    groups: Sequence[Group],
    by: User | None,
    *,
    discard: bool = False,
    label: str = "",
    ip_address: str | None = None,
    now: datetime | None = None,
) -> list[int]:
    """Delete issues, for everybody at once; with `discard` what leads to them from now on is dropped.

    Issues that are going already are left alone. Returns the ids of those that go now; each is in the audit log.
    """
    reason = DeletionReason.DISCARDED if discard else DeletionReason.DELETED
    moment = now or clock.now()
    gone: list[int] = []
    for start in range(0, len(groups), AT_ONCE):
        piece = {group.pk: group for group in groups[start : start + AT_ONCE]}
        with transaction.atomic():
            going = _take(Q(pk__in=list(piece)), reason, by, moment)
            for pk in going:
                group = piece[pk]
                record(
                    AuditEvent.ISSUE_DELETE,
                    group.project.organization,
                    by=by,
                    label=label,
                    target=pk,
                    data={"issue_id": pk, "project_slug": group.project.slug, "discarded": discard},
                    ip_address=ip_address,
                )
            hasten(DELETIONS, moment)
        gone += going
    for group in groups:
        if group.pk in gone:
            group.status, group.substatus = GroupStatus.PENDING_DELETION, None
    return gone


def give_up_unseen(organization_id: int, since: datetime, now: datetime) -> int:
    """Give up the issues of an organization that were last seen before `since`; how many. One that is seen just now
    stays: whoever comes first, this or the event, wins."""
    forgotten = Q(project__organization_id=organization_id, last_seen__lt=since)
    count = 0
    while True:
        with transaction.atomic():
            going = _take(forgotten, DeletionReason.TOO_OLD, None, now)
        if not going:
            return count
        count += len(going)


def unseen(organization_id: int, since: datetime) -> int:
    """How many issues `give_up_unseen` would give up."""
    return Group.objects.filter(
        project__organization_id=organization_id, last_seen__lt=since, status__in=VISIBLE_STATUSES
    ).count()


def _take(which: Q, reason: DeletionReason, by: User | None, now: datetime) -> list[int]:
    """Hide at most `AT_ONCE` visible issues, take their hashes, and write down that they go; in one transaction.

    Rows are locked in the order of their ids, as a batch of events locks them.
    """
    rows = Group.objects.select_for_update(of=("self",)).filter(which, status__in=VISIBLE_STATUSES)
    groups = list(rows.order_by("pk")[:AT_ONCE])
    ids = [group.pk for group in groups]
    Group.objects.filter(pk__in=ids).update(status=GroupStatus.PENDING_DELETION, substatus=None, first_release=None)
    if reason == DeletionReason.DISCARDED:
        for group in groups:
            _bury(group, by, now)
    GroupHash.objects.filter(group__in=ids).delete()
    GroupInbox.objects.filter(group__in=ids).delete()
    GroupDeletion.objects.bulk_create(
        [
            GroupDeletion(group_id=group.pk, project_id=group.project_id, reason=reason, requested_at=now)
            for group in groups
        ],
        ignore_conflicts=True,
    )
    return ids


def _bury(group: Group, by: User | None, now: datetime) -> None:
    tombstone = GroupTombstone.objects.create(
        previous_group_id=group.pk,
        project_id=group.project_id,
        level=group.level,
        message=group.message,
        culprit=group.culprit,
        data={**group.data, "title": group.title},
        actor_id=by.pk if by else None,
        date_added=now,
    )
    GroupHash.objects.filter(group=group).update(group=None, group_tombstone_id=tombstone.pk)


@transaction.atomic
def let_in_again(tombstone: GroupTombstone, by: User | None, *, ip_address: str | None = None) -> bool:
    """Remove a tombstone: the next event with one of its hashes makes a new issue. False if it was gone before."""
    GroupHash.objects.filter(project_id=tombstone.project_id, group_tombstone_id=tombstone.pk).delete()
    if not GroupTombstone.objects.filter(pk=tombstone.pk).delete()[0]:
        return False
    record(
        AuditEvent.TOMBSTONE_REMOVE,
        tombstone.project.organization,
        by=by,
        target=tombstone.pk,
        data={"issue_id": tombstone.previous_group_id, "project_slug": tombstone.project.slug},
        ip_address=ip_address,
    )
    return True


def delete_given_up(store: EventStore, files: FileStore, now: datetime) -> Deleted:
    """Delete all that belongs to issues that were given up. Raises `StoreUnavailable`; the next run goes on."""
    _find_strays(now)
    issues = events = attachments = removed = 0
    rows = GroupDeletion.objects.filter(whole("group_id"), deleted_at__isnull=True)
    while waiting := list(rows.order_by("project_id", "pk")[:AT_ONCE]):
        for project_id, ids in _by_project(waiting).items():
            Group.objects.filter(pk__in=ids).update(status=GroupStatus.DELETION_IN_PROGRESS)
            gone = _delete_files(store, files, project_id, ids)
            attachments, removed = attachments + gone[0], removed + gone[1]
            for model in (UserReport, Activity, GroupHistory, GroupRelease):
                delete_in_pieces(model._default_manager.filter(group_id__in=ids))
            events += delete_groups(store, project_id, ids)
            issues += Group.objects.filter(pk__in=ids).count()
            Group.objects.filter(pk__in=ids).delete()
        GroupDeletion.objects.filter(pk__in=[row.pk for row in waiting]).update(deleted_at=now)
    events += _look_again(store, now)
    return Deleted(issues, events, attachments, removed)


def _find_strays(now: datetime) -> None:
    """Issues that go (as an older version, or somebody by hand, left them) and that nothing says so of. A hash that
    led to one would hold up every event that has it."""
    GroupHash.objects.filter(group__status__in=_GOING).delete()
    strays = Group.objects.filter(status__in=_GOING).exclude(pk__in=GroupDeletion.objects.values("group_id"))
    rows = [GroupDeletion(group_id=pk, project_id=project) for pk, project in strays.values_list("pk", "project_id")]
    GroupDeletion.objects.bulk_create(rows, ignore_conflicts=True)


def _by_project(rows: Sequence[GroupDeletion]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for row in rows:
        found[row.project_id].append(row.group_id)
    return found


def _delete_files(store: EventStore, files: FileStore, project_id: int, ids: Sequence[int]) -> tuple[int, int]:
    """(rows, files) of the attachments of these issues. Those that came after their event do not know their issue yet:
    the event store does."""
    alive = set(Group.objects.filter(pk__in=ids).values_list("pk", flat=True))
    for model in (EventAttachment, UserReport):
        for event_ids in unlinked(model, project_id):
            led = queries.places_of_events(store, [(project_id, event_id) for event_id in event_ids])
            for (_, event_id), place in led.items():
                if place.group_id in alive:
                    rows = model._default_manager.filter(project_id=project_id, event_id=event_id, group__isnull=True)
                    rows.update(group_id=place.group_id)
    return delete_attachments(files, EventAttachment.objects.filter(group_id__in=ids))


def _look_again(store: EventStore, now: datetime) -> int:
    """Delete the events that arrived in the event store after their issue was deleted: their batch was under way."""
    events = 0
    rows = GroupDeletion.objects.filter(deleted_at__lte=now - SECOND_LOOK)
    while seen := list(rows.order_by("project_id", "pk")[:AT_ONCE]):
        for project_id, ids in _by_project(seen).items():
            events += delete_groups(store, project_id, ids)
        GroupDeletion.objects.filter(pk__in=[row.pk for row in seen]).delete()
    return events
