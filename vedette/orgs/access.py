"""What a caller may do in one organization. Denied is the default: no membership, no `Access`.

Source: the API specification, section 4.
"""

from dataclasses import dataclass, field

from django.db.models import QuerySet

from vedette.accounts.models import User
from vedette.orgs.models import (
    InviteStatus,
    Organization,
    OrganizationFlags,
    OrganizationMember,
    OrganizationMemberTeam,
    OrganizationOption,
    OrganizationStatus,
    Team,
)
from vedette.orgs.roles import role, team_role


@dataclass(frozen=True, slots=True)
class Access:
    """A caller inside an organization.

    `scopes` hold organization-wide, after intersecting the role with the token. `teams` maps the ids of the caller's
    teams to the scopes that hold for their projects in addition. `all_projects`: reads every project of the
    organization (open membership, a global role, or an organization token). `member_id` is None for tokens.
    """

    organization: Organization
    scopes: frozenset[str]
    user: User | None = None
    member_id: int | None = None
    role: str | None = None
    all_projects: bool = False
    is_global: bool = False
    teams: dict[int, frozenset[str]] = field(default_factory=dict)

    def has_any(self, *scopes: str) -> bool:
        """Whether one of `scopes` holds for the whole organization."""
        return not self.scopes.isdisjoint(scopes)

    def has_any_for_teams(self, team_ids: frozenset[int], *scopes: str) -> bool:
        """Whether one of `scopes` holds for something that belongs to these teams."""
        return self.has_any(*scopes) or any(
            not self.teams[team_id].isdisjoint(scopes) for team_id in team_ids & self.teams.keys()
        )


def access_of_user(
    user: User,
    organization: Organization,
    token_scopes: frozenset[str] | None = None,
    *,
    status: OrganizationStatus = OrganizationStatus.ACTIVE,
) -> Access | None:
    """What `user` may do in `organization`, limited to `token_scopes` when a token speaks for them; None: nothing.

    Superusers act as owners of every organization. Of one that is not in `status`, nobody may do anything.
    """
    if organization.status != status or not user.is_active:
        return None
    member = OrganizationMember.objects.filter(
        organization=organization, user_id=user.pk, invite_status=InviteStatus.APPROVED
    ).first()
    if member is None and not user.is_superuser:
        return None
    role_name = "owner" if user.is_superuser or member is None else member.role
    limit = token_scopes if token_scopes is not None else None
    granted = role(role_name).scopes - _withheld(organization, role_name)
    scopes = granted if limit is None else granted & limit
    teams = {} if member is None else _teams_of(member, role_name, limit)
    is_global = role(role_name).is_global
    return Access(
        organization=organization,
        scopes=scopes,
        user=user,
        member_id=member.pk if member else None,
        role=role_name,
        all_projects=is_global or organization.has_flag(OrganizationFlags.ALLOW_JOINLEAVE),
        is_global=is_global,
        teams=teams,
    )


def access_of_org_token(organization: Organization, scopes: frozenset[str]) -> Access | None:
    """What an organization token may do: its scopes, on every project, as nobody."""
    if organization.status != OrganizationStatus.ACTIVE:
        return None
    return Access(organization=organization, scopes=scopes, all_projects=True, is_global=True)


def reachable_teams(access: Access) -> QuerySet[Team]:
    """The teams that the caller may see: with open membership all, otherwise their own."""
    teams = Team.objects.filter(organization=access.organization, status=0)
    return teams if access.all_projects else teams.filter(pk__in=list(access.teams))


def _withheld(organization: Organization, role_name: str) -> frozenset[str]:
    """What the organization's switches take from plain members."""
    if role_name != "member":
        return frozenset()
    switches = {
        "sentry:events_member_admin": "event:admin",
        "sentry:alerts_member_write": "alerts:write",
        "sentry:allow_member_invite": "member:invite",
    }
    off = OrganizationOption.objects.filter(organization=organization, key__in=switches, value=False)
    return frozenset(switches[key] for key in off.values_list("key", flat=True))


def _teams_of(member: OrganizationMember, role_name: str, limit: frozenset[str] | None) -> dict[int, frozenset[str]]:
    rows = OrganizationMemberTeam.objects.filter(organizationmember=member, is_active=True, team__status=0)
    found = {}
    for team_id, name in rows.values_list("team_id", "role"):
        scopes = team_role(name, role_name).scopes
        found[team_id] = scopes if limit is None else scopes & limit
    return found
