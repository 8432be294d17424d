"""The health of a release in a project.

Source: the release specification, 6.1 and 13.
"""

from collections.abc import Collection
from typing import TypedDict

from vedette.api.shapes.base import Moment, z
from vedette.releases.adoption import Stage, stage_of
from vedette.releases.health import ReleaseHealth
from vedette.releases.models import ReleaseProjectEnvironment


class HealthShape(TypedDict):
    """Durations in seconds, rates in per cent, null where nobody can say. `stats` are pairs of Unix seconds and a
    count, under their period."""

    durationP50: float | None
    durationP90: float | None
    crashFreeUsers: float | None
    crashFreeSessions: float | None
    sessionsCrashed: int
    sessionsErrored: int
    totalUsers: int
    totalUsers24h: int
    totalProjectUsers24h: int
    totalSessions: int
    totalSessions24h: int
    totalProjectSessions24h: int
    adoption: float | None
    sessionsAdoption: float | None
    stats: dict[str, list[tuple[int, int]]]
    hasHealthData: bool


class StageShape(TypedDict):
    """How far a release got in a project."""

    stage: str
    adopted: Moment | None
    unadopted: Moment | None


def as_health(health: ReleaseHealth, period: str) -> HealthShape:
    """The health, its series under the name of their period."""
    return {
        "durationP50": health.duration(0),
        "durationP90": health.duration(2),
        "crashFreeUsers": health.crash_free_users,
        "crashFreeSessions": health.crash_free_sessions,
        "sessionsCrashed": health.totals.crashed,
        "sessionsErrored": health.sessions_errored,
        "totalUsers": health.totals.users,
        "totalUsers24h": health.day.users,
        "totalProjectUsers24h": health.project_day.users,
        "totalSessions": health.totals.sessions,
        "totalSessions24h": health.day.sessions,
        "totalProjectSessions24h": health.project_day.sessions,
        "adoption": health.adoption,
        "sessionsAdoption": health.sessions_adoption,
        "stats": {period: list(health.stats)},
        "hasHealthData": health.has_data,
    }


def stages(
    release_ids: Collection[int], project_ids: Collection[int], environments: tuple[str, ...]
) -> dict[tuple[int, int], StageShape]:
    """How far each (release, project) got; of several environments the one in which it got farthest."""
    rows = ReleaseProjectEnvironment.objects.filter(release__in=release_ids, project__in=project_ids)
    if environments:
        rows = rows.filter(environment__name__in=environments)
    rank = {Stage.LOW_ADOPTION: 0, Stage.REPLACED: 1, Stage.ADOPTED: 2}
    found: dict[tuple[int, int], tuple[int, StageShape]] = {}
    for row in rows.order_by("pk"):
        stage = stage_of(row.adopted, row.unadopted)
        known = found.get((row.release_id, row.project_id))
        if known is None or rank[stage] > known[0]:
            shape = StageShape(stage=stage.value, adopted=z(row.adopted), unadopted=z(row.unadopted))
            found[row.release_id, row.project_id] = (rank[stage], shape)
    return {key: shape for key, (_, shape) in found.items()}
