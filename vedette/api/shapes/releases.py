"""Releases, with what events, commits and deploys made of them.

Source: the release specification, 6.1.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from django.db.models import Max, Min, Sum

from vedette.api.shapes.base import Moment, z
from vedette.api.shapes.commits import CommitShape, authors_by_id, commits_by_id
from vedette.api.shapes.deploys import DeployShape, deploys_by_id
from vedette.api.shapes.health import HealthShape, StageShape, as_health, stages
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core.clock import as_z
from vedette.projects.models import Project
from vedette.releases.health import ReleaseHealth
from vedette.releases.models import (
    Release,
    ReleaseEnvironment,
    ReleaseProject,
    ReleaseProjectEnvironment,
    ReleaseStatus,
)
from vedette.releases.sightings import LAST_SEEN_STEP
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
    healthData: NotRequired[HealthShape | None]


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
    lastCommit: CommitShape | None
    lastDeploy: DeployShape | None
    firstEvent: Moment | None
    lastEvent: Moment | None
    projects: list[ReleaseProjectShape]
    currentProjectMeta: dict[str, Any]
    userAgent: str | None
    adoptionStages: NotRequired[dict[str, StageShape]]


@dataclass(frozen=True, slots=True)
class View:
    """How releases are shown: by their numbers in `environments` (none means all), with their `health` by (project,
    version) where it was asked for, its series under the name `period`."""

    environments: tuple[str, ...] = ()
    health: Mapping[tuple[int, str], ReleaseHealth] | None = None
    period: str = ""
    with_stages: bool = False


def as_releases(
    releases: Collection[Release], projects: Collection[Project], view: View = View()
) -> list[ReleaseShape]:
    """Releases for a list, seen from `projects`: a dozen queries, however many they are."""
    facts = _facts(releases, projects, view)
    return [facts.shape(release, facts.links[release.pk]) for release in releases]


def as_pairs(
    pairs: Sequence[tuple[int, int]],
    releases: Mapping[int, Release],
    projects: Collection[Project],
    view: View = View(),
) -> list[ReleaseShape]:
    """An entry for each (release, project), seen from this project alone; `releases` by their ids."""
    facts = _facts(releases.values(), projects, view)
    links = {(link.release_id, link.project_id): link for found in facts.links.values() for link in found}
    return [facts.shape(releases[pair[0]], [links[pair]]) for pair in pairs if pair in links]


def as_release(release: Release, projects: Collection[Project], view: View = View()) -> ReleaseShape:
    """One release, seen from `projects`."""
    return as_releases([release], projects, view)[0]


@dataclass(frozen=True, slots=True)
class _Facts:
    """Everything that is told of some releases: what belongs to a project by (release, project)."""

    view: View
    links: Mapping[int, list[ReleaseProject]]
    seen: Mapping[tuple[int, int], tuple[datetime, datetime]]
    fresh: Mapping[tuple[int, int], int] | None
    stages: Mapping[tuple[int, int], StageShape]
    owners: Mapping[int, UserShape]
    commits: Mapping[int, CommitShape]
    deploys: Mapping[int, DeployShape]
    authors: Mapping[int, dict[str, Any]]

    def shape(self, release: Release, links: Sequence[ReleaseProject]) -> ReleaseShape:
        """The release as the projects of `links` see it."""
        projects = [_project(link, release.version, self.fresh, self.view) for link in links]
        seen = [self.seen[key] for link in links if (key := (release.pk, link.project_id)) in self.seen]
        shape: ReleaseShape = {
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
            "owner": self.owners.get(release.owner_id or 0),
            "commitCount": release.commit_count or 0,
            "deployCount": release.total_deploys or 0,
            "authors": [self.authors[int(pk)] for pk in release.authors if int(pk) in self.authors],
            "lastCommit": self.commits.get(release.last_commit_id or 0),
            "lastDeploy": self.deploys.get(release.last_deploy_id or 0),
            "firstEvent": z(min((first for first, _ in seen), default=None)),
            "lastEvent": z(max((last for _, last in seen), default=None)),
            "projects": projects,
            "currentProjectMeta": {},
            "userAgent": release.user_agent,
        }
        if self.view.with_stages:
            shape["adoptionStages"] = {
                link.project.slug: self.stages[key]
                for link in links
                if (key := (release.pk, link.project_id)) in self.stages
            }
        return shape


def _facts(releases: Collection[Release], projects: Collection[Project], view: View) -> _Facts:
    ids = [release.pk for release in releases]
    views = {project.pk: project for project in projects}
    return _Facts(
        view=view,
        links=_links(ids, views),
        seen=_seen(ids, views, view.environments),
        fresh=_new_in(ids, views, view.environments) if view.environments else None,
        stages=stages(ids, views, view.environments) if view.with_stages else {},
        owners=users_by_id(release.owner_id for release in releases),
        commits=commits_by_id(release.last_commit_id for release in releases),
        deploys=deploys_by_id(release.last_deploy_id for release in releases),
        authors=authors_by_id(int(pk) for release in releases for pk in release.authors),
    )


def _project(
    link: ReleaseProject, version: str, fresh: Mapping[tuple[int, int], int] | None, view: View
) -> ReleaseProjectShape:
    project = link.project
    health = view.health.get((project.pk, version)) if view.health is not None else None
    new = link.new_groups if fresh is None else fresh.get((link.release_id, project.pk), 0)
    shape: ReleaseProjectShape = {
        "id": project.pk,
        "slug": project.slug,
        "name": project.name,
        "newGroups": new,
        "platform": project.platform,
        "platforms": [project.platform] if project.platform else [],
        "hasHealthData": health is not None and health.has_data,
    }
    if view.health is not None:
        shape["healthData"] = as_health(health, view.period) if health else None
    return shape


def _links(ids: list[int], views: dict[int, Project]) -> dict[int, list[ReleaseProject]]:
    found: dict[int, list[ReleaseProject]] = defaultdict(list)
    for link in ReleaseProject.objects.filter(release__in=ids, project__in=views).order_by("project__slug"):
        link.project = views[link.project_id]
        found[link.release_id].append(link)
    return found


def _in_view(ids: list[int], views: dict[int, Project], environments: tuple[str, ...]) -> Any:
    rows = ReleaseProjectEnvironment.objects.filter(release__in=ids, project__in=views)
    return rows.filter(environment__name__in=environments) if environments else rows


def _seen(
    ids: list[int], views: dict[int, Project], environments: tuple[str, ...]
) -> dict[tuple[int, int], tuple[datetime, datetime]]:
    """The first and the last event of each (release, project) that has any: a deploy is none."""
    rows = _in_view(ids, views, environments)
    spans = rows.filter(last_deploy_id=None).values("release_id", "project_id")
    found = {
        (row["release_id"], row["project_id"]): (row["first"], row["last"])
        for row in spans.annotate(first=Min("first_seen"), last=Max("last_seen"))
    }
    for key, (first, last) in _seen_where_deployed(rows.exclude(last_deploy_id=None)):
        known = found.get(key, (first, last))
        found[key] = min(known[0], first), max(known[1], last)
    return found


def _seen_where_deployed(rows: Any) -> Iterator[tuple[tuple[int, int], tuple[datetime, datetime]]]:
    """The same of rows that a deploy may have made, seen from its moment on: what no event of the organization's bears
    out does not count."""
    deployed = list(rows.values_list("release_id", "project_id", "environment_id", "first_seen", "last_seen"))
    events = ReleaseEnvironment.objects.filter(release__in={row[0] for row in deployed})
    told = {(row.release_id, row.environment_id): (row.first_seen, row.last_seen) for row in events}
    for release, project, environment, first, last in deployed:
        if (release, environment) not in told:
            continue
        first_event, last_event = told[release, environment]
        since, until = max(first, first_event), last if last <= last_event + LAST_SEEN_STEP else last_event
        if since <= until:
            yield (release, project), (since, until)


def _new_in(ids: list[int], views: dict[int, Project], environments: tuple[str, ...]) -> dict[tuple[int, int], int]:
    rows = _in_view(ids, views, environments).values("release_id", "project_id").annotate(new=Sum("new_issues_count"))
    return {(row["release_id"], row["project_id"]): row["new"] for row in rows}
