"""Changing the settings of organizations and teams; each change goes into the audit log.

Source: the release specification, section 20.
"""

from typing import Any

from django.db import IntegrityError, transaction

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.orgs import options as org_options
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Organization, OrganizationFlags, Team
from vedette.orgs.options import OPTIONS, role_name, set_option
from vedette.orgs.services import LONGEST_NAME
from vedette.orgs.slugs import TEAM_LENGTH, SlugTaken, check_slug

# The switches that are bits of `Organization.flags`; those with True say the opposite of their bit.
FLAGS = {
    "openMembership": (OrganizationFlags.ALLOW_JOINLEAVE, False),
    "allowSharedIssues": (OrganizationFlags.DISABLE_SHARED_ISSUES, True),
    "enhancedPrivacy": (OrganizationFlags.ENHANCED_PRIVACY, False),
    "isEarlyAdopter": (OrganizationFlags.EARLY_ADOPTER, False),
    "allowMemberProjectCreation": (OrganizationFlags.DISABLE_MEMBER_PROJECT_CREATION, True),
}


@transaction.atomic
def change_organization(
    organization: Organization,
    changes: dict[str, Any],
    *,
    by: User | None = None,
    label: str = "",
    ip_address: str | None = None,
) -> dict[str, str]:
    """Apply `changes` (API field to value; others are left alone) and say what changed, as the audit log has it.

    Knows `name`, `defaultRole`, the options and the flags. Raises `RuleBroken`, and then nothing has changed.
    """
    refuse_scrubbing_rules(changes)
    told: dict[str, str] = {}
    for option in OPTIONS:
        if option.field in changes and (change := set_option(organization, option, changes[option.field])):
            told[option.field] = change
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    told |= _change_flags(row, changes) | _change_columns(row, changes)
    row.save()
    if told:
        record(AuditEvent.ORG_EDIT, row, by=by, label=label, target=row.pk, data=told, ip_address=ip_address)
    organization.name, organization.flags, organization.default_role = row.name, row.flags, row.default_role
    return told


def refuse_scrubbing_rules(changes: dict[str, Any]) -> None:
    """Raises `RuleBroken` for scrubbing rules: kept and not obeyed, they would promise what is not done."""
    field = org_options.RELAY_PII_CONFIG.field
    if changes.get(field):
        raise RuleBroken({field: ["Advanced scrubbing rules are not supported yet."]})


def _change_flags(row: Organization, changes: dict[str, Any]) -> dict[str, str]:
    told = {}
    for field, (bit, negated) in FLAGS.items():
        if field not in changes:
            continue
        wanted = bool(changes[field]) != negated
        if wanted != row.has_flag(bit):
            row.flags ^= int(bit)
            told[bit.name.lower() if bit.name else field] = f"to {wanted}"
    return told


def _change_columns(row: Organization, changes: dict[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    if "name" in changes:
        told |= _moved(row, "name", _checked_name(changes["name"]))
    if "defaultRole" in changes:
        try:
            told |= _moved(row, "default_role", role_name(changes["defaultRole"]))
        except RuleBroken as error:
            raise RuleBroken({"defaultRole": error.errors[""]}) from error
    return told


def _moved(row: Organization, column: str, after: str) -> dict[str, str]:
    before = getattr(row, column)
    setattr(row, column, after)
    return {column: f"from {before} to {after}"} if before != after else {}


def change_team(
    team: Team,
    *,
    name: str | None = None,
    slug: str | None = None,
    by: User | None = None,
    ip_address: str | None = None,
) -> bool:
    """Rename a team; None leaves alone. True if anything changed. Raises `RuleBroken` and `SlugTaken`."""
    if slug is not None:
        check_slug(slug, TEAM_LENGTH)
    after = {"name": team.name if name is None else _checked_name(name), "slug": slug or team.slug}
    if after == {"name": team.name, "slug": team.slug}:
        return False
    try:
        with transaction.atomic():
            Team.objects.filter(pk=team.pk).update(**after)
            record(AuditEvent.TEAM_EDIT, team.organization, by=by, target=team.pk, data=after, ip_address=ip_address)
    except IntegrityError as error:
        raise SlugTaken("A team") from error
    team.name, team.slug = after["name"], after["slug"]
    return True


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise RuleBroken({"name": ["This field may not be blank."]})
    if len(name) > LONGEST_NAME:
        raise RuleBroken({"name": [f"Ensure this field has no more than {LONGEST_NAME} characters."]})
    return name
