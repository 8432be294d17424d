"""Teams, and making projects in them."""

from typing import Any, cast

from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import OrganizationEndpoint, TeamEndpoint, access_of
from vedette.api.filters import search_text
from vedette.api.operations import (
    ORG_READ,
    PAGING,
    PROJECT_READ,
    PROJECT_WRITE,
    TEAM_ADMIN,
    TEAM_CREATE,
    TEAM_READ,
    TEAM_WRITE,
    Operation,
    operation,
)
from vedette.api.organizations import DETAILED, NAMED_QUERY
from vedette.api.paging import by_number
from vedette.api.projects import NewProject
from vedette.api.shapes.organizations import OrganizationSummary, organization_summary
from vedette.api.shapes.projects import ProjectSummary, project_summaries, project_summary
from vedette.api.shapes.teams import TeamShape, as_team, as_teams
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access, reachable_teams
from vedette.orgs.changes import change_team
from vedette.orgs.models import Team
from vedette.orgs.teams import delete_team, make_team
from vedette.projects.access import reachable_projects
from vedette.projects.services import create_project


class TeamWithProjects(TeamShape, total=False):
    """A team, with its projects unless `detailed=0`."""

    projects: list[ProjectSummary]


class TeamDetails(TeamShape):
    """A team with the organization that it belongs to."""

    organization: OrganizationSummary


class NewTeam(Wish):
    """A team to make."""

    name = serializers.CharField(required=False, max_length=64, allow_blank=True)
    slug = serializers.CharField(required=False, max_length=50, allow_blank=True)


class TeamList(OrganizationEndpoint):
    """The teams of an organization."""

    tag = "Teams"

    @operation(
        Operation(
            "listOrganizationTeams", ORG_READ, query=(NAMED_QUERY, DETAILED, *PAGING), answers=list[TeamWithProjects]
        )
    )
    def get(self, request: Request) -> Response:
        """The teams of an organization."""
        rows = reachable_teams(self.access).order_by("slug")
        if text := search_text(request.query_params):
            rows = rows.filter(Q(name__icontains=text) | Q(slug__icontains=text))
        page = by_number(rows, request.query_params)
        teams = cast("list[TeamWithProjects]", as_teams(page.rows, self.access))
        if request.query_params.get("detailed") != "0":
            projects = projects_by_team(page.rows, self.access)
            for team in teams:
                team["projects"] = projects.get(team["id"], [])
        return self.paged(page, teams)

    @operation(Operation("createTeam", TEAM_CREATE, takes=NewTeam, answers=TeamShape, statuses=(201,), fails=(409,)))
    def post(self, request: Request) -> Response:
        """Make a team, by a name, a slug or both. Whoever makes it is its admin, if they are a member."""
        wish = read(NewTeam, request.data)
        name, slug = wish.get("name", "").strip(), wish.get("slug", "")
        if not name and not slug:
            raise RuleBroken({"name": ["A team needs a name or a slug."]})
        team = make_team(self.access, name or slug, slug, ip_address=self.address)
        access = access_of(self.caller, self.organization)  # with the place in the new team
        return Response(as_team(team, access or self.access), status=201)


def projects_by_team(teams: Any, access: Access) -> dict[str, list[ProjectSummary]]:
    """The projects of each team that the caller reaches, by the team's id: a few queries, however many there are."""
    rows = reachable_projects(access).filter(teams__in=teams).order_by("slug").distinct()
    found: dict[str, list[ProjectSummary]] = {}
    for project in project_summaries(list(rows), access):
        for team in project["teams"]:
            found.setdefault(team["id"], []).append(project)
    return found


class TeamChanges(Wish):
    """A team's name and slug; what is absent stays."""

    name = serializers.CharField(required=False, max_length=64)
    slug = serializers.CharField(required=False, max_length=50)


class TeamItem(TeamEndpoint):
    """One team."""

    tag = "Teams"

    @operation(Operation("getTeam", TEAM_READ, answers=TeamDetails))
    def get(self, request: Request) -> Response:
        """One team with its organization."""
        return Response(team_details(self.team, self.access))

    @operation(Operation("updateTeam", TEAM_WRITE, takes=TeamChanges, answers=TeamDetails, fails=(409,)))
    def put(self, request: Request) -> Response:
        """Rename a team."""
        wish = read(TeamChanges, request.data)
        change_team(self.team, name=wish.get("name"), slug=wish.get("slug"), by=self.user, ip_address=self.address)
        return Response(team_details(self.team, self.access))

    @operation(Operation("deleteTeam", TEAM_ADMIN, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete a team: its members and projects stay, and issues that were assigned to it are nobody's."""
        delete_team(self.access, self.team, ip_address=self.address)
        return Response(status=204)


def team_details(team: Team, access: Access) -> TeamDetails:
    """One team with its organization."""
    return {**as_team(team, access), "organization": organization_summary(access.organization, access.role)}


class TeamProjects(TeamEndpoint):
    """The projects of a team."""

    tag = "Teams"

    @operation(Operation("listTeamProjects", PROJECT_READ, query=PAGING, answers=list[ProjectSummary]))
    def get(self, request: Request) -> Response:
        """The projects of a team."""
        page = by_number(reachable_projects(self.access).filter(teams=self.team).order_by("slug"), request.query_params)
        return self.paged(page, project_summaries(page.rows, self.access))

    @operation(
        Operation(
            "createTeamProject", PROJECT_WRITE, takes=NewProject, answers=ProjectSummary, statuses=(201,), fails=(409,)
        )
    )
    def post(self, request: Request) -> Response:
        """Make a project that belongs to the team, with a key to report with."""
        wish = read(NewProject, request.data)
        project = create_project(
            self.organization,
            wish["name"],
            wish.get("slug", ""),
            wish.get("platform"),
            self.team,
            self.user,
            ip_address=self.address,
        )
        return Response(project_summary(project, self.access), status=201)
