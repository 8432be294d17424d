"""Releases that only sessions know: made when somebody looks at a list, at most once a minute for a project.

Sessions write no rows while they are digested. Source: the release specification, 13.1 with its [V].
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import Window
from vedette.projects.models import Project, ProjectFlags
from vedette.projects.options import digest_options
from vedette.releases import sightings, versions
from vedette.releases.buried import buried
from vedette.releases.models import ReleaseProject

EVERY_SECONDS = 60
LATELY = timedelta(days=3)
OLDEST = timedelta(days=90)
AHEAD = timedelta(minutes=5)


def backfill(store: EventStore, projects: Sequence[Project], now: datetime) -> int:
    """Make the releases of the last three days' sessions that are not there, dated by their oldest; how many.

    Of several that ask within a minute the first does it. Raises `StoreUnavailable`, and then the next may try.
    """
    keys = {project.pk: f"debounce-health:{project.pk}" for project in projects}
    with_sessions = [project for project in projects if project.flags & ProjectFlags.HAS_SESSIONS]
    due = [project for project in with_sessions if cache.add(keys[project.pk], 1, EVERY_SECONDS)]
    if not due:
        return 0
    try:
        return _backfill(store, due, now)
    except BaseException:
        cache.delete_many([keys[project.pk] for project in due])
        raise


def _backfill(store: EventStore, projects: Sequence[Project], now: datetime) -> int:
    ids = tuple(project.pk for project in projects)
    lately = queries.session_releases(store, Window(ids, now - LATELY, now + AHEAD))
    linked = ReleaseProject.objects.filter(project__in=ids, release__version__in={version for _, version in lately})
    missing = lately.keys() - set(linked.values_list("project_id", "release__version"))
    if not missing:
        return 0
    settings = digest_options(sorted({project for project, _ in missing}))
    owners = {project: found.organization_id for project, found in settings.items()}
    named = [key for key in sorted(missing) if key[0] in owners and versions.is_valid(key[1])]
    gone = buried({(owners[project], version) for project, version in named}, now)
    wanted = [(project, version) for project, version in named if (owners[project], version) not in gone]
    oldest = queries.session_edges(store, Window(ids, now - OLDEST, now + AHEAD), [version for _, version in wanted])
    with transaction.atomic():
        made = sightings.record_releases(
            [
                sightings.Sighting(
                    organization_id=settings[project].organization_id,
                    project_id=project,
                    version=version,
                    dist="",
                    environment="",
                    at=oldest[project, version].first if (project, version) in oldest else lately[project, version],
                    creates=settings[project].auto_release_creation,
                    dates=settings[project].release_date_from_events,
                )
                for project, version in wanted
            ]
        )
    return len(made)
