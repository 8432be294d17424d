"""The places of members in teams: joining, leaving, team roles.

With open membership everybody joins the teams that they see; otherwise somebody who manages the team puts them there.
A team role is given by those who manage the team. Source: the API specification, sections 4 and 12.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access, reachable_teams
from vedette.orgs.audit import AuditEvent
from vedette.orgs.memberlog import record_member
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam, Team

TEAM_MANAGE = ("team:write", "team:admin", "member:write", "member:admin")
LEAST, ADMIN = "contributor", "admin"
MOST_TEAMS = 500  # that one request puts somebody into


@dataclass(frozen=True, slots=True)
class Place:
    """A team, and the team role in it: empty is the least one."""

    team: Team
    role: str | None = None


def may_manage(access: Access, team: Team) -> bool:
    """Whether the caller may put people into the team, take them out and give them team roles."""
    return team.organization_id == access.organization.pk and access.has_any_for_teams(
        frozenset({team.pk}), *TEAM_MANAGE
    )


def may_join(access: Access, team: Team) -> bool:
    """Whether the caller may put themselves into the team: whoever sees it with open membership does."""
    return access.member_id is not None and (access.all_projects or may_manage(access, team))


def read_team_role(name: str | None) -> str | None:
    """A team role as it is stored. Raises `RuleBroken` for one that does not exist."""
    if name not in (None, "", LEAST, ADMIN):
        raise RuleBroken({"teamRole": [f'"{str(name)[:32]}" is not a valid team role.']})
    return ADMIN if name == ADMIN else None


def places_among(access: Access, wanted: Iterable[tuple[str, str | None]]) -> list[Place]:
    """The places that (slug of a team, team role) name, among the teams that the caller sees; of one team the last.

    Raises `RuleBroken` for a team that is not there, and for team roles that the caller may not give.
    """
    asked = {slug: read_team_role(name) for slug, name in wanted}
    if len(asked) > MOST_TEAMS:
        raise RuleBroken({"teamRoles": [f"{len(asked)} teams, {MOST_TEAMS} are allowed."]})
    teams = {team.slug: team for team in reachable_teams(access).filter(slug__in=list(asked))}
    if missing := sorted(asked.keys() - teams.keys()):
        raise RuleBroken({"teamRoles": [f"There is no team {missing[0][:50]!r}."]})
    places = [Place(teams[slug], name) for slug, name in asked.items()]
    for place in places:
        if place.role == ADMIN and not may_manage(access, place.team):
            raise RuleBroken({"teamRoles": [f"You may not make anybody an admin of the team {place.team.slug!r}."]})
    return places


def place_in(member: OrganizationMember, places: Sequence[Place]) -> bool:
    """Make these the member's only places in teams that are there; True if that changed anything. Behind the lock of
    `members`."""
    rows = OrganizationMemberTeam.objects.filter(organizationmember=member, team__status=0)
    before = {team: name for team, name, active in rows.values_list("team_id", "role", "is_active") if active}
    after = {place.team.pk: place.role for place in places}
    if {team: read_stored(name) for team, name in before.items()} == after:
        return False
    rows.exclude(team_id__in=list(after)).delete()
    OrganizationMemberTeam.objects.bulk_create(
        [OrganizationMemberTeam(organizationmember=member, team=one.team, role=one.role) for one in places],
        update_conflicts=True,
        update_fields=["role", "is_active"],
        unique_fields=["team", "organizationmember"],
    )
    return True


def read_stored(name: str | None) -> str | None:
    """A team role as Vedette stores it: `contributor` of an import is the least one."""
    return ADMIN if name == ADMIN else None


@transaction.atomic
def join(
    access: Access, member: OrganizationMember, team: Team, name: str | None = None, *, ip_address: str | None = None
) -> bool:
    """Put a member into a team; False if they were in it. The caller has been asked whether that may be."""
    row, created = OrganizationMemberTeam.objects.get_or_create(
        team=team, organizationmember=member, defaults={"role": name}
    )
    if not created:
        away = OrganizationMemberTeam.objects.filter(pk=row.pk, is_active=False)
        created = bool(away.update(is_active=True, role=name))
    if created:
        record_member(AuditEvent.MEMBER_EDIT, access, member, {"team": f"joined {team.slug}"}, ip_address)
    return created


@transaction.atomic
def leave(access: Access, member: OrganizationMember, team: Team, *, ip_address: str | None = None) -> bool:
    """Take a member out of a team; False if they were not in it."""
    gone, _ = OrganizationMemberTeam.objects.filter(team=team, organizationmember=member).delete()
    if gone:
        record_member(AuditEvent.MEMBER_EDIT, access, member, {"team": f"left {team.slug}"}, ip_address)
    return bool(gone)


@transaction.atomic
def set_team_role(
    access: Access, member: OrganizationMember, team: Team, name: str | None, *, ip_address: str | None = None
) -> bool:
    """Give a member of a team another team role; False if they are not in it."""
    rows = OrganizationMemberTeam.objects.filter(team=team, organizationmember=member, is_active=True)
    changed = rows.update(role=name)
    if changed:
        record_member(AuditEvent.MEMBER_EDIT, access, member, {"team": f"{name or LEAST} of {team.slug}"}, ip_address)
    return bool(changed)
