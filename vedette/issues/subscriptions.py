"""Who is told about an issue. Source: the issue workflow specification, 8.3."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from vedette.accounts.models import User
from vedette.issues.models import Group, GroupSubscription, SubscriptionReason

Subscriber = tuple[int, int, int]  # project, issue, user


def subscribe(subscribers: Iterable[Subscriber], reason: SubscriptionReason, now: datetime) -> None:
    """Tell these users about these issues from now on, unless they asked not to be told. One statement."""
    GroupSubscription.objects.bulk_create(
        [
            GroupSubscription(project_id=project, group_id=group, user_id=user, reason=reason, date_added=now)
            for project, group, user in sorted(set(subscribers))
        ],
        ignore_conflicts=True,
    )


def subscribe_user(
    user: User,
    groups: Sequence[Group],
    now: datetime,
    reason: SubscriptionReason = SubscriptionReason.STATUS_CHANGE,
) -> None:
    """The same for one user, who for example has changed these issues."""
    subscribe([(group.project_id, group.pk, user.pk) for group in groups], reason, now)


def set_subscribed(groups: Sequence[Group], user: User, now: datetime, *, wanted: bool) -> None:
    """The user asks to be told about these issues, or not to be told, whatever happens to them."""
    GroupSubscription.objects.bulk_create(
        [
            GroupSubscription(
                project_id=group.project_id,
                group_id=group.pk,
                user_id=user.pk,
                is_active=wanted,
                reason=SubscriptionReason.UNKNOWN,
                date_added=now,
            )
            for group in sorted(groups, key=lambda group: group.pk)
        ],
        update_conflicts=True,
        unique_fields=["group", "user_id"],
        update_fields=["is_active", "reason"],
    )


def unsubscribe(groups: Sequence[Group], user_id: int, reason: SubscriptionReason | None = None) -> None:
    """Forget that the user is told about these issues, or only that they are for one reason; a refusal stays then."""
    rows = GroupSubscription.objects.filter(group__in=[group.pk for group in groups], user_id=user_id)
    (rows.filter(reason=reason, is_active=True) if reason is not None else rows).delete()
