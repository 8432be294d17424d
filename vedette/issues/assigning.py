"""Giving issues to somebody, or to nobody.

Source: the issue workflow specification, 8.1.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues.assignees import Assignee
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupAssignee,
    GroupSubscription,
    HistoryStatus,
    SubscriptionReason,
)
from vedette.issues.moving import Piece, Standing, in_pieces
from vedette.issues.subscriptions import subscribe
from vedette.issues.suspicion import forget
from vedette.orgs.models import OrganizationMemberTeam

_Who = tuple[int | None, int | None]  # user, team


def assign(groups: Sequence[Group], to: Assignee | None, by: User | None, now: datetime | None = None) -> list[int]:
    """Give issues to somebody, or to nobody; the same one again changes nothing. Returns the ids that changed.

    Whoever gets an issue is told about it from then on, of a team each member; whoever loses it, no longer for that.
    """
    moment = now or clock.now()
    wanted = _who(to)

    def act(piece: Piece, standing: Mapping[int, Standing]) -> list[int]:
        rows = GroupAssignee.objects.filter(group__in=piece)
        before = {pk: (user, team) for pk, user, team in rows.values_list("group_id", "user_id", "team_id")}
        ids = [pk for pk in piece if before.get(pk) != wanted]
        if ids:
            _write(piece, ids, wanted, moment)
            _tell([piece[pk] for pk in ids], to, by, moment)
            _forget({pk: before[pk] for pk in ids if pk in before}, wanted)
            _follow([piece[pk] for pk in ids], wanted, moment)
        return ids

    return in_pieces(groups, act)


def said_of(to: Assignee) -> dict[str, Any]:
    """What the entry of an issue's history says of whom it is given to."""
    return {
        "assignee": str(to.id),
        "assigneeEmail": to.email or None,
        "assigneeName": to.name,
        "assigneeType": to.kind,
    }


def _who(to: Assignee | None) -> _Who | None:
    if to is None:
        return None
    return (to.id, None) if to.kind == "user" else (None, to.id)


def _write(piece: Piece, ids: Sequence[int], wanted: _Who | None, now: datetime) -> None:
    if wanted is None:
        GroupAssignee.objects.filter(group__in=ids).delete()
        forget(ids, now)  # so that whoever is suspected may get them, if the project wants that
        return
    user, team = wanted
    GroupAssignee.objects.bulk_create(
        [
            GroupAssignee(group_id=pk, project_id=piece[pk].project_id, user_id=user, team_id=team, date_added=now)
            for pk in ids
        ],
        update_conflicts=True,  # somebody may have inserted it without the lock of the issue
        unique_fields=["group"],
        update_fields=["user_id", "team", "date_added"],
    )


def _tell(groups: Sequence[Group], to: Assignee | None, by: User | None, now: datetime) -> None:
    who = by.pk if by else None
    data = said_of(to) if to is not None else {}
    Activity.objects.bulk_create(
        Activity(
            project_id=group.project_id,
            group=group,
            type=ActivityType.ASSIGNED if to else ActivityType.UNASSIGNED,
            user_id=who,
            datetime=now,
            data=data,
        )
        for group in groups
    )
    status = HistoryStatus.ASSIGNED if to else HistoryStatus.UNASSIGNED
    record([change_of(group, status, who) for group in groups], now)


def _forget(before: Mapping[int, _Who], wanted: _Who | None) -> None:
    """Whoever was told of an issue because it was theirs is not any more, unless they are among those whose it is."""
    stays = _people(wanted)
    lost: dict[int, list[int]] = {}
    for group, who in before.items():
        for user in _people(who) - stays:
            lost.setdefault(user, []).append(group)
    for user, groups in lost.items():
        rows = GroupSubscription.objects.filter(group__in=groups, user_id=user, reason=SubscriptionReason.ASSIGNED)
        rows.filter(is_active=True).delete()


def _follow(groups: Sequence[Group], wanted: _Who | None, now: datetime) -> None:
    people = _people(wanted)
    subscribe(
        [(group.project_id, group.pk, user) for group in groups for user in people], SubscriptionReason.ASSIGNED, now
    )


def _people(who: _Who | None) -> set[int]:
    """The users behind an assignee."""
    user, team = who or (None, None)
    if team is None:
        return {user} if user else set()
    members = OrganizationMemberTeam.objects.filter(team_id=team, is_active=True)
    ids = members.filter(organizationmember__user_id__isnull=False)
    return {pk for pk in ids.values_list("organizationmember__user_id", flat=True) if pk}
