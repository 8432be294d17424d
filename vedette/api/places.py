"""Members in teams, and the teams of a project."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint, TeamEndpoint, one_of
from vedette.api.errors import InsufficientScope
from vedette.api.members import member_named
from vedette.api.operations import (
    PAGING,
    PLACE_WRITE,
    PROJECT_WRITE,
    TEAM_READ,
    TEAM_WRITE,
    Operation,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.shapes.members import TeamMember, TeamRoleState, as_team_members
from vedette.api.shapes.organizations import organization_details
from vedette.api.shapes.projects import ProjectDetails, project_details
from vedette.api.shapes.teams import TeamShape, as_team
from vedette.orgs import places
from vedette.orgs.access import reachable_teams
from vedette.orgs.members import NotAllowed
from vedette.orgs.models import InviteStatus, OrganizationMember, OrganizationMemberTeam, Team
from vedette.orgs.roles import team_role
from vedette.projects.teams import add_team, remove_team


class TeamMembers(TeamEndpoint):
    """The members of a team."""

    tag = "Teams"

    @operation(Operation("listTeamMembers", TEAM_READ, query=PAGING, answers=list[TeamMember]))
    def get(self, request: Request) -> Response:
        """The members of a team with their team roles, and who is invited into it."""
        rows = OrganizationMemberTeam.objects.filter(
            team=self.team, is_active=True, organizationmember__invite_status=InviteStatus.APPROVED
        )
        page = by_number(rows.select_related("organizationmember").order_by("organizationmember"), request.query_params)
        return self.paged(page, as_team_members(page.rows, self.team))


class TeamRoleChange(Wish):
    """A team role."""

    teamRole = serializers.CharField(max_length=32)


class MemberTeam(OrganizationEndpoint):
    """A member's place in a team."""

    tag = "Teams"

    @operation(Operation("addMemberToTeam", PLACE_WRITE, answers=TeamShape, statuses=(201, 204)))
    def post(self, request: Request) -> Response:
        """Put a member into a team, or join one (`me`); 204 for a member of it.

        Who sees a team with open membership may join it; somebody else is put into it by those who hold team:write,
        for the team at least.
        """
        member, team = self._named()
        if not (places.may_manage(self.access, team) or (self._is_self(member) and places.may_join(self.access, team))):
            raise NotAllowed("Only those who manage the team put somebody into it.")
        joined = places.join(self.access, member, team, ip_address=self.address)
        return Response(as_team(team, self.access), status=201) if joined else Response(status=204)

    @operation(Operation("updateTeamRole", TEAM_WRITE, takes=TeamRoleChange, answers=TeamRoleState))
    def put(self, request: Request) -> Response:
        """Give a member of a team a team role: `contributor` or `admin`."""
        member, team = self._named()
        if not places.may_manage(self.access, team):
            raise NotAllowed("Only those who manage the team give team roles in it.")
        name = places.read_team_role(read(TeamRoleChange, request.data)["teamRole"])
        if not places.set_team_role(self.access, member, team, name, ip_address=self.address):
            raise NotAllowed("They are not in this team.")
        return Response({"isActive": True, "teamRole": team_role(name, member.role).id})

    @operation(Operation("removeMemberFromTeam", PLACE_WRITE, answers=TeamShape))
    def delete(self, request: Request) -> Response:
        """Take a member out of a team, or leave it (`me`)."""
        member, team = self._named()
        if not (places.may_manage(self.access, team) or self._is_self(member)):
            raise NotAllowed("Only those who manage the team take somebody out of it.")
        places.leave(self.access, member, team, ip_address=self.address)
        return Response(as_team(team, self.access))

    def holds(self, *scopes: str) -> bool:
        """Also who holds a scope for the team alone is let in."""
        return super().holds(*scopes) or self.access.has_any_for_teams(frozenset(self.access.teams), *scopes)

    def _is_self(self, member: OrganizationMember) -> bool:
        return member.pk == self.access.member_id

    def _named(self) -> tuple[OrganizationMember, Team]:
        member = member_named(self.access, self.path["member_id"])
        team: Team = one_of(reachable_teams(self.access), self.path["team_id_or_slug"])
        team.organization = self.organization
        return member, team


class ProjectTeamItem(ProjectEndpoint):
    """A team of a project."""

    tag = "Projects"

    @operation(Operation("addProjectTeam", PROJECT_WRITE, answers=ProjectDetails, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Let a team have the project. The caller needs project:write in the team, too."""
        add_team(self.project, self._team(), by=self.user, ip_address=self.address)
        return Response(self._details(), status=201)

    @operation(Operation("removeProjectTeam", PROJECT_WRITE, answers=ProjectDetails))
    def delete(self, request: Request) -> Response:
        """Take the project away from a team. The caller needs project:write in the team, too."""
        remove_team(self.project, self._team(), by=self.user, ip_address=self.address)
        return Response(self._details())

    def _team(self) -> Team:
        team: Team = one_of(reachable_teams(self.access), self.path["team_id_or_slug"])
        if not self.access.has_any_for_teams(frozenset({team.pk}), *PROJECT_WRITE):
            raise InsufficientScope(PROJECT_WRITE)
        return team

    def _details(self) -> ProjectDetails:
        return project_details(self.project, self.access, {**organization_details(self.organization, self.access)})
