"""Issues that are resolved in the release that comes next: it has come.

A resolution waits on the newest release that its project had then; the first later one that comes to the project takes
its place. Whether an event reopens an issue meanwhile, `issues.resolutions` says rightly either way.
Source: the issue workflow specification, 5.3 with its [V].
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from vedette.issues.models import (
    Activity,
    ActivityType,
    GroupResolution,
    GroupStatus,
    ResolutionStatus,
    ResolutionType,
)
from vedette.releases.models import Release

SLACK = timedelta(days=1)  # a release that was dated longer before the resolution was imported, and resolves nothing
_LATEST = datetime.max.replace(tzinfo=UTC) - SLACK  # pipelines date releases as they like, up to the end of years
_PENDING = Q(type=ResolutionType.IN_NEXT_RELEASE) | Q(type__isnull=True)


def settle(links: Iterable[tuple[int, int]]) -> int:
    """Settle what waits for releases that came to projects, (project id, release id); how many resolutions. Safe to
    repeat: of two that settle the same, one changes the row and tells it."""
    pairs = list(links)
    releases = Release.objects.in_bulk({release for _, release in pairs})
    found = [(project, releases[release]) for project, release in pairs if release in releases]
    found.sort(key=lambda pair: (pair[1].sort_date, pair[1].pk))  # of several that come at once the oldest is next
    with transaction.atomic():
        return sum(_settle(project, release) for project, release in found)


def on_links(links: list[tuple[int, int]], **_: Any) -> None:
    """Listens to `releases.links`."""
    settle(links)


def _settle(project_id: int, release: Release) -> int:
    waiting = GroupResolution.objects.filter(
        _PENDING,
        status=ResolutionStatus.PENDING,
        group__project_id=project_id,
        group__status=GroupStatus.RESOLVED,
        release__sort_date__lt=release.sort_date,
        datetime__lt=min(release.sort_date, _LATEST) + SLACK,
    ).exclude(release=release)
    settled = 0
    for pk, group in list(waiting.order_by("group_id").values_list("pk", "group_id")):
        rows = GroupResolution.objects.filter(_PENDING, pk=pk, status=ResolutionStatus.PENDING)
        if rows.update(release=release, type=ResolutionType.IN_RELEASE, status=ResolutionStatus.RESOLVED):
            name_release(group, pk, release.version)
            settled += 1
    return settled


def name_release(group_id: int, resolution_id: int, version: str) -> Activity | None:
    """Let the entry that told of a resolution in the next release say which release that was; the entry, if any."""
    entries = Activity.objects.filter(
        group=group_id, type=ActivityType.SET_RESOLVED_IN_RELEASE, ident=str(resolution_id)
    )
    entry = entries.order_by("-datetime", "-pk").first()
    if entry is not None and not entry.data.get("version"):
        entry.data = {**entry.data, "version": version}
        entry.save(update_fields=["data"])
    return entry
