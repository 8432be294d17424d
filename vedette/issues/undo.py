"""Taking back what was just done to issues: the state before it, and the way back.

Undoing is an action like any other: it writes its own entry into the history, and the database settles races.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues.actions import ARCHIVED, archive, assign, reopen
from vedette.issues.assignees import Assignee, assignees_of
from vedette.issues.models import (
    Group,
    GroupResolution,
    GroupSnooze,
    GroupStatus,
    GroupSubStatus,
    ResolutionStatus,
    ResolutionType,
)
from vedette.issues.resolve import AsBefore, listed_by, resolve
from vedette.releases.models import Release


@dataclass(frozen=True, slots=True)
class Before:
    """How an issue stood. `assignee` is `user:7`, `team:3` or empty; `fix` and `until` are what its resolution and the
    conditions of its archive said, values that JSON can carry."""

    group_id: int
    status: int
    substatus: int | None
    assignee: str
    fix: Sequence[Any] | None = None
    until: Sequence[Any] | None = None


def remember(groups: Sequence[Group]) -> list[Before]:
    """How these issues stand now; five queries, however many."""
    assignees = assignees_of(groups)
    fixes = {row.group_id: row for row in GroupResolution.objects.filter(group__in=groups)}
    listed = listed_by(fixes.values())
    snoozes = {row.group_id: row for row in GroupSnooze.objects.filter(group__in=groups)}
    return [
        Before(
            group.pk,
            group.status,
            group.substatus,
            assignees[group.pk].key if group.pk in assignees else "",
            _fix(fixes.get(group.pk), listed),
            _until(snoozes.get(group.pk)),
        )
        for group in groups
    ]


def _fix(row: GroupResolution | None, listed: Mapping[int, Sequence[int]]) -> Sequence[Any] | None:
    if row is None:
        return None
    kind = ResolutionType.IN_NEXT_RELEASE if row.type is None else row.type
    return (row.release_id, int(kind), row.status, row.current_release_version, *listed.get(row.pk, ()))


def _until(row: GroupSnooze | None) -> Sequence[Any] | None:
    if row is None:
        return None
    until = row.until.timestamp() if row.until else None
    return (until, row.count, row.window, row.user_count, row.user_window, row.state)


def restore_status(group: Group, before: Before, by: User | None) -> bool:
    """Bring back status, substatus and what they were tied to; True if that changed anything."""
    if before.status == GroupStatus.RESOLVED:
        return bool(resolve([group], by, _as_before(group, before)))
    if before.status == GroupStatus.IGNORED:
        return _archive_again(group, before, by)
    changed = bool(reopen([group], by))
    if changed and group.substatus != before.substatus:
        # Reopening guesses why it is open (regressed, ongoing); the way back knows.
        Group.objects.filter(pk=group.pk, status=GroupStatus.UNRESOLVED).update(substatus=before.substatus)
        group.substatus = before.substatus
    return changed


def _as_before(group: Group, before: Before) -> AsBefore | None:
    """The resolution again, as far as its releases still belong to the project."""
    if before.fix is None:
        return None
    release_id, kind, status, current, *ids = before.fix
    rows = Release.objects.filter(pk__in=[release_id, *ids], project_links__project_id=group.project_id)
    found = {release.pk: release for release in rows}
    listed = tuple(found[pk] for pk in ids if pk in found)
    if release_id not in found:
        return None
    return AsBefore(found[release_id], ResolutionType(kind), ResolutionStatus(status), current, listed)


@transaction.atomic
def _archive_again(group: Group, before: Before, by: User | None) -> bool:
    known = GroupSubStatus(before.substatus) if before.substatus in ARCHIVED else GroupSubStatus.ARCHIVED_FOREVER
    if not archive([group], by, known):
        return False
    if before.until is not None:
        until, count, window, user_count, user_window, state = before.until
        GroupSnooze.objects.get_or_create(
            group=group,
            defaults={
                "until": clock.from_unix(until) if until is not None else None,
                "count": count,
                "window": window,
                "user_count": user_count,
                "user_window": user_window,
                "state": state,
                "actor_id": by.pk if by else None,
            },
        )
    return True


def restore_assignee(group: Group, to: Assignee | None, by: User | None) -> bool:
    """Give the issue back to whom it belonged, or to nobody; True if that changed anything."""
    return bool(assign([group], to, by))
