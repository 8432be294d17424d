"""Adoption: which releases are really used, found out by the hour from their sessions.

Of an environment's sessions in the last six hours, a release needs a tenth of an even share. Everything here may be
repeated, and done by two nodes at once. Source: the release health specification, 6.5 and 6.6; the release
specification, 13.2 and 13.3.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction
from django.db.models import F

from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import Window
from vedette.projects.models import ObjectStatus, Project, ProjectFlags
from vedette.projects.options import digest_options
from vedette.releases import sightings, versions
from vedette.releases.buried import buried
from vedette.releases.models import ReleaseProjectEnvironment

WINDOW = timedelta(hours=6)
SHARE = 0.1
_PROJECTS_AT_ONCE = 100

Use = tuple[int, str, str]  # project, environment, version


class Stage(Enum):
    """How far a release got in an environment."""

    LOW_ADOPTION = "low_adoption"
    ADOPTED = "adopted"
    REPLACED = "replaced"


def stage_of(adopted: datetime | None, unadopted: datetime | None) -> Stage:
    """The stage of a release whose row says when it was adopted, and when no more."""
    if adopted is None:
        return Stage.LOW_ADOPTION
    return Stage.ADOPTED if unadopted is None else Stage.REPLACED


def note_adoption(store: EventStore, now: datetime) -> int:
    """Mark what is adopted and what is no more, for every project with sessions lately; gives how many are adopted."""
    lately = queries.session_projects(store, now - WINDOW, now)
    rows = Project.objects.filter(pk__in=lately, status=ObjectStatus.ACTIVE).order_by("organization_id", "pk")
    projects = list(rows.only("pk", "organization_id", "flags"))
    adopted = 0
    for start in range(0, len(projects), _PROJECTS_AT_ONCE):
        adopted += _note(store, projects[start : start + _PROJECTS_AT_ONCE], now)
    return adopted


def _note(store: EventStore, projects: Sequence[Project], now: datetime) -> int:
    window = Window(tuple(project.pk for project in projects), now - WINDOW, now)
    used = _used(store, window)
    oldest = queries.session_releases(store, window) if used else {}
    with transaction.atomic():
        _flag(projects)
        _make_missing(projects, used, oldest, now)
        adopted = [row.pk for row in _rows(used)]
        marked = ReleaseProjectEnvironment.objects.filter(pk__in=adopted)
        marked.filter(adopted__isnull=True).update(adopted=now)
        marked.filter(unadopted__isnull=False).update(unadopted=None)
        before = ReleaseProjectEnvironment.objects.filter(
            project__in=[project.pk for project in projects], adopted__isnull=False, unadopted__isnull=True
        )
        left = sorted(set(before.values_list("pk", flat=True)) - set(adopted))
        ReleaseProjectEnvironment.objects.filter(pk__in=left, unadopted__isnull=True).update(unadopted=now)
    return len(adopted)


def _used(store: EventStore, window: Window) -> dict[Use, int]:
    """The uses that have their share, and how many sessions that is. Nobody adopts "no environment"."""
    counts: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for sums in queries.session_sums(store, window, ("project", "environment", "release"), users=False):
        project, environment, release = sums.by
        if environment and sums.totals.sessions > 0:
            counts[project, environment][release] = sums.totals.sessions
    return {
        (project, environment, release): sessions
        for (project, environment), releases in counts.items()
        for release, sessions in releases.items()
        if sessions / sum(releases.values()) >= SHARE / len(releases) and versions.is_valid(release)
    }


def _flag(projects: Sequence[Project]) -> None:
    flag = int(ProjectFlags.HAS_SESSIONS)
    without = [project.pk for project in projects if not project.flags & flag]
    if without:
        Project.objects.filter(pk__in=without).update(flags=F("flags").bitor(flag))


def _make_missing(
    projects: Sequence[Project], used: dict[Use, int], oldest: dict[tuple[int, str], datetime], now: datetime
) -> None:
    """Rows for uses that have none, with their releases, environments and links, as old as their sessions."""
    settings = digest_options([project.pk for project in projects])
    organizations = {project.pk: project.organization_id for project in projects}
    present = {(row.project_id, row.environment.name, row.release.version) for row in _rows(used)}
    gone = buried({(organizations[project], release) for project, _, release in used}, now)
    sightings.record(
        [
            sightings.Sighting(
                organization_id=organizations[project],
                project_id=project,
                version=release,
                dist="",
                environment=environment,
                at=oldest[project, release],
                creates=settings[project].auto_release_creation,
                dates=settings[project].release_date_from_events,
            )
            for project, environment, release in sorted(used.keys() - present)
            if project in settings and (organizations[project], release) not in gone
        ]
    )


def _rows(used: dict[Use, int]) -> list[ReleaseProjectEnvironment]:
    found = ReleaseProjectEnvironment.objects.filter(
        project__in={project for project, _, _ in used},
        environment__name__in={environment for _, environment, _ in used},
        release__version__in={release for _, _, release in used},
    )
    rows = found.select_related("release", "environment").order_by("pk")
    return [row for row in rows if (row.project_id, row.environment.name, row.release.version) in used]
