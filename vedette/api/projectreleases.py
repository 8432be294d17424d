"""The releases of one project: list, create, one.

Source: the release specification, 7.3 and sections 8 and 16 in their project form.
"""

from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import releasereads, releasewrites
from vedette.api.bodies import FormOrJsonBody
from vedette.api.endpoint import ProjectEndpoint
from vedette.api.filters import search_text
from vedette.api.operations import (
    PAGING,
    RELEASE_DELETE,
    RELEASE_READ,
    RELEASE_WRITE,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.release_bodies import ProjectReleaseWish, ReleaseChanges, read
from vedette.api.releasereach import readable_release_of, writable_release
from vedette.api.shapes.releases import ReleaseShape, as_release, as_releases
from vedette.core import clock
from vedette.events.connection import event_store
from vedette.releases import listing
from vedette.releases.conditions import Scope
from vedette.releases.models import Release
from vedette.shipping.deletion import unlink_project


class ProjectReleases(ProjectEndpoint):
    """The releases of a project."""

    tag = "Releases"
    parser_classes = [FormOrJsonBody]

    @operation(
        Operation(
            "listProjectReleases",
            RELEASE_READ,
            query=(Parameter("query", "Text in the version."), releasereads.STATUS, *PAGING),
            answers=list[ReleaseShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The releases of a project, newest first: by the date of the release, else by when it was first heard of."""
        scope = Scope(self.organization.pk, (self.project.pk,))
        rows = listing.listed(scope, request.query_params.get("status", "open"))
        if text := search_text(request.query_params):
            rows = rows.filter(version__icontains=text)
        page = by_number(rows.order_by("-sort_date", "-pk"), request.query_params)
        return self.paged(page, as_releases(page.rows, [self.project]))

    @operation(
        Operation(
            "createProjectRelease",
            RELEASE_WRITE,
            query=(releasewrites.MERGE,),
            takes=ProjectReleaseWish,
            answers=ReleaseShape,
            statuses=(201, 208),
            fails=(409,),
        )
    )
    def post(self, request: Request) -> Response:
        """Make a release of the project, or extend it by commits.

        208 when the project had this release already. Repeating a request is safe.
        """
        body = read(ProjectReleaseWish, request.data)
        return releasewrites.create(self, request, body, [self.project], of_project=True)


class ProjectRelease(ProjectEndpoint):
    """One release of a project."""

    tag = "Releases"
    parser_classes = [FormOrJsonBody]

    def find(self) -> Release:
        """The release that the path names, if it is the project's. Raises `NotFound`."""
        return readable_release_of(self.access, self.path["version"], self.project)

    @operation(Operation("getProjectRelease", RELEASE_READ, answers=ReleaseShape))
    def get(self, request: Request) -> Response:
        """One release of a project by its full version."""
        return Response(as_release(self.find(), [self.project]))

    @operation(
        Operation(
            "updateProjectRelease",
            RELEASE_WRITE,
            query=(releasewrites.MERGE,),
            takes=ReleaseChanges,
            answers=ReleaseShape,
            fails=(409,),
        )
    )
    def put(self, request: Request) -> Response:
        """Change what is said about a release, or set its commits.

        Null clears `ref`, `url` and `dateReleased`. The caller has to reach every project of the release.
        """
        self.find()
        release = writable_release(self.access, self.path["version"])
        return releasewrites.update(self, request, read(ReleaseChanges, request.data), release)

    @operation(Operation("deleteProjectRelease", RELEASE_DELETE, query=(releasewrites.FORCE,), statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Take the project out of a release; one that is only this project's is deleted.

        Not while an issue of the project began in it, nor while it had sessions there in the last 90 days.
        """
        release = self.find()
        force = releasewrites.forced(self, request)
        by = releasewrites.sender_of(self, request)
        unlink_project(event_store(), release, self.project, by=by, now=clock.now(), force=force)
        return Response(status=204)
