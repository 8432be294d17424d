"""Projects: lists, one with its settings, changing them, giving one up; and the teams of one."""

from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, field_of, read
from vedette.api.endpoint import Endpoint, OrganizationEndpoint, ProjectEndpoint, access_of
from vedette.api.filters import search_words
from vedette.api.operations import (
    ORG_READ,
    PAGING,
    PROJECT_ADMIN,
    PROJECT_READ,
    PROJECT_WRITE,
    Operation,
    Parameter,
    operation,
)
from vedette.api.organizations import NAMED_QUERY, organizations_of
from vedette.api.paging import by_number
from vedette.api.shapes.organizations import organization_details
from vedette.api.shapes.projects import (
    OwnedProject,
    ProjectDetails,
    ProjectSummary,
    project_details,
    project_summaries,
    project_summary,
)
from vedette.api.shapes.teams import TeamShape, as_teams
from vedette.core.ids import as_id
from vedette.orgs.access import reachable_teams
from vedette.orgs.members import NotAllowed
from vedette.orgs.models import OrganizationFlags
from vedette.orgs.teams import own_team
from vedette.projects.access import reachable_projects
from vedette.projects.changes import change_project, schedule_deletion
from vedette.projects.models import Project
from vedette.projects.options import OPTIONS
from vedette.projects.services import create_project


class NewProject(Wish):
    """A project to make. `default_rules` is known to clients and changes nothing."""

    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(required=False, max_length=100, allow_blank=True)
    platform = serializers.CharField(required=False, max_length=64, allow_blank=True)
    default_rules = serializers.BooleanField(required=False)


class OrganizationProjects(OrganizationEndpoint):
    """The projects of an organization."""

    tag = "Projects"

    @operation(
        Operation(
            "listOrganizationProjects",
            ORG_READ,
            query=(
                NAMED_QUERY,
                Parameter("all_projects", "`1`: all of them on one page.", choices=("0", "1")),
                *PAGING,
            ),
            answers=list[ProjectSummary],
        )
    )
    def get(self, request: Request) -> Response:
        """The projects of an organization that the caller reaches."""
        rows = reachable_projects(self.access).order_by("slug")
        rows = rows.filter(_matching(search_words(request.query_params)))
        if request.query_params.get("all_projects") == "1":
            return Response(project_summaries(list(rows), self.access))
        page = by_number(rows, request.query_params)
        return self.paged(page, project_summaries(page.rows, self.access))

    @operation(
        Operation(
            "createOrganizationProject",
            PROJECT_READ,
            takes=NewProject,
            answers=ProjectSummary,
            statuses=(201,),
            fails=(409,),
        )
    )
    def post(self, request: Request) -> Response:
        """Make a project in a team of the caller's own, which is made if it is not there.

        Members may, unless `allowMemberProjectCreation` is off; then it takes project:write.
        """
        if self.user is None or not (self._members_may() or self.access.has_any(*PROJECT_WRITE)):
            raise NotAllowed("Members do not make projects in this organization.")
        wish = read(NewProject, request.data)
        with transaction.atomic():
            team = own_team(self.access, ip_address=self.address)
            project = create_project(
                self.organization,
                wish["name"],
                wish.get("slug", ""),
                wish.get("platform"),
                team,
                self.user,
                ip_address=self.address,
            )
        access = access_of(self.caller, self.organization)  # with the place in a new team
        return Response(project_summary(project, access or self.access), status=201)

    def _members_may(self) -> bool:
        return not self.organization.has_flag(OrganizationFlags.DISABLE_MEMBER_PROJECT_CREATION)


def _matching(words: list[str]) -> Q:
    """`id:`, `slug:` and `name:` each name one; other words are text in the name or the slug."""
    condition = Q()
    for word in words:
        key, _, value = word.partition(":")
        if key == "id" and (number := as_id(value)) is not None:
            condition &= Q(pk=number)
        elif key in ("slug", "name") and value:
            condition &= Q(**{f"{key}__iexact": value})
        else:
            condition &= Q(name__icontains=word) | Q(slug__icontains=word)
    return condition


class ProjectList(Endpoint):
    """All projects of the caller."""

    tag = "Projects"

    @operation(Operation("listProjects", PROJECT_READ, query=PAGING, answers=list[OwnedProject]))
    def get(self, request: Request) -> Response:
        """The projects that the caller reaches, over all organizations."""
        reach = {one.pk: access for one in organizations_of(self.caller) if (access := access_of(self.caller, one))}
        ids = [pk for one in reach.values() for pk in reachable_projects(one).values_list("pk", flat=True)]
        rows = Project.objects.filter(pk__in=ids).select_related("organization")
        page = by_number(rows.order_by("organization__slug", "slug"), request.query_params)
        body: list[OwnedProject] = []
        for organization_id, projects in groupby(page.rows, key=lambda project: project.organization_id):
            organization = reach[organization_id].organization
            name = {"id": str(organization.pk), "slug": organization.slug, "name": organization.name}
            summaries = project_summaries(list(projects), reach[organization_id])
            body += [{**summary, "organization": name} for summary in summaries]  # type: ignore[typeddict-item]
        return self.paged(page, body)


class ProjectChanges(Wish):
    """Settings of a project; what is absent stays. `isBookmarked` is known to clients and changes nothing."""

    name = serializers.CharField(required=False, max_length=200)
    slug = serializers.CharField(required=False, max_length=100)
    platform = serializers.CharField(required=False, max_length=64, allow_null=True, allow_blank=True)
    options = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """The fields above and the options; those with a colon in their name are in `options`."""
        named = {option.field: field_of(option) for option in OPTIONS if ":" not in option.field}
        return {**super().get_fields(), **named}


COLLAPSE = Parameter("collapse", "`organization`: only its id and slug.", many=True, choices=("organization",))


class ProjectItem(ProjectEndpoint):
    """One project."""

    tag = "Projects"

    @operation(Operation("getProject", PROJECT_READ, query=(COLLAPSE,), answers=ProjectDetails))
    def get(self, request: Request) -> Response:
        """One project with its settings."""
        return Response(self.details())

    @operation(Operation("updateProject", PROJECT_WRITE, takes=ProjectChanges, answers=ProjectDetails, fails=(409,)))
    def put(self, request: Request) -> Response:
        """Change settings of the project.

        Lists of names may come as a list or as text with a line for each. Unknown names in `options` are ignored.
        """
        wish = read(ProjectChanges, request.data)
        change_project(self.project, {**wish.pop("options", {}), **wish}, by=self.user, ip_address=self.address)
        return Response(self.details())

    @operation(Operation("deleteProject", PROJECT_ADMIN, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Give the project up: it is gone for everybody at once, and its data is deleted later."""
        schedule_deletion(self.project, by=self.user, ip_address=self.address)
        return Response(status=204)

    def details(self) -> ProjectDetails:
        """The project as the caller sees it."""
        organization: dict[str, Any] = {"id": str(self.organization.pk), "slug": self.organization.slug}
        if "organization" not in self.request.query_params.getlist("collapse"):
            organization = {**organization_details(self.organization, self.access)}
        return project_details(self.project, self.access, organization)


class ProjectTeams(ProjectEndpoint):
    """The teams of a project."""

    tag = "Projects"

    @operation(Operation("listProjectTeams", PROJECT_READ, query=PAGING, answers=list[TeamShape]))
    def get(self, request: Request) -> Response:
        """The teams that the project belongs to."""
        rows = reachable_teams(self.access).filter(projects=self.project).order_by("slug")
        page = by_number(rows, request.query_params)
        return self.paged(page, as_teams(page.rows, self.access))
