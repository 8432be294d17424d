"""Comments on issues.

Source: the issue workflow specification, 8.5.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.issues.models import Activity, ActivityType, Group, SubscriptionReason
from vedette.issues.subscriptions import subscribe_user, unsubscribe

LONGEST_TEXT = 50_000
SAME_WITHIN = timedelta(hours=1)


def add_note(group: Group, by: User, text: str, now: datetime | None = None) -> Activity:
    """Add a comment, count it, and tell its author about the issue from then on. Raises `RuleBroken` for an empty or
    endless text, and for one said just before."""
    moment = now or clock.now()
    text = _checked(text)
    own = Activity.objects.filter(group=group, type=ActivityType.NOTE, user_id=by.pk)
    if any(note.data.get("text") == text for note in own.filter(datetime__gte=moment - SAME_WITHIN)):
        raise RuleBroken("You have already posted that comment.")
    with transaction.atomic():
        note = Activity.objects.create(
            project_id=group.project_id,
            group=group,
            type=ActivityType.NOTE,
            user_id=by.pk,
            datetime=moment,
            data={"text": text},
        )
        Group.objects.filter(pk=group.pk).update(num_comments=F("num_comments") + 1)
        subscribe_user(by, [group], moment, SubscriptionReason.COMMENT)
    group.num_comments += 1
    return note


def own_note(group: Group, by: User, note_id: int) -> Activity | None:
    """The user's own comment on the issue with this id."""
    return Activity.objects.filter(pk=note_id, group=group, type=ActivityType.NOTE, user_id=by.pk).first()


def change_note(note: Activity, text: str) -> None:
    """Let the comment say something else. Raises `RuleBroken` as `add_note` does."""
    note.data = {**note.data, "text": _checked(text)}
    note.save(update_fields=["data"])


def delete_note(group: Group, by: User, note: Activity) -> bool:
    """Delete a comment of `by`; False if it was gone before. With their last one they are no longer told about the
    issue for having commented."""
    with transaction.atomic():
        if not Activity.objects.filter(pk=note.pk).delete()[0]:
            return False
        Group.objects.filter(pk=group.pk, num_comments__gt=0).update(num_comments=F("num_comments") - 1)
        if not Activity.objects.filter(group=group, type=ActivityType.NOTE, user_id=by.pk).exists():
            unsubscribe([group], by.pk, SubscriptionReason.COMMENT)
    group.num_comments = max(group.num_comments - 1, 0)
    return True


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise RuleBroken({"text": ["This field may not be blank."]})
    if len(text) > LONGEST_TEXT:
        raise RuleBroken({"text": [f"Ensure this field has no more than {LONGEST_TEXT} characters."]})
    return text
