"""Making a team with its maker in it, the team of somebody who names none, and deleting one."""

from django.db import transaction
from django.db.models import Q

from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import OrganizationMemberTeam, Team
from vedette.orgs.places import ADMIN
from vedette.orgs.services import create_team
from vedette.orgs.slugs import TEAM_LENGTH, slug_from, with_suffix

MAKE = ("org:write", "org:admin", "team:write", "team:admin")


@transaction.atomic
def make_team(access: Access, name: str, slug: str = "", *, ip_address: str | None = None) -> Team:
    """A new team; whoever makes it is its admin, if they are a member. Raises `RuleBroken` and `SlugTaken`."""
    team = create_team(access.organization, name, slug, by=access.user, ip_address=ip_address)
    if access.member_id is not None:
        OrganizationMemberTeam.objects.create(team=team, organizationmember_id=access.member_id, role=ADMIN)
    return team


def own_team(access: Access, *, ip_address: str | None = None) -> Team:
    """The team of which the caller is the admin and that is called after them; made when it is first needed."""
    called = access.user.username.partition("@")[0] if access.user else ""
    slug = f"team-{slug_from(called, TEAM_LENGTH - 12, 'member')}"
    teams = Team.objects.filter(Q(slug=slug) | Q(slug__startswith=f"{slug}-"), organization=access.organization)
    if access.member_id is not None:
        mine = teams.filter(status=0, memberships__organizationmember_id=access.member_id, memberships__role=ADMIN)
        if found := mine.order_by("pk").first():
            return found
    slug = with_suffix(slug, TEAM_LENGTH) if teams.filter(slug=slug).exists() else slug
    return make_team(access, slug, slug, ip_address=ip_address)


@transaction.atomic
def delete_team(access: Access, team: Team, *, ip_address: str | None = None) -> bool:
    """Delete a team; False if it was gone. Its members and projects stay, its issues are nobody's."""
    found = Team.objects.filter(pk=team.pk, organization=access.organization).first()
    if found is None:
        return False
    found.delete()
    data = {"slug": team.slug, "name": team.name}
    record(
        AuditEvent.TEAM_REMOVE, access.organization, by=access.user, target=team.pk, data=data, ip_address=ip_address
    )
    return True
