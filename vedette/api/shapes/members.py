"""Members of an organization, and who is invited."""

from collections.abc import Collection
from typing import TypedDict

from vedette.api.shapes.base import Moment
from vedette.api.shapes.roles import OrgRole, TeamRole, org_roles, team_roles
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.orgs.access import Access
from vedette.orgs.members import is_only_owner
from vedette.orgs.models import InviteStatus, OrganizationMember, OrganizationMemberTeam, Team
from vedette.orgs.roles import role, team_role

MemberFlags = TypedDict(
    "MemberFlags",
    {
        "idp:provisioned": bool,
        "idp:role-restricted": bool,
        "sso:linked": bool,
        "sso:invalid": bool,
        "member-limit:restricted": bool,
        "partnership:restricted": bool,
    },
)
MemberFlags.__doc__ = "How a membership is managed."
# The bits of `OrganizationMember.flags`, bit 0 first.
_FLAG_BITS = (
    "sso:linked",
    "sso:invalid",
    "member-limit:restricted",
    "idp:provisioned",
    "idp:role-restricted",
    "partnership:restricted",
)


class MemberShape(TypedDict):
    """A member, or an invitation where `user` is null."""

    id: str
    email: str
    name: str
    user: UserShape | None
    orgRole: str
    role: str
    roleName: str
    pending: bool
    expired: bool
    flags: MemberFlags
    dateCreated: Moment
    inviteStatus: str
    inviterName: str | None


class TeamRoleOf(TypedDict):
    """A member's place in a team."""

    teamSlug: str
    role: str | None


class MemberDetails(MemberShape):
    """A member with teams and with the roles that there are."""

    teams: list[str]
    teamRoles: list[TeamRoleOf]
    orgRoleList: list[OrgRole]
    teamRoleList: list[TeamRole]
    invite_link: str | None
    isOnlyOwner: bool


def as_members(members: Collection[OrganizationMember]) -> list[MemberShape]:
    """Members for a list: three queries, however many they are."""
    users = users_by_id(number for member in members for number in (member.user_id, member.inviter_id))
    return [_member(member, users) for member in members]


def _member(member: OrganizationMember, users: dict[int, UserShape]) -> MemberShape:
    user = users.get(member.user_id or 0)
    inviter = users.get(member.inviter_id or 0)
    email = (user["email"] if user else None) or member.email or member.user_email or ""
    expires = member.token_expires_at
    return {
        "id": str(member.pk),
        "email": email,
        "name": user["name"] if user else email,
        "user": user,
        "orgRole": member.role,
        "role": member.role,
        "roleName": role(member.role).name,
        "pending": member.user_id is None,
        "expired": member.user_id is None and expires is not None and expires <= clock.now(),
        "flags": _flags(member.flags),
        "dateCreated": as_z(member.date_added),
        "inviteStatus": InviteStatus(member.invite_status).name.lower(),
        "inviterName": inviter["name"] if inviter else None,
    }


def _flags(bits: int) -> MemberFlags:
    on = {name: bool(bits & 1 << place) for place, name in enumerate(_FLAG_BITS)}
    return {
        "idp:provisioned": on["idp:provisioned"],
        "idp:role-restricted": on["idp:role-restricted"],
        "sso:linked": on["sso:linked"],
        "sso:invalid": on["sso:invalid"],
        "member-limit:restricted": on["member-limit:restricted"],
        "partnership:restricted": on["partnership:restricted"],
    }


def member_details(member: OrganizationMember, access: Access, *, invite_link: str | None = None) -> MemberDetails:
    """One member. `isOnlyOwner`: without them nobody could manage the organization. `invite_link` is told in the answer
    to the request that makes it, and never again."""
    places = member.team_memberships.filter(is_active=True, team__status=0).order_by("team__slug")
    teams = list(places.values_list("team__slug", "role"))
    return {
        **as_members([member])[0],
        "teams": [slug for slug, _ in teams],
        "teamRoles": [{"teamSlug": slug, "role": team_role(name, member.role).id} for slug, name in teams],
        "orgRoleList": org_roles(access),
        "teamRoleList": team_roles(access.role),
        "invite_link": invite_link,
        "isOnlyOwner": is_only_owner(member),
    }


class TeamRoleState(TypedDict):
    """How a member stands in a team."""

    isActive: bool
    teamRole: str


class TeamMember(MemberShape):
    """A member as a team has them."""

    teamRole: str | None
    teamSlug: str


def as_team_members(places: Collection[OrganizationMemberTeam], team: Team) -> list[TeamMember]:
    """The members of a team for a list: three queries, however many they are."""
    shapes = as_members([place.organizationmember for place in places])
    return [
        {**shape, "teamRole": team_role(place.role, place.organizationmember.role).id, "teamSlug": team.slug}
        for place, shape in zip(places, shapes, strict=True)
    ]
