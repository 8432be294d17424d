"""Making organizations, teams and memberships: the rows that belong together, written together."""

from collections.abc import Iterable

from django.conf import settings
from django.db import IntegrityError, transaction

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.orgs import reservations
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import (
    Organization,
    OrganizationMember,
    OrganizationMemberTeam,
    Team,
)
from vedette.orgs.roles import is_role
from vedette.orgs.slugs import (
    LEAST_ORGANIZATION_LENGTH,
    ORGANIZATION_LENGTH,
    RESERVED,
    TEAM_LENGTH,
    SlugTaken,
    check_slug,
    slug_from,
    with_suffix,
)

LONGEST_NAME = 64


def may_create_organizations(user: User) -> bool:
    """Whether this person makes organizations: superusers, of whom the first owner is one, and where the server is set
    up so everybody."""
    return user.is_active and (user.is_superuser or settings.VEDETTE.open_organizations)


def create_organization(
    name: str, slug: str = "", owner: User | None = None, *, ip_address: str | None = None
) -> Organization:
    """A new organization with its slug reserved, its first team, and `owner` as owner and in that team.

    Without a slug one is made of the name. Raises `RuleBroken` for a bad name or slug and `SlugTaken`; of two that race
    for a slug one gets it.
    """
    _check_name(name)
    slug = slug or _free_organization_slug(name)
    check_slug(slug, ORGANIZATION_LENGTH, shortest=LEAST_ORGANIZATION_LENGTH, reserved=RESERVED)
    if reservations.is_taken(slug):
        raise SlugTaken("An organization")
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name.strip(), slug=slug)
            reservations.claim(slug, organization.pk, user_id=owner.pk if owner else None)
            record(
                AuditEvent.ORG_CREATE,
                organization,
                by=owner,
                target=organization.pk,
                data={"slug": slug, "name": name},
                ip_address=ip_address,
            )
            team = create_team(organization, name, slug, by=owner, ip_address=ip_address)
            if owner:
                add_member(organization, owner, "owner", teams=(team,), by=owner, ip_address=ip_address)
    except IntegrityError as error:
        if Organization.objects.filter(slug=slug).exists():
            raise SlugTaken("An organization") from error
        raise
    return organization


def create_team(
    organization: Organization, name: str, slug: str = "", *, by: User | None = None, ip_address: str | None = None
) -> Team:
    """A new, empty team. Raises `RuleBroken` for a bad name or slug and `SlugTaken`."""
    _check_name(name)
    slug = slug or slug_from(name, TEAM_LENGTH, "team")
    check_slug(slug, TEAM_LENGTH)
    try:
        with transaction.atomic():
            team = Team.objects.create(organization=organization, name=name.strip(), slug=slug)
    except IntegrityError as error:
        if Team.objects.filter(organization=organization, slug=slug).exists():
            raise SlugTaken("A team") from error
        raise
    record(
        AuditEvent.TEAM_CREATE,
        organization,
        by=by,
        target=team.pk,
        data={"slug": slug, "name": name},
        ip_address=ip_address,
    )
    return team


@transaction.atomic
def add_member(
    organization: Organization,
    user: User,
    role: str = "member",
    *,
    teams: Iterable[Team] = (),
    by: User | None = None,
    ip_address: str | None = None,
) -> OrganizationMember:
    """Make `user` a member with an organization role, and put them into `teams` of this organization.

    Raises `RuleBroken` when the role is unknown, a team is another organization's, or they are a member already.
    """
    teams = tuple(teams)
    if not is_role(role):
        raise RuleBroken({"orgRole": [f'"{role}" is not a valid role.']})
    if any(team.organization_id != organization.pk for team in teams):
        raise RuleBroken({"teams": ["Invalid team"]})
    member, created = OrganizationMember.objects.get_or_create(
        organization=organization, user_id=user.pk, defaults={"role": role, "user_email": user.email}
    )
    if not created:
        raise RuleBroken({"email": [f"The user {user.email or user.username} is already a member"]})
    OrganizationMemberTeam.objects.bulk_create(
        OrganizationMemberTeam(organizationmember=member, team=team) for team in teams
    )
    record(
        AuditEvent.MEMBER_ADD,
        organization,
        by=by,
        target=member.pk,
        target_user=user.pk,
        data={"role": role, "email": user.email},
        ip_address=ip_address,
    )
    return member


def _check_name(name: str) -> None:
    if not name.strip():
        raise RuleBroken({"name": ["This field may not be blank."]})
    if len(name.strip()) > LONGEST_NAME:
        raise RuleBroken({"name": [f"Ensure this field has no more than {LONGEST_NAME} characters."]})


def _free_organization_slug(name: str) -> str:
    slug = slug_from(name, ORGANIZATION_LENGTH, "org")
    is_short = len(slug) < LEAST_ORGANIZATION_LENGTH
    if is_short or slug in RESERVED or reservations.is_taken(slug):
        return with_suffix(slug, ORGANIZATION_LENGTH)
    return slug
