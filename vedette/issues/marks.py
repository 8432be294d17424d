"""What single people say about issues: that they have seen them, keep an eye on them, and are told about them.

Source: the issue workflow specification, 8.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues.models import Group, GroupBookmark, GroupSeen, GroupSubscription, SubscriptionReason
from vedette.issues.subscriptions import subscribe_user, unsubscribe
from vedette.orgs.models import OrganizationMemberTeam
from vedette.projects.models import ProjectTeam


@dataclass(frozen=True, slots=True)
class Marks:
    """What a user said about an issue. `reason` is why they are told about it, None if they are not."""

    is_bookmarked: bool = False
    has_seen: bool = False
    reason: SubscriptionReason | None = None


NONE = Marks()


def marks_of(groups: Sequence[Group], user: User | None) -> dict[int, Marks]:
    """What the user said about each of these issues: three statements, however many."""
    if user is None or not groups:
        return {}
    own = {"group__in": [group.pk for group in groups], "user_id": user.pk}
    bookmarked = set(GroupBookmark.objects.filter(**own).values_list("group_id", flat=True))
    seen = set(GroupSeen.objects.filter(**own).values_list("group_id", flat=True))
    told = dict(GroupSubscription.objects.filter(**own, is_active=True).values_list("group_id", "reason"))
    return {
        pk: Marks(pk in bookmarked, pk in seen, SubscriptionReason(told[pk]) if pk in told else None)
        for pk in bookmarked | seen | told.keys()
    }


def set_bookmarked(groups: Sequence[Group], user: User, *, wanted: bool, now: datetime | None = None) -> None:
    """Keep an eye on these issues, and be told about them; or do neither."""
    moment = now or clock.now()
    if not wanted:
        GroupBookmark.objects.filter(group__in=[group.pk for group in groups], user_id=user.pk).delete()
        unsubscribe(groups, user.pk)
        return
    GroupBookmark.objects.bulk_create(
        [
            GroupBookmark(project_id=group.project_id, group=group, user_id=user.pk, date_added=moment)
            for group in _in_order(groups)
        ],
        ignore_conflicts=True,
    )
    subscribe_user(user, groups, moment, SubscriptionReason.BOOKMARK)


def set_seen(groups: Sequence[Group], user: User, *, wanted: bool, now: datetime | None = None) -> None:
    """Remember that the user has seen these issues, as far as they belong to one of their teams; or forget it."""
    if not wanted:
        GroupSeen.objects.filter(group__in=[group.pk for group in groups], user_id=user.pk).delete()
        return
    teams = OrganizationMemberTeam.objects.filter(organizationmember__user_id=user.pk, is_active=True).values("team")
    projects = {group.project_id for group in groups}
    own = set(ProjectTeam.objects.filter(project__in=projects, team__in=teams).values_list("project_id", flat=True))
    moment = now or clock.now()
    GroupSeen.objects.bulk_create(
        [
            GroupSeen(project_id=group.project_id, group=group, user_id=user.pk, last_seen=moment)
            for group in _in_order(groups)
            if group.project_id in own
        ],
        update_conflicts=True,
        unique_fields=["group", "user_id"],
        update_fields=["last_seen"],
    )


def seen_by(group: Group) -> list[int]:
    """The users who have seen the issue, who looked last first."""
    return list(GroupSeen.objects.filter(group=group).order_by("-last_seen").values_list("user_id", flat=True)[:100])


def told_about(group: Group) -> list[int]:
    """The users who are told about the issue."""
    rows = GroupSubscription.objects.filter(group=group, is_active=True).order_by("pk")
    return list(rows.values_list("user_id", flat=True)[:100])


def _in_order(groups: Sequence[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: group.pk)
