"""Roles of organizations and teams."""

from typing import TypedDict

from vedette.orgs.access import Access
from vedette.orgs.members import roles_to_give
from vedette.orgs.roles import ROLES, TEAM_ROLES, role


class OrgRole(TypedDict):
    """A role in an organization. `isAllowed`: whether the caller may give it to somebody."""

    id: str
    name: str
    desc: str
    scopes: list[str]
    isAllowed: bool
    isRetired: bool
    isGlobal: bool
    minimumTeamRole: str


class TeamRole(TypedDict):
    """A role in a team. `isMinimumRoleFor` names the organization role that carries it."""

    id: str
    name: str
    desc: str
    scopes: list[str]
    isAllowed: bool
    isRetired: bool
    isMinimumRoleFor: str | None


def org_roles(access: Access) -> list[OrgRole]:
    """All of them, weakest first. Who may invite gives those up to their own."""
    allowed = {one.id for one in roles_to_give(access)}
    return [
        {
            "id": one.id,
            "name": one.name,
            "desc": one.description,
            "scopes": sorted(one.scopes),
            "isAllowed": one.id in allowed,
            "isRetired": one.is_retired,
            "isGlobal": one.is_global,
            "minimumTeamRole": one.minimum_team_role,
        }
        for one in ROLES
    ]


def team_roles(caller_role: str | None) -> list[TeamRole]:
    """All of them, weakest first."""
    may_give = caller_role is not None and "team:admin" in role(caller_role).scopes
    return [
        {
            "id": one.id,
            "name": one.name,
            "desc": one.description,
            "scopes": sorted(one.scopes),
            "isAllowed": may_give,
            "isRetired": one.is_retired,
            "isMinimumRoleFor": "admin" if one.id == "admin" else None,
        }
        for one in TEAM_ROLES
    ]
