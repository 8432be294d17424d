"""Changing the settings of organizations and teams; each change goes into the audit log.

Source: the release specification, section 20.
"""

from typing import Any

from django.db import IntegrityError, transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs import options as org_options
from vedette.orgs import relays, reservations
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.avatars import TYPES, set_organization_avatar
from vedette.orgs.models import (
    Organization,
    OrganizationFlags,
    OrganizationStatus,
    Team,
)
from vedette.orgs.options import OPTIONS, role_name, set_option
from vedette.orgs.secondfactor import check_may_require
from vedette.orgs.services import LONGEST_NAME
from vedette.orgs.slugs import (
    LEAST_ORGANIZATION_LENGTH,
    ORGANIZATION_LENGTH,
    RESERVED,
    TEAM_LENGTH,
    SlugTaken,
    check_slug,
)
from vedette.tasks.names import DELETIONS
from vedette.tasks.schedule import hasten

# The switches that are bits of `Organization.flags`; those with True say the opposite of their bit.
FLAGS = {
    "openMembership": (OrganizationFlags.ALLOW_JOINLEAVE, False),
    "allowSharedIssues": (OrganizationFlags.DISABLE_SHARED_ISSUES, True),
    "enhancedPrivacy": (OrganizationFlags.ENHANCED_PRIVACY, False),
    "isEarlyAdopter": (OrganizationFlags.EARLY_ADOPTER, False),
    "codecovAccess": (OrganizationFlags.CODECOV_ACCESS, False),
    "require2FA": (OrganizationFlags.REQUIRE_2FA, False),
    "requireEmailVerification": (OrganizationFlags.REQUIRE_EMAIL_VERIFICATION, False),
    "allowMemberProjectCreation": (OrganizationFlags.DISABLE_MEMBER_PROJECT_CREATION, True),
}


# What nobody could rely on if it were switched on: the sentence says why it is refused.
NOT_ENFORCED = {
    "requireEmailVerification": "Addresses are not verified yet, so it cannot be required.",
}


def change_organization(
    organization: Organization,
    changes: dict[str, Any],
    *,
    by: User | None = None,
    label: str = "",
    ip_address: str | None = None,
) -> dict[str, str]:
    """Apply `changes` (API field to value; others are left alone) and say what changed, as the audit log has it.

    Knows `slug`, `name`, `defaultRole`, `cancelDeletion`, `trustedRelays`, `avatarType` with `avatar` (the bytes of a
    picture), the options and the flags. Raises `RuleBroken`, of which `SlugTaken` is one, and `PictureTooLarge`, and
    then nothing has changed.
    """
    refuse_scrubbing_rules(changes)
    try:
        with transaction.atomic():
            row = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
            told = _change_slug(row, changes, by) | _change_options(row, changes)
            told |= _change_flags(row, changes, by) | _change_columns(row, changes)
            told |= _change_avatar(row, changes)
            restored = _restore(row, changes)
            row.save(update_fields=["slug", "name", "default_role", "flags", "status"])
            if restored or told:
                event = AuditEvent.ORG_RESTORE if restored else AuditEvent.ORG_EDIT
                record(event, row, by=by, label=label, target=row.pk, data=told, ip_address=ip_address)
    except IntegrityError as error:
        raise SlugTaken("An organization") from error
    for name in ("slug", "name", "default_role", "flags", "status"):
        setattr(organization, name, getattr(row, name))
    return told


@transaction.atomic
def schedule_deletion(
    organization: Organization, *, by: User | None = None, label: str = "", ip_address: str | None = None
) -> bool:
    """Give an organization up: it is gone for everybody at once. False if it was gone before.

    Its slug stays taken until its data is deleted.
    """
    active = Organization.objects.filter(pk=organization.pk, status=OrganizationStatus.ACTIVE)
    if not active.update(status=OrganizationStatus.PENDING_DELETION):
        return False
    data = {"slug": organization.slug, "name": organization.name}
    record(
        AuditEvent.ORG_REMOVE,
        organization,
        by=by,
        label=label,
        target=organization.pk,
        data=data,
        ip_address=ip_address,
    )
    hasten(DELETIONS, clock.now())
    organization.status = OrganizationStatus.PENDING_DELETION
    return True


def refuse_scrubbing_rules(changes: dict[str, Any]) -> None:
    """Raises `RuleBroken` for scrubbing rules: kept and not obeyed, they would promise what is not done."""
    field = org_options.RELAY_PII_CONFIG.field
    if changes.get(field):
        raise RuleBroken({field: ["Advanced scrubbing rules are not supported yet."]})


def _change_slug(row: Organization, changes: dict[str, Any], by: User | None) -> dict[str, str]:
    """The slug before stays the organization's: links and tokens that name it lead to the new one."""
    slug = changes.get("slug", row.slug)
    if slug == row.slug:
        return {}
    check_slug(slug, ORGANIZATION_LENGTH, shortest=LEAST_ORGANIZATION_LENGTH, reserved=RESERVED)
    if Organization.objects.filter(slug=slug).exclude(pk=row.pk).exists():
        raise SlugTaken("An organization")
    reservations.rename(row.pk, row.slug, slug, user_id=by.pk if by else None)
    return _moved(row, "slug", slug)


def _change_options(row: Organization, changes: dict[str, Any]) -> dict[str, str]:
    told = {}
    for option in OPTIONS:
        if option.field in changes and (change := set_option(row, option, changes[option.field])):
            told[option.field] = change
    if relays.FIELD in changes and (change := relays.set_relays(row, changes[relays.FIELD], clock.now())):
        told[relays.FIELD] = change
    return told


def _change_avatar(row: Organization, changes: dict[str, Any]) -> dict[str, str]:
    """A picture without a word of its kind is one to be shown."""
    photo, kind = changes.get("avatar"), changes.get("avatarType", "upload" if changes.get("avatar") else None)
    if kind is None:
        return {}
    set_organization_avatar(row, TYPES[kind], photo)
    return {"avatar": f"to {kind}"}


def _restore(row: Organization, changes: dict[str, Any]) -> bool:
    """Whether the organization was being given up, and is not any more."""
    if not changes.get("cancelDeletion") or row.status != OrganizationStatus.PENDING_DELETION:
        return False
    row.status = OrganizationStatus.ACTIVE
    return True


def _change_flags(row: Organization, changes: dict[str, Any], by: User | None) -> dict[str, str]:
    told = {}
    for field, (bit, negated) in FLAGS.items():
        if field not in changes:
            continue
        wanted = bool(changes[field]) != negated
        if field in NOT_ENFORCED and wanted and not row.has_flag(bit):
            raise RuleBroken({field: [NOT_ENFORCED[field]]})
        if bit is OrganizationFlags.REQUIRE_2FA and wanted and not row.has_flag(bit):
            check_may_require(by)
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
