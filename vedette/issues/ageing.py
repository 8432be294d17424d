"""Issues that are resolved because nothing has been heard of them for as long as their project says.

Source: the issue workflow specification, 5.5 with its [V].
"""

from datetime import datetime, timedelta

from django.db import transaction

from vedette.issues import inbox
from vedette.issues.history import Change, record
from vedette.issues.models import Activity, ActivityType, Group, GroupStatus, HistoryStatus
from vedette.projects.models import Project
from vedette.projects.options import projects_with_resolve_age

_STEP = 1000


def resolve_by_age(now: datetime) -> int:
    """Resolve what is old enough; gives the number of issues. Safe to interrupt, and to run twice at once."""
    return sum(_resolve(project, hours, now) for project, hours in sorted(projects_with_resolve_age().items()))


def _resolve(project: int, hours: int, now: datetime) -> int:
    old = Group.objects.filter(
        project_id=project, status=GroupStatus.UNRESOLVED, last_seen__lte=now - timedelta(hours=hours)
    ).order_by("pk")
    organization = Project.objects.values_list("organization_id", flat=True).get(pk=project)
    resolved, after = 0, 0
    while ids := list(old.filter(pk__gt=after).values_list("pk", flat=True)[:_STEP]):
        after = ids[-1]
        with transaction.atomic():
            # One by one and on condition: an event that arrives in between wins, and leaves no entry behind.
            changed = [pk for pk in ids if old.filter(pk=pk).update(**_resolved(now))]
            Activity.objects.bulk_create(
                Activity(
                    project_id=project,
                    group_id=pk,
                    type=ActivityType.SET_RESOLVED_BY_AGE,
                    datetime=now,
                    data={"age": hours},
                )
                for pk in changed
            )
            record([Change(organization, project, pk, HistoryStatus.AUTO_RESOLVED) for pk in changed], now)
            inbox.remove(changed)
        resolved += len(changed)
    return resolved


def _resolved(now: datetime) -> dict[str, object]:
    return {"status": GroupStatus.RESOLVED, "substatus": None, "resolved_at": now}
