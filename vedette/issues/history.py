"""What reports count: one row for each change of an issue, with the change of an opposite kind before it.

People read `Activity`; these rows are for questions like "how long until it was resolved". Everything is written in
bulk, in the transaction of the change, and what changes a status is announced. Source: the issue workflow
specification, section 12.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from vedette.issues import announce
from vedette.issues.models import Group, GroupHistory, GroupSubStatus, HistoryStatus

_RESOLVED = frozenset(
    {
        HistoryStatus.RESOLVED,
        HistoryStatus.AUTO_RESOLVED,
        HistoryStatus.SET_RESOLVED_IN_RELEASE,
        HistoryStatus.SET_RESOLVED_IN_COMMIT,
        HistoryStatus.SET_RESOLVED_IN_PULL_REQUEST,
    }
)
_OPENED = frozenset({HistoryStatus.UNRESOLVED, HistoryStatus.REGRESSED, HistoryStatus.ESCALATING})
_OPPOSITES: dict[HistoryStatus, frozenset[HistoryStatus]] = {
    **dict.fromkeys(_RESOLVED, _OPENED),
    HistoryStatus.UNRESOLVED: _RESOLVED | {HistoryStatus.IGNORED, HistoryStatus.REGRESSED, HistoryStatus.ESCALATING},
    HistoryStatus.REGRESSED: _RESOLVED,
    HistoryStatus.ESCALATING: frozenset(
        {
            HistoryStatus.IGNORED,
            HistoryStatus.ARCHIVED_UNTIL_ESCALATING,
            HistoryStatus.ARCHIVED_UNTIL_CONDITION_MET,
        }
    ),
    HistoryStatus.IGNORED: frozenset({HistoryStatus.UNIGNORED}),
    HistoryStatus.UNIGNORED: frozenset({HistoryStatus.IGNORED}),
    HistoryStatus.ASSIGNED: frozenset({HistoryStatus.UNASSIGNED}),
    HistoryStatus.UNASSIGNED: frozenset({HistoryStatus.ASSIGNED}),
}
OF_SUBSTATUS = {
    GroupSubStatus.NEW: HistoryStatus.UNRESOLVED,
    GroupSubStatus.ONGOING: HistoryStatus.UNRESOLVED,
    GroupSubStatus.REGRESSED: HistoryStatus.REGRESSED,
    GroupSubStatus.ESCALATING: HistoryStatus.ESCALATING,
    GroupSubStatus.ARCHIVED_UNTIL_ESCALATING: HistoryStatus.ARCHIVED_UNTIL_ESCALATING,
    GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET: HistoryStatus.ARCHIVED_UNTIL_CONDITION_MET,
    GroupSubStatus.ARCHIVED_FOREVER: HistoryStatus.ARCHIVED_FOREVER,
}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an issue, and by whom (a user or nobody). `release_id` is for regressions. `kind` and `alone` are
    told to those who listen to `issues.announce`; no row keeps them."""

    organization_id: int
    project_id: int
    group_id: int
    status: HistoryStatus
    user_id: int | None = None
    release_id: int | None = None
    kind: str = ""
    alone: bool = True


def change_of(
    group: Group, status: HistoryStatus, user_id: int | None = None, *, kind: str = "", alone: bool = True
) -> Change:
    """A change of `group`, whose project is at hand."""
    return Change(group.project.organization_id, group.project_id, group.pk, status, user_id, kind=kind, alone=alone)


def record(changes: Sequence[Change], now: datetime) -> None:
    """Write these changes down, at most one for each issue: two statements, and one for each further kind."""
    before = _newest_opposites(changes)
    GroupHistory.objects.bulk_create(
        GroupHistory(
            organization_id=change.organization_id,
            project_id=change.project_id,
            group_id=change.group_id,
            release_id=change.release_id,
            user_id=change.user_id,
            status=change.status,
            prev_history_id=before[change.group_id][0] if change.group_id in before else None,
            prev_history_date=before[change.group_id][1] if change.group_id in before else None,
            date_added=now,
        )
        for change in changes
    )
    announce.tell([_announced(change, now) for change in changes if announce.kind_of(change.status)])
    announce.tell_assigned(
        [
            announce.IssueAssigned(change.organization_id, change.project_id, change.group_id, now, change.user_id)
            for change in changes
            if change.status == HistoryStatus.ASSIGNED
        ]
    )


def _announced(change: Change, now: datetime) -> announce.IssueStatusChanged:
    return announce.IssueStatusChanged(
        change.organization_id,
        change.project_id,
        change.group_id,
        announce.status_of(change.status),
        change.kind or announce.kind_of(change.status),
        now,
        change.user_id,
        change.release_id,
        change.alone,
    )


def _newest_opposites(changes: Sequence[Change]) -> dict[int, tuple[int, datetime]]:
    """The newest row of an opposite kind (its id and date) by issue."""
    groups: dict[frozenset[HistoryStatus], list[int]] = defaultdict(list)
    for change in changes:
        if change.status in _OPPOSITES:
            groups[_OPPOSITES[change.status]].append(change.group_id)
    found = {}
    for kinds, ids in groups.items():
        rows = GroupHistory.objects.filter(group__in=ids, status__in=kinds).order_by()
        newest = rows.values("group").annotate(newest=Max("pk")).values("newest")
        for group, pk, at in GroupHistory.objects.filter(pk__in=newest).values_list("group_id", "pk", "date_added"):
            found[group] = (pk, at)
    return found
