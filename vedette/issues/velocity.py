"""New issues that come too fast: faster than nearly all that their project had in the last week.

Only where the project says so. What is too fast is computed once a day by a job, from how many events an hour the
issues of the week had; a batch reads that number together with the few of its issues that could be meant.
Source: the issue workflow specification, 4.6 with its [V].
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction

from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import Window
from vedette.issues import inbox
from vedette.issues.history import Change, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    InboxReason,
    ProjectVelocity,
)
from vedette.issues.priorities import raise_priority
from vedette.projects.options import ESCALATE_NEW_ISSUES, projects_with

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
KEPT = 2 * DAY
LEAST_EVENTS = 10  # of an issue that may come too fast
LEAST_COUNTED = 2  # events of the week, of an issue that says how fast is usual
PERCENTILE = 95
MOST_LOOKED_AT = 100_000  # issues of a project: its youngest


def escalate_fast(arrived: Mapping[int, str], projects: Collection[int], now: datetime) -> list[int]:
    """Let those of the issues escalate that are new and come too fast; their ids. `arrived` are their newest events
    (ids), `projects` those that want it. One query where there is nothing to do."""
    young = Group.objects.filter(
        pk__in=list(arrived),
        project__in=projects,
        status=GroupStatus.UNRESOLVED,
        substatus=GroupSubStatus.NEW,
        first_seen__gt=now - DAY,
        times_seen__gte=LEAST_EVENTS,
    )
    groups = list(young.select_related("project").order_by("pk"))
    if not groups:
        return []
    rows = ProjectVelocity.objects.filter(project__in=projects, threshold__gt=0, made_at__gt=now - KEPT)
    usual = dict(rows.values_list("project_id", "threshold"))
    fast = [group for group in groups if group.project_id in usual and rate_of(group, now) > usual[group.project_id]]
    return [group.pk for group in fast if _escalate(group, usual[group.project_id], arrived[group.pk], now)]


def rate_of(group: Group, now: datetime) -> float:
    """How many events an hour an issue had since it began; within its first hour, how many it had."""
    return group.times_seen / max((now - group.first_seen) / HOUR, 1)


def make_thresholds(store: EventStore, now: datetime) -> int:
    """Measure what is usual, where that was not done for a day; in how many projects. Raises `StoreUnavailable`: then
    the last number holds, until it is two days old."""
    ProjectVelocity.objects.filter(made_at__lte=now - KEPT).delete()
    wanting = projects_with(ESCALATE_NEW_ISSUES)
    known = ProjectVelocity.objects.filter(project__in=wanting, made_at__gt=now - DAY)
    stale = wanting - set(known.values_list("project_id", flat=True))
    for project in sorted(stale):
        row = ProjectVelocity(project_id=project, threshold=usual_rate(store, project, now), made_at=now)
        ProjectVelocity.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["project"], update_fields=["threshold", "made_at"]
        )
    return len(stale)


def usual_rate(store: EventStore, project_id: int, now: datetime) -> float:
    """How many events an hour 95 of 100 issues of the last week did not exceed; 0 where nothing is known.

    An issue counts from its beginning or, if it is older, for the whole week; one that is younger than an hour says
    nothing yet.
    """
    counts = queries.frequent_issues(store, Window((project_id,), now - WEEK, now), LEAST_COUNTED, MOST_LOOKED_AT)
    young = Group.objects.filter(project=project_id, first_seen__gt=now - WEEK).order_by("-pk")
    began = dict(young.values_list("pk", "first_seen")[:MOST_LOOKED_AT])
    ages = {group: now - began[group] if group in began else WEEK for group in counts}
    return percentile([count / (ages[group] / HOUR) for group, count in counts.items() if ages[group] >= HOUR])


def percentile(rates: Collection[float]) -> float:
    """The rate that 95 of 100 do not exceed; 0 of none. Pure."""
    ranked = sorted(rates)
    return ranked[ceil(len(ranked) * PERCENTILE / 100) - 1] if ranked else 0.0


@transaction.atomic
def _escalate(group: Group, usual: float, event_id: str, now: datetime) -> bool:
    """Of several nodes the one whose update changes the issue tells it; whoever changed it meanwhile keeps the word."""
    rows = Group.objects.filter(pk=group.pk, status=GroupStatus.UNRESOLVED, substatus=GroupSubStatus.NEW)
    if not rows.update(substatus=GroupSubStatus.ESCALATING):
        return False
    organization = group.project.organization_id
    inbox.add([(organization, group.project_id, group.pk)], InboxReason.ESCALATING, now)
    Activity.objects.create(
        project_id=group.project_id,
        group=group,
        type=ActivityType.SET_ESCALATING,
        datetime=now,
        data={"event_id": event_id, "per_hour": round(usual, 2)},
    )
    record([Change(organization, group.project_id, group.pk, HistoryStatus.ESCALATING)], now)
    raise_priority(group, now)
    return True
