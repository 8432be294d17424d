"""The list of projects: what happened in each in the last 24 hours, and what is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count

from vedette.core import clock
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import Window
from vedette.issues.models import Group, GroupStatus
from vedette.orgs.access import Access
from vedette.projects.access import reachable_projects
from vedette.projects.models import Project
from vedette.web.charts import Chart, bars

_HOUR = 3600
_MOST_PROJECTS = 1000


@dataclass(frozen=True, slots=True)
class ListedProject:
    """One line. `chart` is None when the event store is away."""

    project: Project
    unresolved: int
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class ProjectList:
    """Every project that somebody reaches, by slug."""

    rows: tuple[ListedProject, ...]
    is_away: bool


def list_projects(access: Access) -> ProjectList:
    """The projects that the caller reaches; one query of the event store, however many."""
    projects = list(reachable_projects(access).order_by("slug")[:_MOST_PROJECTS])
    counts = (
        Group.objects.filter(project__in=projects, status=GroupStatus.UNRESOLVED)
        .values("project")
        .annotate(number=Count("pk"))
    )
    unresolved = {row["project"]: row["number"] for row in counts.order_by()}
    series = _series([project.pk for project in projects])
    return ProjectList(
        rows=tuple(
            ListedProject(
                project,
                unresolved.get(project.pk, 0),
                bars(series[project.pk], width=168, height=26) if series else None,
            )
            for project in projects
        ),
        is_away=series is None,
    )


def _series(project_ids: list[int]) -> dict[int, list[tuple[int, int]]] | None:
    """Events by hour for each project over the last 24 hours; None when nobody can say."""
    if not project_ids:
        return {}
    last = int(clock.now().timestamp()) // _HOUR * _HOUR
    start = clock.from_unix(last - 23 * _HOUR)
    window = Window(tuple(project_ids), start, start + timedelta(hours=24))
    try:
        counts = queries.project_series(event_store(), window, _HOUR)
    except StoreUnavailable:
        return None
    starts = queries.bucket_starts(window, _HOUR)
    return {project_id: list(zip(starts, values, strict=True)) for project_id, values in counts.items()}
