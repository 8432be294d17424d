"""What pages and clients ask of one release beside itself: its counters, the release before it, what it fixes.

Source: the release specification, 15.3 to 15.5.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

from django.db.models import Exists, OuterRef
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import numbers
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import projects
from vedette.api.issues import rows_of
from vedette.api.operations import PROJECT, RELEASE_READ, Operation, operation
from vedette.api.releasereach import readable_release, readable_release_of
from vedette.api.releasewrites import sender_of
from vedette.api.shapes.base import Moment
from vedette.api.shapes.commits import Nothing
from vedette.api.shapes.issue_lists import Parts, as_issue_list
from vedette.api.shapes.issues import IssueShape
from vedette.api.shapes.releases import ReleaseShape, as_release
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.issues.lookup import visible_groups
from vedette.issues.stream import StreamRequest
from vedette.projects.models import Project
from vedette.releases.files import bundles_of
from vedette.releases.models import CommitFileChange, Release, ReleaseProject
from vedette.releases.versions import version_info
from vedette.shipping import analytics
from vedette.shipping.fixed import fixed_in

MOST_ISSUES = 1000


class MetaProject(TypedDict):
    """A project of a release, and how many issues were new in it there."""

    id: int
    slug: str
    name: str
    newGroups: int
    platform: str | None
    platforms: list[str]


class MetaShape(TypedDict):
    """A release in numbers. Files are those of its bundles where it has one (`isArtifactBundle`), otherwise its own."""

    version: str
    versionInfo: dict[str, Any] | None
    projects: list[MetaProject]
    newGroups: int
    deployCount: int
    commitCount: int
    released: Moment
    commitFilesChanged: int
    releaseFileCount: int
    isArtifactBundle: bool


class ReleaseMeta(OrganizationEndpoint):
    """A release in numbers."""

    tag = "Releases"

    @operation(Operation("getReleaseMeta", RELEASE_READ, query=PROJECT, answers=MetaShape))
    def get(self, request: Request) -> Response:
        """How much there is of a release: new issues, deploys, commits, changed files."""
        view = projects(request.query_params, self.access)
        release = readable_release(self.access, self.path["version"], view)
        links = ReleaseProject.objects.filter(release=release, project__in=view).select_related("project")
        shown = [_project(link) for link in links.order_by("project__slug")]
        bundles = list(bundles_of(release, view))
        files = CommitFileChange.objects.filter(commit__release_links__release=release)
        return Response(
            MetaShape(
                version=release.version,
                versionInfo=version_info(release.version),
                projects=shown,
                newGroups=sum(project["newGroups"] for project in shown),
                deployCount=release.total_deploys or 0,
                commitCount=release.commit_count or 0,
                released=as_z(release.date_released or release.date_added),
                commitFilesChanged=files.values("filename").distinct().count(),
                releaseFileCount=sum(bundle.file_count for bundle in bundles) if bundles else release.files.count(),
                isArtifactBundle=bool(bundles),
            )
        )


def _project(link: ReleaseProject) -> MetaProject:
    project = link.project
    return {
        "id": project.pk,
        "slug": project.slug,
        "name": project.name,
        "newGroups": link.new_groups,
        "platform": project.platform,
        "platforms": [project.platform] if project.platform else [],
    }


class PreviousWithCommits(OrganizationEndpoint):
    """The release before this one that has commits."""

    tag = "Releases"

    @operation(Operation("getPreviousReleaseWithCommits", RELEASE_READ, query=PROJECT, answers=ReleaseShape | Nothing))
    def get(self, request: Request) -> Response:
        """The newest release with commits that is not newer than this one and shares a project with it; never itself.

        An empty object where there is none: a client then starts from the commits that it has.
        """
        view = projects(request.query_params, self.access)
        release = readable_release(self.access, self.path["version"], view)
        found = previous_with_commits(release, view)
        analytics.note(
            analytics.GET_PREVIOUS_COMMITS,
            self.organization.pk,
            [project.pk for project in view],
            sender_of(self, request),
        )
        return Response(as_release(found, view) if found else Nothing())


def previous_with_commits(release: Release, view: Sequence[Project]) -> Release | None:
    """The newest other release with commits that is not newer than `release` and shares a project of `view` with it."""
    shared = ReleaseProject.objects.filter(release=release, project__in=view).values("project_id")
    others = Release.objects.filter(
        Exists(ReleaseProject.objects.filter(release_id=OuterRef("pk"), project_id__in=shared)),
        organization_id=release.organization_id,
        last_commit_id__isnull=False,
        sort_date__lte=release.sort_date,
    )
    return others.exclude(pk=release.pk).order_by("-sort_date", "-pk").first()


def resolved(endpoint: OrganizationEndpoint, release: Release, view: Sequence[Project]) -> Response:
    """The issues of `view` that `release` fixes, newest first, with their numbers of all time; at most a thousand."""
    groups = visible_groups(endpoint.access).filter(pk__in=fixed_in(release), project__in=view)
    when = numbers.always(clock.now())
    wanted = StreamRequest(
        endpoint.organization, tuple(view), when.start, when.end, query="", series="", viewer=endpoint.user
    )
    rows, degraded = rows_of(list(groups.order_by("-pk")[:MOST_ISSUES]), wanted)
    return Response(as_issue_list(rows, endpoint.organization, wanted, Parts(), degraded=degraded))


class ReleaseResolved(OrganizationEndpoint):
    """The issues that a release fixes."""

    tag = "Releases"

    @operation(Operation("listReleaseResolved", RELEASE_READ, query=PROJECT, answers=list[IssueShape]))
    def get(self, request: Request) -> Response:
        """The issues that are resolved in a release or linked to its commits; at most a thousand, newest first."""
        view = projects(request.query_params, self.access)
        return resolved(self, readable_release(self.access, self.path["version"], view), view)


class ProjectReleaseResolved(ProjectEndpoint):
    """The issues of a project that a release fixes."""

    tag = "Releases"

    @operation(Operation("listProjectReleaseResolved", RELEASE_READ, answers=list[IssueShape]))
    def get(self, request: Request) -> Response:
        """The project's issues that are resolved in a release or linked to its commits; at most a thousand."""
        release = readable_release_of(self.access, self.path["version"], self.project)
        return resolved(self, release, [self.project])
