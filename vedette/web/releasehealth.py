"""One release's health in full: in one of its projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.core import clock
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.queries.sessions import SessionEdges
from vedette.events.rows import SessionTotals, Window
from vedette.projects.models import Project
from vedette.releases import rates
from vedette.releases.adoption import Stage, stage_of
from vedette.releases.health import (
    KNOWN_DAYS,
    CrashFree,
    Milestone,
    ReleaseHealth,
    breakdown,
    release_health,
    summary_span,
)
from vedette.releases.models import Release, ReleaseProjectEnvironment
from vedette.releases.periods import last
from vedette.web.charts import Chart, bars
from vedette.web.releasefilters import STAGES, ReleaseFilters, question_of


@dataclass(frozen=True, slots=True)
class EnvironmentLine(CrashFree):
    """How a release does in one environment."""

    name: str
    totals: SessionTotals
    stage: str


@dataclass(frozen=True, slots=True)
class HealthPanel:
    """The health of one release in one project; `statuses` are (name, sessions, users)."""

    health: ReleaseHealth
    chart: Chart
    statuses: tuple[tuple[str, int, int], ...]
    environments: tuple[EnvironmentLine, ...]
    milestones: tuple[Milestone, ...]
    edges: SessionEdges | None


def load_panel(filters: ReleaseFilters, project: Project, release: Release) -> HealthPanel | None:
    """One release's health; None while the event store is away."""
    now = clock.now()
    asked = question_of(filters, [project], now)
    key = (project.pk, release.version)
    window = Window((project.pk,), *summary_span(asked.summary, now), asked.environments)
    known = Window((project.pk,), *last(KNOWN_DAYS, now), asked.environments)
    try:
        store = event_store()
        health = release_health(store, asked, [key])[key]
        divided = queries.session_sums(store, window, ("environment",), releases=[release.version])
        milestones = breakdown(store, asked, release.version)
        edges = queries.session_edges(store, known, [release.version]).get(key)
    except StoreUnavailable:
        return None
    sessions, users = rates.sessions_by_status(health.totals), rates.users_by_status(health.totals)
    stages = _environment_stages(release, project)
    return HealthPanel(
        health=health,
        chart=bars(health.stats, width=640, height=96, unit="session"),
        statuses=tuple((name, sessions[name], users[name]) for name in rates.STATUSES),
        environments=tuple(
            EnvironmentLine(sums.by[0], sums.totals, STAGES[stages.get(sums.by[0], Stage.LOW_ADOPTION)])
            for sums in divided
        ),
        milestones=tuple(milestones),
        edges=edges,
    )


def busiest(projects: Sequence[Project], release: Release) -> Project:
    """Which of the release's projects told most sessions of it; the first of them where none did, or nobody can say."""
    if len(projects) == 1:
        return projects[0]
    known = Window(tuple(project.pk for project in projects), *last(KNOWN_DAYS, clock.now()))
    try:
        found = queries.session_sums(event_store(), known, ("project",), releases=[release.version], users=False)
    except StoreUnavailable:
        return projects[0]
    told = {int(sums.by[0]): sums.totals.sessions for sums in found}
    return max(projects, key=lambda project: told.get(project.pk, 0))


def _environment_stages(release: Release, project: Project) -> dict[str, Stage]:
    rows = ReleaseProjectEnvironment.objects.filter(release=release, project=project).select_related("environment")
    return {row.environment.name: stage_of(row.adopted, row.unadopted) for row in rows}
