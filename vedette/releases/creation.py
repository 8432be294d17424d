"""Releases as people and pipelines make them: one row for a version, one link for a project, whoever asks at once.

Inside the caller's transaction. Source: the release specification, 7.1, 7.2 and 12.3 with their [V].
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from vedette.core import sql
from vedette.core.errors import TryAgain
from vedette.orgs.models import Organization
from vedette.projects.models import Project, ProjectFlags
from vedette.releases import links, versions
from vedette.releases.age import witness
from vedette.releases.models import Release, ReleaseProject

_ATTEMPTS = 3


class ReleaseVanished(TryAgain):
    """A release was there and gone, again and again, while it was made."""

    code = "release-vanished"


def get_or_create(
    organization: Organization, version: str, *, now: datetime, defaults: Mapping[str, Any]
) -> tuple[Release, bool]:
    """The release of this version, and whether it was made here: with `defaults`, dated `now`.

    Of those who race exactly one makes it, and the others witness their own `now`: the release is as old as the first
    of them. Raises `InvalidVersion`, and `ReleaseVanished` when somebody deletes what others make.
    """
    versions.check(version, versions.TELEMETRY_LIMIT)
    for _ in range(_ATTEMPTS):
        release = Release.objects.filter(organization=organization, version=version).first()
        if release is None:
            fresh = Release(
                organization=organization,
                version=version,
                date_added=now,
                **{**versions.semver_columns(version), **defaults},
            )
            if sql.insert_if_missing(fresh):
                return Release.objects.get(pk=fresh.pk), True
            release = Release.objects.filter(organization=organization, version=version).first()
        if release is not None:
            witness(release, now)
            return release, False
    raise ReleaseVanished(f"release {version[:50]} is being deleted")


def attach(release: Release, projects: Sequence[Project]) -> list[Project]:
    """Link the release to `projects`; those whose links were made here, in the order given.

    Links are made in the order of their ids, so that two that link the same projects never wait for each other.
    """
    made = set()
    for project in sorted(projects, key=lambda one: one.pk):
        if sql.insert_if_missing(ReleaseProject(project_id=project.pk, release_id=release.pk)):
            made.add(project.pk)
    links.tell((project, release.pk) for project in made)
    flag = int(ProjectFlags.HAS_RELEASES)
    for project in sorted(projects, key=lambda one: one.pk):
        if project.pk in made and not project.flags & flag:
            Project.objects.filter(pk=project.pk).update(flags=F("flags").bitor(flag))
    return [project for project in dict.fromkeys(projects) if project.pk in made]
