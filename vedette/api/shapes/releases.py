"""Releases, as far as events have made them.

Source: the release specification, 6.1.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, TypedDict

from django.db.models import Max, Min, Sum

from vedette.api.shapes.base import Moment, z
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core.clock import as_z
from vedette.projects.models import Project
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment, ReleaseStatus
from vedette.releases.versions import version_info


class ReleaseProjectShape(TypedDict):
    """A project that a release belongs to, and how many issues were new in it there."""

    id: int
    slug: str
    name: str
    newGroups: int
    platform: str | None
    platforms: list[str]
    hasHealthData: bool


class ReleaseShape(TypedDict):
    """A version of an organization's software."""

    id: int
    version: str
    shortVersion: str
    status: str
    versionInfo: dict[str, Any] | None
    ref: str | None
    url: str | None
    dateCreated: Moment
    dateReleased: Moment | None
    dateStarted: Moment | None
    data: dict[str, Any]
    newGroups: int
    owner: UserShape | None
    commitCount: int
    deployCount: int
    authors: list[dict[str, Any]]
    lastCommit: dict[str, Any] | None
    lastDeploy: dict[str, Any] | None
    firstEvent: Moment | None
    lastEvent: Moment | None
    projects: list[ReleaseProjectShape]
    currentProjectMeta: dict[str, Any]
    userAgent: str | None


def as_releases(
    releases: Collection[Release], projects: Collection[Project], environments: tuple[str, ...] = ()
) -> list[ReleaseShape]:
    """Releases for a list, seen from `projects` and (their numbers) from `environments`: four queries in all."""
    ids = [release.pk for release in releases]
    views = {project.pk: project for project in projects}
    links = _links(ids, views)
    seen = _seen(ids, views, environments)
    owners = users_by_id(release.owner_id for release in releases)
    fresh = _new_in(ids, views, environments) if environments else None
    return [
        _release(release, links[release.pk], seen.get(release.pk, {}), owners.get(release.owner_id or 0), fresh)
        for release in releases
    ]


def as_release(release: Release, projects: Collection[Project]) -> ReleaseShape:
    """One release, seen from `projects`."""
    return as_releases([release], projects)[0]


def _release(
    release: Release,
    links: list[ReleaseProject],
    seen: dict[str, Any],
    owner: UserShape | None,
    fresh: dict[tuple[int, int], int] | None,
) -> ReleaseShape:
    projects = [_project(link, fresh) for link in links]
    return {
        "id": release.pk,
        "version": release.version,
        "shortVersion": release.version,
        "status": "archived" if release.status == ReleaseStatus.ARCHIVED else "open",
        "versionInfo": version_info(release.version),
        "ref": release.ref,
        "url": release.url,
        "dateCreated": as_z(release.date_added),
        "dateReleased": z(release.date_released),
        "dateStarted": z(release.date_started),
        "data": release.data,
        "newGroups": sum(project["newGroups"] for project in projects),
        "owner": owner,
        "commitCount": release.commit_count or 0,
        "deployCount": release.total_deploys or 0,
        "authors": [],
        "lastCommit": None,
        "lastDeploy": None,
        "firstEvent": z(seen.get("first")),
        "lastEvent": z(seen.get("last")),
        "projects": projects,
        "currentProjectMeta": {},
        "userAgent": release.user_agent,
    }


def _project(link: ReleaseProject, fresh: dict[tuple[int, int], int] | None) -> ReleaseProjectShape:
    project = link.project
    new = link.new_groups if fresh is None else fresh.get((link.release_id, project.pk), 0)
    return {
        "id": project.pk,
        "slug": project.slug,
        "name": project.name,
        "newGroups": new,
        "platform": project.platform,
        "platforms": [project.platform] if project.platform else [],
        "hasHealthData": False,
    }


def _links(ids: list[int], views: dict[int, Project]) -> dict[int, list[ReleaseProject]]:
    found: dict[int, list[ReleaseProject]] = defaultdict(list)
    for link in ReleaseProject.objects.filter(release__in=ids, project__in=views).order_by("project__slug"):
        link.project = views[link.project_id]
        found[link.release_id].append(link)
    return found


def _in_view(ids: list[int], views: dict[int, Project], environments: tuple[str, ...]) -> Any:
    rows = ReleaseProjectEnvironment.objects.filter(release__in=ids, project__in=views)
    return rows.filter(environment__name__in=environments) if environments else rows


def _seen(ids: list[int], views: dict[int, Project], environments: tuple[str, ...]) -> dict[int, dict[str, Any]]:
    rows = _in_view(ids, views, environments).values("release_id")
    return {row["release_id"]: row for row in rows.annotate(first=Min("first_seen"), last=Max("last_seen"))}


def _new_in(ids: list[int], views: dict[int, Project], environments: tuple[str, ...]) -> dict[tuple[int, int], int]:
    rows = _in_view(ids, views, environments).values("release_id", "project_id").annotate(new=Sum("new_issues_count"))
    return {(row["release_id"], row["project_id"]): row["new"] for row in rows}
