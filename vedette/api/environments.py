"""Environments that projects have reported from."""

from typing import TypedDict

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import projects
from vedette.api.operations import ORG_READ, PROJECT, PROJECT_READ, Operation, Parameter, operation
from vedette.core.errors import RuleBroken
from vedette.projects.models import EnvironmentProject

VISIBILITY = Parameter("visibility", "By default only visible ones.", choices=("visible", "hidden", "all"))


class EnvironmentName(TypedDict):
    """An environment by name."""

    id: str
    name: str


class ProjectEnvironment(EnvironmentName):
    """An environment of a project."""

    isHidden: bool


def shown(rows: QuerySet[EnvironmentProject], visibility: str) -> QuerySet[EnvironmentProject]:
    """The links of that visibility, by name. Raises `RuleBroken` for a word that is none."""
    if visibility not in VISIBILITY.choices:
        raise RuleBroken(f"Invalid value for 'visibility', valid values are: {sorted(VISIBILITY.choices)}")
    if visibility == "visible":
        rows = rows.exclude(is_hidden=True)
    elif visibility == "hidden":
        rows = rows.filter(is_hidden=True)
    return rows.exclude(environment__name="").select_related("environment").order_by("environment__name")


class OrganizationEnvironments(OrganizationEndpoint):
    """The environments of an organization."""

    tag = "Environments"

    @operation(
        Operation("listOrganizationEnvironments", ORG_READ, query=(VISIBILITY, *PROJECT), answers=list[EnvironmentName])
    )
    def get(self, request: Request) -> Response:
        """The environments that the caller's projects have reported from, each once."""
        reach = projects(request.query_params, self.access)
        links = EnvironmentProject.objects.filter(project__in=reach)
        links = shown(links, request.query_params.get("visibility", "visible"))
        found = {link.environment_id: link.environment.name for link in links}
        body: list[EnvironmentName] = [{"id": str(pk), "name": name} for pk, name in found.items()]
        return Response(body)


class ProjectEnvironments(ProjectEndpoint):
    """The environments of a project."""

    tag = "Environments"

    @operation(
        Operation("listProjectEnvironments", PROJECT_READ, query=(VISIBILITY,), answers=list[ProjectEnvironment])
    )
    def get(self, request: Request) -> Response:
        """The environments that the project has reported from."""
        links = EnvironmentProject.objects.filter(project=self.project)
        links = shown(links, request.query_params.get("visibility", "visible"))
        body: list[ProjectEnvironment] = [
            {"id": str(link.environment_id), "name": link.environment.name, "isHidden": bool(link.is_hidden)}
            for link in links
        ]
        return Response(body)
