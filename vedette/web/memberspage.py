"""What the pages of members and teams show: rows with everything in them, a few queries however many there are."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from vedette.accounts.claims import is_waiting
from vedette.accounts.models import User
from vedette.orgs.access import Access, reachable_teams
from vedette.orgs.invitelinks import is_expired
from vedette.orgs.models import InviteStatus, OrganizationMember, OrganizationMemberTeam, Team
from vedette.orgs.places import may_join
from vedette.orgs.roles import role, team_role

PER_PAGE = 100
MOST_INVITATIONS = 200
MOST_CHOICES = 500


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One line of the members' list. An invitation has no `user`; `teams` are slugs."""

    pk: int
    user: User | None
    inviter: User | None
    name: str
    email: str
    role: str
    teams: tuple[str, ...]
    added_at: datetime
    expires_at: datetime | None
    is_active: bool
    is_expired: bool
    is_unclaimed: bool
    is_self: bool


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One line of the teams' list."""

    team: Team
    members: int
    projects: int
    is_in: bool
    may_join: bool


@dataclass(frozen=True, slots=True)
class TeamMemberRow:
    """A member of a team."""

    member: OrganizationMember
    user: User | None
    name: str
    role: str
    role_name: str
    is_self: bool


def member_rows(members: Collection[OrganizationMember], access: Access, now: datetime) -> list[MemberRow]:
    """Members and invitations for a list."""
    users = User.objects.in_bulk([pk for one in members for pk in (one.user_id, one.inviter_id) if pk])
    teams = _teams_of(members, access)
    return [_row(one, users, teams[one.pk], access, now) for one in members]


def _row(
    member: OrganizationMember, users: dict[int, User], teams: list[str], access: Access, now: datetime
) -> MemberRow:
    user = users.get(member.user_id or 0)
    return MemberRow(
        pk=member.pk,
        user=user,
        inviter=users.get(member.inviter_id or 0),
        name=user.display_name if user else member.email or "",
        email=(user.email if user else member.email) or "",
        role=role(member.role).name,
        teams=tuple(teams),
        added_at=member.date_added,
        expires_at=member.token_expires_at,
        is_active=user is None or user.is_active,
        is_expired=member.user_id is None and (not member.token or is_expired(member, now)),
        is_unclaimed=user is not None and is_waiting(user),
        is_self=member.pk == access.member_id,
    )


def _teams_of(members: Collection[OrganizationMember], access: Access) -> dict[int, list[str]]:
    """The teams of each, as far as the visitor sees them."""
    places = OrganizationMemberTeam.objects.filter(
        organizationmember__in=[one.pk for one in members], is_active=True, team__in=reachable_teams(access)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for member, slug in places.order_by("team__slug").values_list("organizationmember_id", "team__slug"):
        found[member].append(slug)
    return found


def team_rows(access: Access) -> list[TeamRow]:
    """The teams that the visitor sees."""
    active = Q(memberships__is_active=True, memberships__organizationmember__user_id__isnull=False)
    rows = reachable_teams(access).annotate(size=Count("memberships", filter=active, distinct=True))
    rows = rows.annotate(owned=Count("projects", filter=Q(projects__status=0), distinct=True))
    return [
        TeamRow(team, team.size, team.owned, team.pk in access.teams, may_join(access, team))
        for team in rows.order_by("slug")[:MOST_CHOICES]
    ]


def team_member_rows(team: Team, access: Access) -> list[TeamMemberRow]:
    """Who is in a team, and who is invited into it."""
    places = (
        OrganizationMemberTeam.objects.filter(
            team=team, is_active=True, organizationmember__invite_status=InviteStatus.APPROVED
        )
        .select_related("organizationmember")
        .order_by("organizationmember")[:MOST_CHOICES]
    )
    users = User.objects.in_bulk([one.organizationmember.user_id for one in places if one.organizationmember.user_id])
    return [_team_member(one, users, access) for one in places]


def _team_member(place: OrganizationMemberTeam, users: dict[int, User], access: Access) -> TeamMemberRow:
    member = place.organizationmember
    user, stands = users.get(member.user_id or 0), team_role(place.role, member.role)
    return TeamMemberRow(
        member=member,
        user=user,
        name=user.display_name if user else member.email or "",
        role=stands.id,
        role_name=stands.name,
        is_self=member.pk == access.member_id,
    )


def others_for(team: Team) -> list[tuple[int, str]]:
    """Members of the organization who are not in the team: (membership's id, name)."""
    inside = OrganizationMemberTeam.objects.filter(team=team, is_active=True)
    members = OrganizationMember.objects.filter(
        organization_id=team.organization_id, invite_status=InviteStatus.APPROVED
    ).exclude(pk__in=inside.values("organizationmember_id"))
    rows = list(members.order_by("pk")[:MOST_CHOICES])
    users = User.objects.in_bulk([one.user_id for one in rows if one.user_id])
    named = [(one.pk, _called(one, users.get(one.user_id or 0))) for one in rows]
    return sorted(named, key=lambda pair: pair[1].lower())


def _called(member: OrganizationMember, user: User | None) -> str:
    if user is None:
        return f"{member.email or 'somebody'} (invited)"
    return user.display_name if user.display_name == user.email else f"{user.display_name} ({user.email})"
