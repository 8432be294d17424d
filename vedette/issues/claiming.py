"""Issues that become somebody's because they resolve them: only with their option, and only issues that are nobody's.

Of those who race exactly one gets an issue, and nothing is taken from anybody; issues are not locked, because whoever
links commits has locks of other rows and may bring ten thousand.

Sources: the issue workflow specification, 5.2, step 6; the release specification, 9.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vedette.accounts.models import User
from vedette.accounts.options import SELF_ASSIGN_ISSUE, who_has_on
from vedette.core import sql
from vedette.core.pieces import pieces
from vedette.issues.assignees import of_user
from vedette.issues.assigning import said_of
from vedette.issues.history import Change, record
from vedette.issues.models import Activity, ActivityType, GroupAssignee, HistoryStatus, SubscriptionReason
from vedette.issues.subscriptions import subscribe


@dataclass(frozen=True, order=True, slots=True)
class Claim:
    """An issue, and the user who resolves it."""

    organization_id: int
    project_id: int
    group_id: int
    user_id: int


def willing(user_ids: set[int]) -> set[int]:
    """Those of these users whom what they resolve is to be given to."""
    return who_has_on(SELF_ASSIGN_ISSUE, user_ids)


def claim(claims: Sequence[Claim], now: datetime) -> list[int]:
    """Give each issue that is nobody's to who resolves it; of several claims on an issue the first one counts. The ids
    of the issues that were given. Only in a transaction; everybody in `claims` is `willing` and may have the issue."""
    wanted: dict[int, Claim] = {}
    for one in claims:
        wanted.setdefault(one.group_id, one)
    users: dict[int, User] = {}
    for some in pieces({one.user_id for one in wanted.values()}):
        users |= {user.pk: user for user in User.objects.filter(pk__in=some)}
    rows = [wanted[pk] for pk in sorted(wanted) if wanted[pk].user_id in users]
    given = {pk for (pk,) in _insert(rows, now)}
    if not given:
        return []
    rows = [one for one in rows if one.group_id in given]
    sql.insert_rows(
        Activity._meta.db_table,
        ("type", "datetime", "project_id", "group_id", "user_id", "data"),
        [
            (
                ActivityType.ASSIGNED.value,
                sql.moment(now),
                one.project_id,
                one.group_id,
                one.user_id,
                sql.document(said_of(of_user(users[one.user_id]))),
            )
            for one in rows
        ],
    )
    for piece in pieces(rows):
        record(
            [
                Change(one.organization_id, one.project_id, one.group_id, HistoryStatus.ASSIGNED, one.user_id)
                for one in piece
            ],
            now,
        )
    subscribe([(one.project_id, one.group_id, one.user_id) for one in rows], SubscriptionReason.ASSIGNED, now)
    return [one.group_id for one in rows]


def _insert(rows: Sequence[Claim], now: datetime) -> list[tuple[int]]:
    return sql.insert_rows(
        GroupAssignee._meta.db_table,
        ("project_id", "group_id", "user_id", "date_added"),
        [(one.project_id, one.group_id, one.user_id, sql.moment(now)) for one in rows],
        tail="ON CONFLICT (group_id) DO NOTHING RETURNING group_id",
    )
