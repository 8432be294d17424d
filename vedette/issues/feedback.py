"""What people say about an event, kept beside its issue. One report for each event; it may come before the event.

Source: the ingest specification, 6.5 and 14.20.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from vedette.core import clock
from vedette.core.errors import VedetteError
from vedette.issues.models import VISIBLE_STATUSES, EventAttachment, Group, UserReport
from vedette.projects.flags import set_flag
from vedette.projects.models import Environment, Project, ProjectFlags

AMENDABLE_FOR = timedelta(minutes=5)
ASKED_FOR = timedelta(minutes=30)  # after an event; who reports later speaks of something else


class AlreadyReported(VedetteError):
    """It is too late to say something about this event, or to say it differently; the API answers 409."""

    code = "already-reported"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the event that somebody speaks of."""

    group: Group | None
    happened_at: datetime
    environment: str


def report(
    project: Project,
    event_id: str,
    *,
    name: str,
    email: str,
    comments: str,
    event: Known | None = None,
    now: datetime | None = None,
) -> UserReport:
    """Keep what a person said; said again within five minutes it replaces itself.

    Raises `AlreadyReported`, also for an event (None: not known yet) of more than half an hour ago.
    """
    moment = now or clock.now()
    if event and event.happened_at < moment - ASKED_FOR:
        raise _too_late()
    set_flag([project.pk], ProjectFlags.HAS_FEEDBACKS)
    values = {"name": name, "email": email, "comments": comments, "date_added": moment, **_place(project, event)}
    try:
        with transaction.atomic():
            return UserReport.objects.create(project=project, event_id=event_id, **values)
    except IntegrityError:
        rows = UserReport.objects.filter(project=project, event_id=event_id)
        if not rows.filter(date_added__gte=moment - AMENDABLE_FOR).update(**values):
            raise _too_late() from None
        return rows.get()


def reports_of(projects: QuerySet[Project]) -> QuerySet[UserReport]:
    """What people said in these projects, newest first; not about issues that are being deleted."""
    rows = UserReport.objects.filter(project__in=projects).select_related("project", "group__project")
    hidden = Group.objects.exclude(status__in=VISIBLE_STATUSES).values("pk")
    return rows.exclude(group__in=hidden).order_by("-date_added", "-pk")


def files_of(reports: list[UserReport], most: int) -> dict[int, list[EventAttachment]]:
    """The files of the events that the reports speak of, at most `most` in all, by the report's key."""
    by_event = {(one.project_id, one.event_id): one.pk for one in reports}
    rows = EventAttachment.objects.filter(
        project_id__in={project for project, _ in by_event}, event_id__in={event_id for _, event_id in by_event}
    )
    found: dict[int, list[EventAttachment]] = {}
    for file in rows.order_by("pk")[:most]:
        if (file.project_id, file.event_id) in by_event:
            found.setdefault(by_event[file.project_id, file.event_id], []).append(file)
    return found


def _place(project: Project, event: Known | None) -> dict[str, object]:
    if event is None:
        return {}
    environment = Environment.objects.filter(organization_id=project.organization_id, name=event.environment).first()
    return {"group": event.group, "environment_id": environment.pk if environment else None}


def _too_late() -> AlreadyReported:
    return AlreadyReported("Feedback for this event cannot be modified.")
