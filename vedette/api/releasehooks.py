"""The build hook: its token, and the address that a build server makes releases at.

Source: the release specification, 7.4 and R16.
"""

from typing import TypedDict

from rest_framework.exceptions import NotFound, ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api import releasewrites
from vedette.api.authentication import Credential, Kind
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.operations import PROJECT_WRITE, Caller, Operation, operation
from vedette.api.release_bodies import ProjectReleaseWish, read
from vedette.api.shapes.releases import ReleaseShape
from vedette.core.ids import as_id
from vedette.orgs.access import access_of_org_token
from vedette.projects.models import ObjectStatus, Project
from vedette.shipping.hooks import BUILTIN, address_of, change_token, is_signed, token_of


class ReleaseToken(TypedDict):
    """The token of a project's build hook, and the address that it signs."""

    token: str
    webhookUrl: str


class ProjectReleaseToken(ProjectEndpoint):
    """The token of a project's build hook."""

    tag = "Releases"

    @operation(Operation("getProjectReleaseToken", PROJECT_WRITE, answers=ReleaseToken))
    def get(self, request: Request) -> Response:
        """The address that a build server makes releases of this project at, and the token that signs it."""
        return self.shown(token_of(self.project))

    @operation(Operation("changeProjectReleaseToken", PROJECT_WRITE, answers=ReleaseToken))
    def post(self, request: Request) -> Response:
        """Change the token: the address before is refused from now on."""
        return self.shown(change_token(self.project, by=releasewrites.sender_of(self, request)))

    def shown(self, token: str) -> Response:
        """The token with its address."""
        shape: ReleaseToken = {"token": token, "webhookUrl": address_of(self.project, token)}
        return Response(shape)


class ReleaseHook(OrganizationEndpoint):
    """Where a build server makes releases of a project: the address itself is the credential."""

    tag = "Releases"
    authentication_classes = []  # neither cookies nor tokens mean anything here
    _credential: Credential

    @property
    def caller(self) -> Credential:
        """The address, once it has proven good."""
        return self._credential

    @operation(
        Operation(
            "createReleaseByHook",
            caller=Caller.ANYBODY,
            takes=ProjectReleaseWish,
            answers=ReleaseShape,
            statuses=(201, 208, 204),
            fails=(400, 403, 404, 409),
        )
    )
    def post(self, request: Request) -> Response:
        """Make a release of the project as `POST …/projects/{organization}/{project}/releases/` does."""
        project = _project(self.path["project_id"])
        plugin = self.path["plugin"]
        if not is_signed(project, plugin, self.path["signature"]):
            raise PermissionDenied
        if plugin != BUILTIN:
            return Response(status=204)
        access = access_of_org_token(project.organization, frozenset({"project:write"}))
        if access is None:
            raise NotFound
        self.organization, self.access = project.organization, access
        self._credential = Credential(
            Kind.HOOK, None, access.scopes, project.organization_id, project.pk, label="build hook"
        )
        try:
            body = request.data
        except ParseError as error:
            return Response({"error": str(error.detail)}, status=400)
        return releasewrites.create(self, request, read(ProjectReleaseWish, body), [project], of_project=True)


def _project(text: str) -> Project:
    rows = Project.objects.filter(pk=as_id(text) or 0, status=ObjectStatus.ACTIVE).select_related("organization")
    project = rows.first()
    if project is None:
        raise NotFound
    return project
