"""Who is probably responsible for an issue: whoever wrote a suspect commit.

Kept beside the issue for those who ask for its owners, and given the issue where its project wants that.
Source: the issue workflow specification, 8.2 and 13.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from vedette.core.errors import RuleBroken
from vedette.core.sql import insert_if_missing
from vedette.issues.assignees import Assignee, check_access, parse_assignee
from vedette.issues.assigning import said_of
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    VISIBLE_STATUSES,
    Activity,
    ActivityType,
    Group,
    GroupAssignee,
    GroupOwner,
    HistoryStatus,
    OwnerType,
    SubscriptionReason,
)
from vedette.issues.subscriptions import subscribe
from vedette.orgs.models import InviteStatus, OrganizationMember
from vedette.projects.options import ASSIGN_SUSPECTS, AUTO_ASSIGNMENT, get_option

MOST_SUSPECTED = 2
FRESH = timedelta(days=7)
SUSPECT_COMMITTER = "suspectCommitter"


@dataclass(frozen=True, slots=True)
class Suspected:
    """A member, and the commit (its id) that they are suspected for."""

    user_id: int
    commit_id: int


def fresh_suspects(group: Group, now: datetime) -> list[int]:
    """The members (ids) who have been suspected lately, the likeliest first."""
    rows = GroupOwner.objects.filter(group=group, type=OwnerType.SUSPECT_COMMIT, date_added__gt=now - FRESH)
    return [pk for pk in rows.order_by("pk").values_list("user_id", flat=True) if pk]


@transaction.atomic
def suspect(group: Group, found: Sequence[Suspected], now: datetime) -> None:
    """Keep whom `found` names, the likeliest first, as owners of the issue: two at most, of whom one who was suspected
    longer ago than a week makes room for another."""
    if not _lock(group):
        return
    rows = list(GroupOwner.objects.filter(group=group, type=OwnerType.SUSPECT_COMMIT).order_by("date_added", "pk"))
    known = {row.user_id: row for row in rows}
    wanted = {one.user_id for one in found}
    for one in found:
        row = known.get(one.user_id)
        if row is None and len(known) >= MOST_SUSPECTED:
            row = next((old for old in rows if old.date_added <= now - FRESH and old.user_id not in wanted), None)
            if row is None:
                continue
            rows.remove(row)
            known.pop(row.user_id)
        row = row or GroupOwner(
            organization_id=group.project.organization_id,
            project_id=group.project_id,
            group=group,
            type=OwnerType.SUSPECT_COMMIT,
        )
        row.user_id, row.context, row.date_added = one.user_id, {"commitId": one.commit_id}, now
        row.save()
        known[one.user_id] = row


def assign_suspect(group: Group, user_ids: Sequence[int], now: datetime) -> bool:
    """Give an issue that nobody has to the first of these members who may have it, if its project wants that and no
    person has the last word about whose it is; whether it was given."""
    if not user_ids or get_option(group.project, AUTO_ASSIGNMENT) != ASSIGN_SUSPECTS:
        return False
    with transaction.atomic():
        if not _lock(group) or _said_by_a_person(group):
            return False
        to = next((who for pk in user_ids if (who := _able(group, pk))), None)
        row = GroupAssignee(group=group, project_id=group.project_id, user_id=to.id if to else None, date_added=now)
        if to is None or not insert_if_missing(row):
            return False
        Activity.objects.create(
            project_id=group.project_id,
            group=group,
            type=ActivityType.ASSIGNED,
            datetime=now,
            data={**said_of(to), "integration": SUSPECT_COMMITTER},
        )
        record([change_of(group, HistoryStatus.ASSIGNED, None)], now)
        subscribe([(group.project_id, group.pk, to.id)], SubscriptionReason.ASSIGNED, now)
    return True


def owners_of(groups: Iterable[Group]) -> dict[int, list[GroupOwner]]:
    """The owners of each issue that has any: teams, and users who are still members. Two queries."""
    rows = list(GroupOwner.objects.filter(group__in=[group.pk for group in groups]).order_by("type", "pk"))
    members = OrganizationMember.objects.filter(
        organization_id__in={row.organization_id for row in rows},
        user_id__in={row.user_id for row in rows if row.user_id},
        invite_status=InviteStatus.APPROVED,
    )
    there = set(members.values_list("organization_id", "user_id")) if rows else set()
    found: dict[int, list[GroupOwner]] = {}
    for row in rows:
        if row.team_id or (row.organization_id, row.user_id) in there:
            found.setdefault(row.group_id, []).append(row)
    return found


def _lock(group: Group) -> bool:
    """Lock the issue's row; False for one that is going."""
    rows = Group.objects.select_for_update(no_key=True).filter(pk=group.pk, status__in=VISIBLE_STATUSES)
    return bool(list(rows.values_list("pk", flat=True)))


def _said_by_a_person(group: Group) -> bool:
    """Whether the issue was last given to somebody by a person; taking it away again leaves that behind."""
    entries = Activity.objects.filter(group=group, type__in=(ActivityType.ASSIGNED, ActivityType.UNASSIGNED))
    last = entries.order_by("-datetime", "-pk").first()
    return last is not None and last.type == ActivityType.ASSIGNED and last.user_id is not None


def _able(group: Group, user_id: int) -> Assignee | None:
    """The member, if the issue may be theirs."""
    try:
        to = parse_assignee(f"user:{user_id}", group.project.organization)
        check_access(to, [group.project])
    except RuleBroken:
        return None
    return to
