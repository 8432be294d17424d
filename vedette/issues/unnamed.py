"""Releases and environments that strangers made up, and that nothing stored names any more.

Telemetry may make so many of each in a project (`vedette.releases.bounds`), so names that are ids would keep real ones
out for good. Where the room gets short, those go which no event, issue or person speaks of. They come back if named.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet

from vedette.core.pieces import pieces
from vedette.events.client import EventStore
from vedette.events.queries.names import names_in_use
from vedette.issues.models import Group, GroupEnvironment, GroupRelease, GroupResolution, GroupResolutionRelease
from vedette.projects.models import Environment, EnvironmentProject
from vedette.releases import bounds
from vedette.releases.models import Release, ReleaseProject, ReleaseStatus


def forget_unnamed(store: EventStore, projects: Sequence[int], since: datetime) -> int:
    """Delete what an organization's projects have not named since, and what nobody else cares for; how many rows.

    Only of projects that have used up half of their room."""
    return _forget_environments(store, projects, since) + _forget_releases(store, projects, since)


def _crowded(links: type[Model], projects: Sequence[int], most: int) -> list[int]:
    rows = links._default_manager.filter(project_id__in=projects).order_by().values_list("project_id")
    return [project for project, number in rows.annotate(number=Count("pk")) if number > most // 2]


def _forget_environments(store: EventStore, projects: Sequence[int], since: datetime) -> int:
    crowded = _crowded(EnvironmentProject, projects, bounds.MAX_ENVIRONMENTS)
    if not crowded:
        return 0
    named = EnvironmentProject.objects.filter(environment=OuterRef("pk"))
    rows = Environment.objects.filter(
        Exists(named.filter(project_id__in=crowded)),
        ~Exists(named.filter(is_hidden__isnull=False)),
        ~Exists(GroupEnvironment.objects.filter(environment=OuterRef("pk"))),
        date_added__lt=since,
    ).exclude(name="")
    return _delete(rows, "name", names_in_use(store, projects, "environment"))


def _forget_releases(store: EventStore, projects: Sequence[int], since: datetime) -> int:
    crowded = _crowded(ReleaseProject, projects, bounds.MAX_RELEASES)
    if not crowded:
        return 0
    rows = Release.objects.filter(
        Q(commit_count=0) | Q(commit_count=None),
        Q(total_deploys=0) | Q(total_deploys=None),
        Q(status=ReleaseStatus.OPEN) | Q(status=None),
        Exists(ReleaseProject.objects.filter(release=OuterRef("pk"), project_id__in=crowded)),
        ~Exists(Group.objects.filter(first_release=OuterRef("pk"))),
        ~Exists(GroupEnvironment.objects.filter(first_release=OuterRef("pk"))),
        ~Exists(GroupRelease.objects.filter(release=OuterRef("pk"))),
        ~Exists(GroupResolution.objects.filter(release=OuterRef("pk"))),
        ~Exists(GroupResolutionRelease.objects.filter(release=OuterRef("pk"))),
        date_added__lt=since,
        date_released=None,
        date_started=None,
        ref=None,
        url=None,
        owner_id=None,
        last_commit_id=None,
        last_deploy_id=None,
        user_agent=None,
    )
    return _delete(rows, "version", names_in_use(store, projects, "release"))


def _delete(rows: QuerySet[Any], column: str, used: set[str]) -> int:
    going = [pk for pk, name in rows.order_by("pk").values_list("pk", column) if name not in used]
    for some in pieces(going):
        rows.model._default_manager.filter(pk__in=some).delete()
    return len(going)
