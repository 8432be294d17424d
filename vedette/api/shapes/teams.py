"""Teams."""

from collections.abc import Collection
from typing import Any, TypedDict

from django.db.models import Count, Q

from vedette.api.shapes.base import LETTERS, Avatar, Moment
from vedette.core.clock import as_z
from vedette.orgs.access import Access
from vedette.orgs.models import OrganizationMemberTeam, Team
from vedette.orgs.roles import team_role

TeamFlags = TypedDict("TeamFlags", {"idp:provisioned": bool})
TeamFlags.__doc__ = "Who manages a team."


class TeamShape(TypedDict):
    """A team, as the caller stands to it."""

    id: str
    slug: str
    name: str
    dateCreated: Moment
    isMember: bool
    teamRole: str | None
    flags: TeamFlags
    access: list[str]
    hasAccess: bool
    isPending: bool
    memberCount: int
    avatar: Avatar


class TeamName(TypedDict):
    """A team by name."""

    id: str
    slug: str
    name: str


def as_teams(teams: Collection[Team], access: Access) -> list[TeamShape]:
    """Teams for a list: two queries, however many they are."""
    sizes = _sizes(teams)
    roles = _own_roles(teams, access)
    return [_team(team, access, sizes.get(team.pk, 0), roles) for team in teams]


def as_team(team: Team, access: Access) -> TeamShape:
    """One team."""
    return as_teams([team], access)[0]


def _team(team: Team, access: Access, size: int, roles: dict[int, str]) -> TeamShape:
    is_member = team.pk in access.teams
    return {
        "id": str(team.pk),
        "slug": team.slug,
        "name": team.name,
        "dateCreated": as_z(team.date_added),
        "isMember": is_member,
        "teamRole": roles.get(team.pk) if is_member else None,
        "flags": {"idp:provisioned": team.idp_provisioned},
        "access": sorted(access.scopes | access.teams.get(team.pk, frozenset())),
        "hasAccess": is_member or access.all_projects,
        "isPending": False,
        "memberCount": size,
        "avatar": LETTERS,
    }


def _sizes(teams: Collection[Team]) -> dict[int, int]:
    active = Q(memberships__is_active=True, memberships__organizationmember__user_is_active=True)
    rows = Team.objects.filter(pk__in=[team.pk for team in teams]).annotate(size=Count("memberships", filter=active))
    return dict(rows.values_list("pk", "size"))


def _own_roles(teams: Collection[Team], access: Access) -> dict[int, str]:
    if access.member_id is None or access.role is None:
        return {}
    rows: Any = OrganizationMemberTeam.objects.filter(organizationmember_id=access.member_id, team__in=teams)
    return {team_id: team_role(name, access.role).id for team_id, name in rows.values_list("team_id", "role")}


def team_name(team: Team) -> TeamName:
    """A team by name."""
    return {"id": str(team.pk), "slug": team.slug, "name": team.name}
