"""Telling whoever wants to know that an issue's status changed: what sends messages and mirrors states listens here.

Every change that `issues.history` records is told twice, in the same words and in pieces, as it was written:
`changing` in the transaction of the change, for what has to be written with it or not at all (an outbox), and
`changed` after the commit, for what may be lost when the process dies. A receiver of `changed` that fails is logged and
disturbs nobody. Of two nodes that race only the one whose update changed the issue tells it.

    @receiver(announce.changed)
    def on_changed(changes: Sequence[IssueStatusChanged], **_: Any) -> None: ...

Source: the issue workflow specification, 2.2, 5.2 (step 8) and 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.dispatch import Signal

from vedette.issues.models import GroupStatus, HistoryStatus

changing = Signal()  # changes: a list of IssueStatusChanged, in the transaction
changed = Signal()  # the same after the commit
assigning = Signal()  # changes: a list of IssueAssigned, in the transaction

_RESOLVED = {  # not SET_RESOLVED_IN_PULL_REQUEST: a pull request resolves nothing before a release brings its merge
    HistoryStatus.RESOLVED: "now",
    HistoryStatus.AUTO_RESOLVED: "by_age",
    HistoryStatus.SET_RESOLVED_IN_RELEASE: "in_release",
    HistoryStatus.SET_RESOLVED_IN_COMMIT: "in_commit",
}
_OPEN = {
    HistoryStatus.UNRESOLVED: "unresolved",
    HistoryStatus.REGRESSED: "regressed",
    HistoryStatus.ESCALATING: "escalating",
}
_ARCHIVED = {
    HistoryStatus.IGNORED: "ignored",
    HistoryStatus.ARCHIVED_FOREVER: "forever",
    HistoryStatus.ARCHIVED_UNTIL_ESCALATING: "until_escalating",
    HistoryStatus.ARCHIVED_UNTIL_CONDITION_MET: "until_condition_met",
}
_STATUSES = {
    **dict.fromkeys(_RESOLVED, GroupStatus.RESOLVED),
    **dict.fromkeys(_OPEN, GroupStatus.UNRESOLVED),
    **dict.fromkeys(_ARCHIVED, GroupStatus.IGNORED),
}
_WORDS = {**_RESOLVED, **_OPEN, **_ARCHIVED}


@dataclass(frozen=True, slots=True)
class IssueStatusChanged:
    """An issue has another status, or another reason for it, since `at` (aware, UTC).

    `kind` says how: of resolved ones `now`, `in_release`, `in_next_release`, `in_upcoming_release`, `in_commit`,
    `with_commit` (a release brought the commit) or `by_age`; of open ones `unresolved`, `regressed`, `escalating`; of
    archived ones `forever`, `until_escalating`, `until_condition_met`. `user_id` is who did it, None for nobody;
    `release_id` the release whose event brought it back. `alone` is unset where somebody changed several at once: about
    those nobody is notified one by one.
    """

    organization_id: int
    project_id: int
    group_id: int
    status: GroupStatus
    kind: str
    at: datetime
    user_id: int | None = None
    release_id: int | None = None
    alone: bool = True


@dataclass(frozen=True, slots=True)
class IssueAssigned:
    """An issue was given to somebody (its row of assignees says to whom) at `at`, by `user_id` or by nobody."""

    organization_id: int
    project_id: int
    group_id: int
    at: datetime
    user_id: int | None = None


def kind_of(status: HistoryStatus) -> str:
    """The word for a change of the status; empty for what changes no status (an assignment, a review)."""
    return _WORDS.get(status, "")


def status_of(status: HistoryStatus) -> GroupStatus:
    """The status that such a change leads to."""
    return _STATUSES[status]


def tell(changes: Sequence[IssueStatusChanged]) -> None:
    """Tell these changes now, and again after the commit of the transaction that this is called in."""
    if not changes:
        return
    changing.send(sender=None, changes=list(changes))
    transaction.on_commit(partial(_after, list(changes)))


def tell_assigned(changes: Sequence[IssueAssigned]) -> None:
    """Tell that these issues were given to somebody, in the transaction that did so."""
    if changes:
        assigning.send(sender=None, changes=list(changes))


def _after(changes: list[IssueStatusChanged]) -> None:
    changed.send_robust(sender=None, changes=changes)  # Django logs what a receiver raises
