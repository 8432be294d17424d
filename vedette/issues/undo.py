"""Taking back what was just done to issues: the state before it, and the way back.

Undoing is an action like any other: it writes its own entry into the history, and the database settles races.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.accounts.models import User
from vedette.issues.actions import ARCHIVED, archive, assign, reopen, resolve
from vedette.issues.assignees import Assignee, assignees_of
from vedette.issues.models import Group, GroupStatus, GroupSubStatus


@dataclass(frozen=True, slots=True)
class Before:
    """How an issue stood. `assignee` is `user:7`, `team:3` or empty."""

    group_id: int
    status: int
    substatus: int | None
    assignee: str


def remember(groups: Sequence[Group]) -> list[Before]:
    """How these issues stand now; two queries for the assignees, however many."""
    assignees = assignees_of(groups)
    return [
        Before(group.pk, group.status, group.substatus, assignees[group.pk].key if group.pk in assignees else "")
        for group in groups
    ]


def restore_status(group: Group, before: Before, by: User | None) -> bool:
    """Bring back status and substatus; True if that changed anything."""
    if before.status == GroupStatus.RESOLVED:
        return bool(resolve([group], by))
    if before.status == GroupStatus.IGNORED:
        known = GroupSubStatus(before.substatus) if before.substatus in ARCHIVED else GroupSubStatus.ARCHIVED_FOREVER
        return bool(archive([group], by, known))
    changed = bool(reopen([group], by))
    if changed and group.substatus != before.substatus:
        # Reopening guesses why it is open (regressed, ongoing); the way back knows.
        Group.objects.filter(pk=group.pk, status=GroupStatus.UNRESOLVED).update(substatus=before.substatus)
        group.substatus = before.substatus
    return changed


def restore_assignee(group: Group, to: Assignee | None, by: User | None) -> bool:
    """Give the issue back to whom it belonged, or to nobody; True if that changed anything."""
    return bool(assign([group], to, by))
