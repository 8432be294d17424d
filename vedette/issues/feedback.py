"""What people say about an event, kept beside its issue. One report for each event; it may come before the event."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from vedette.core import clock
from vedette.core.errors import VedetteError
from vedette.issues.models import Group, UserReport
from vedette.projects.models import Project

AMENDABLE_FOR = timedelta(minutes=5)


class AlreadyReported(VedetteError):
    """Somebody has reported about this event, too long ago to be amended; the API answers 409."""

    code = "already-reported"


def report(
    project: Project,
    event_id: str,
    *,
    name: str,
    email: str,
    comments: str,
    group: Group | None = None,
    now: datetime | None = None,
) -> UserReport:
    """Keep what a person said; said again within five minutes it replaces itself. Raises `AlreadyReported`."""
    moment = now or clock.now()
    values = {"name": name, "email": email, "comments": comments}
    try:
        with transaction.atomic():
            return UserReport.objects.create(
                project=project, event_id=event_id, group=group, date_added=moment, **values
            )
    except IntegrityError:
        rows = UserReport.objects.filter(project=project, event_id=event_id)
        if not rows.filter(date_added__gte=moment - AMENDABLE_FOR).update(**values):
            raise AlreadyReported("Feedback for this event cannot be modified.") from None
        return rows.get()
