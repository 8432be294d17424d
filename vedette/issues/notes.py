"""Comments on issues.

Source: the issue workflow specification, 8.5.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.issues.models import Activity, ActivityType, Group

LONGEST_TEXT = 50_000
SAME_WITHIN = timedelta(hours=1)


def add_note(group: Group, by: User, text: str, now: datetime | None = None) -> Activity:
    """Add a comment and count it. Raises `RuleBroken` for an empty or endless text, and for one said just before."""
    moment = now or clock.now()
    text = text.strip()
    if not text:
        raise RuleBroken({"text": ["This field may not be blank."]})
    if len(text) > LONGEST_TEXT:
        raise RuleBroken({"text": [f"Ensure this field has no more than {LONGEST_TEXT} characters."]})
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
    group.num_comments += 1
    return note
