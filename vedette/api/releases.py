"""Releases: the list and one, as events and pipelines make them."""

from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import releasereads, releasewrites
from vedette.api.bodies import FormOrJsonBody
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.operations import PROJECT, RELEASE_DELETE, RELEASE_READ, RELEASE_WRITE, Operation, operation
from vedette.api.release_bodies import ReleaseChangesWithRefs, ReleaseWish, read
from vedette.api.releasereach import writable_release
from vedette.api.shapes.releases import ReleaseShape
from vedette.core import clock
from vedette.events.connection import event_store
from vedette.shipping.deletion import delete_release


class ReleaseList(OrganizationEndpoint):
    """The releases of an organization."""

    tag = "Releases"
    parser_classes = [FormOrJsonBody]

    @operation(Operation("listOrganizationReleases", RELEASE_READ, query=releasereads.LIST, answers=list[ReleaseShape]))
    def get(self, request: Request) -> Response:
        """The releases of the projects that the caller reaches, by default newest first."""
        return releasereads.read_list(self, request)

    @operation(
        Operation(
            "createOrganizationRelease",
            RELEASE_WRITE,
            query=(releasewrites.MERGE, *PROJECT),
            takes=ReleaseWish,
            answers=ReleaseShape,
            statuses=(201, 208),
            fails=(409,),
        )
    )
    def post(self, request: Request) -> Response:
        """Make a release, or extend it by projects, commits and refs.

        208 when it was there and belonged to the projects already. Repeating a request is safe.
        """
        body = read(ReleaseWish, request.data)
        projects = releasewrites.named_projects(self, request, body.values["projects"])
        return releasewrites.create(self, request, body, projects, of_project=False)


class ReleaseItem(OrganizationEndpoint):
    """One release."""

    tag = "Releases"
    parser_classes = [FormOrJsonBody]

    @operation(Operation("getOrganizationRelease", RELEASE_READ, query=releasereads.ITEM, answers=ReleaseShape))
    def get(self, request: Request) -> Response:
        """One release by its full version.

        Of one `project`, also what comes before and after it in the list, and the hours of its first and last session.
        """
        return releasereads.read_item(self, request)

    @operation(
        Operation(
            "updateOrganizationRelease",
            RELEASE_WRITE,
            query=(releasewrites.MERGE,),
            takes=ReleaseChangesWithRefs,
            answers=ReleaseShape,
            fails=(409,),
        )
    )
    def put(self, request: Request) -> Response:
        """Change what is said about a release, or set its commits or refs.

        Null clears `ref`, `url` and `dateReleased`; an empty list of refs takes its commits away. The caller has to
        reach every project of the release.
        """
        release = writable_release(self.access, self.path["version"])
        return releasewrites.update(self, request, read(ReleaseChangesWithRefs, request.data), release)

    @operation(Operation("deleteOrganizationRelease", RELEASE_DELETE, query=(releasewrites.FORCE,), statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete a release for all its projects; the caller has to reach every one of them.

        Not while an issue began in it, nor while it had sessions in the last 90 days.
        """
        release = writable_release(self.access, self.path["version"])
        force = releasewrites.forced(self, request)
        by = releasewrites.sender_of(self, request)
        delete_release(event_store(), release, by=by, now=clock.now(), force=force)
        return Response(status=204)
