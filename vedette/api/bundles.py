"""The bundles of artifacts of a project: list, and delete; and all artifacts of a release at once.

Source: the release specification, A.4; paths and fields are those of Sentry's API.
"""

from typing import TypedDict
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import ProjectEndpoint
from vedette.api.operations import PAGING, RELEASE_DELETE, RELEASE_READ, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.releasereach import readable_release_of, writable_release
from vedette.api.shapes.base import Moment
from vedette.core.clock import as_z
from vedette.releases.files import bundles_of
from vedette.releases.models import ArtifactBundle, ArtifactBundleProject, ArtifactBundleRelease, ReleaseFile


class Association(TypedDict):
    """A version that a bundle is for, and the one dist of it or null for all."""

    release: str
    dist: str | None


class BundleShape(TypedDict):
    """A bundle of artifacts."""

    bundleId: str
    associations: list[Association]
    date: Moment
    dateModified: Moment
    fileCount: int


def as_bundle(bundle: ArtifactBundle) -> BundleShape:
    """A bundle, with its `release_links` at hand."""
    links = sorted(bundle.release_links.all(), key=lambda link: link.pk)
    return {
        "bundleId": str(bundle.bundle_id),
        "associations": [{"release": link.version, "dist": link.dist or None} for link in links],
        "date": as_z(bundle.date_added),
        "dateModified": as_z(bundle.date_uploaded),
        "fileCount": bundle.file_count,
    }


class ArtifactBundles(ProjectEndpoint):
    """The bundles of a project."""

    tag = "Releases"

    def bundles(self) -> QuerySet[ArtifactBundle]:
        """Those that are for the project."""
        return ArtifactBundle.objects.filter(project_links__project=self.project)

    @operation(
        Operation(
            "listArtifactBundles",
            RELEASE_READ,
            query=(Parameter("query", "A bundle's id, or text in a version that it is for."), *PAGING),
            answers=list[BundleShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The bundles of a project, the last uploaded first."""
        rows = self.bundles()
        if text := request.query_params.get("query", "").strip():
            own = _uuid(text)
            rows = rows.filter(bundle_id=own) if own else rows.filter(release_links__version__icontains=text).distinct()
        page = by_number(rows.prefetch_related("release_links").order_by("-date_uploaded", "-pk"), request.query_params)
        return self.paged(page, [as_bundle(bundle) for bundle in page.rows])

    @operation(
        Operation(
            "deleteArtifactBundle",
            RELEASE_DELETE,
            query=(Parameter("bundleId", "The id of the bundle."),),
            statuses=(204,),
        )
    )
    def delete(self, request: Request) -> Response:
        """Take a bundle from the project; one that is only this project's goes with the next clean-up."""
        found = _uuid(request.query_params.get("bundleId", ""))
        gone = ArtifactBundleProject.objects.filter(
            project=self.project, bundle__in=self.bundles().filter(bundle_id=found) if found else []
        ).delete()
        if not gone[0]:
            raise NotFound
        return Response(status=204)


class SourceMaps(ProjectEndpoint):
    """All artifacts of a release in one project."""

    tag = "Releases"

    @operation(
        Operation(
            "deleteReleaseArtifacts",
            RELEASE_DELETE,
            query=(Parameter("name", "The version of the release."),),
            statuses=(204,),
        )
    )
    def delete(self, request: Request) -> Response:
        """Delete the files of a release, and take the bundles that are for it alone from the project.

        The caller has to reach every project of the release.
        """
        version = request.query_params.get("name", "")
        release = readable_release_of(self.access, version, self.project)
        writable_release(self.access, version)
        ReleaseFile.objects.filter(release=release).delete()
        bound = bundles_of(release, [self.project]).values_list("pk", flat=True)
        others = ArtifactBundleRelease.objects.exclude(version=version).values("bundle_id")
        gone = ArtifactBundleProject.objects.filter(project=self.project, bundle__in=list(bound))
        gone.exclude(bundle__in=others).delete()
        return Response(status=204)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text[:100])
    except ValueError:
        return None
