"""Who belongs to an organization: roles, leaving, removing, and who may do that to whom.

Nobody gives a role above their own or changes somebody who stands above them, and an organization always keeps an
owner who can sign in. Whatever could take the last one away waits for the organization's row, so that of two that
race one is refused. A link that somebody holds is never worth more than what they might give: the links of who leaves
or steps down are void, and so is one whose invitation somebody else changes; it can be sent again.
Source: the API specification, sections 4 and 12.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent
from vedette.orgs.memberlog import record_member
from vedette.orgs.models import InviteStatus, Organization, OrganizationMember
from vedette.orgs.places import Place, place_in
from vedette.orgs.roles import ROLES, Role, is_role, place_of, role

INVITE = ("member:invite", "member:write", "member:admin")
MANAGE = ("member:write", "member:admin")
_VOID: dict[str, Any] = {"token": None, "token_expires_at": None}
LAST_OWNER = "Somebody has to own the organization: make another member an owner first."


class NotAllowed(RuleBroken):
    """What the caller holds does not reach so far; the API answers 403."""

    code = "not-allowed"


def roles_to_give(access: Access) -> tuple[Role, ...]:
    """The roles that the caller may give to somebody, weakest first: those up to their own."""
    if not access.has_any(*INVITE):
        return ()
    return tuple(one for one in ROLES if place_of(one.id) <= place_of(access.role))


def check_role(access: Access, name: str) -> None:
    """Raises `RuleBroken` unless there is a role of that name, and `NotAllowed` unless the caller may give it."""
    if not is_role(name):
        raise RuleBroken({"orgRole": [f'"{name[:32]}" is not a valid role.']})
    if name not in {one.id for one in roles_to_give(access)}:
        raise NotAllowed(f"You may not give anybody the role {role(name).name}.")


def stands_above(access: Access, member: OrganizationMember) -> bool:
    """Whether the member's role is above the caller's."""
    return place_of(member.role) > place_of(access.role)


def may_change(access: Access, member: OrganizationMember) -> bool:
    """Whether the caller may change the member's role and teams, or remove somebody else."""
    return access.has_any(*MANAGE) and not stands_above(access, member)


def may_remove(access: Access, member: OrganizationMember) -> bool:
    """Whether the caller may remove the member: themselves, an invitation of theirs, or whom they may change."""
    if member.pk == access.member_id or may_change(access, member):
        return True
    return is_own_invitation(access, member)


def is_own_invitation(access: Access, member: OrganizationMember) -> bool:
    """Whether the member is an invitation that the caller has sent, and they may still invite."""
    is_theirs = access.user is not None and member.inviter_id == access.user.pk
    return member.user_id is None and is_theirs and access.has_any(*INVITE)


def is_only_owner(member: OrganizationMember) -> bool:
    """Whether nobody could manage the organization without this member."""
    if member.role != "owner" or member.user_id is None:
        return False
    others = OrganizationMember.objects.filter(
        organization_id=member.organization_id, role="owner", invite_status=InviteStatus.APPROVED
    ).exclude(pk=member.pk)
    ids = [user_id for user_id in others.values_list("user_id", flat=True) if user_id]
    return not User.objects.active().filter(pk__in=ids).exists()


@transaction.atomic
def change_member(
    access: Access,
    member: OrganizationMember,
    *,
    role_name: str | None = None,
    places: Sequence[Place] | None = None,
    ip_address: str | None = None,
) -> bool:
    """Give a member, or an invitation, another role and put them into exactly these teams; None leaves alone.

    True if anything changed. Raises `NotAllowed`, and `RuleBroken` for an unknown role and for the last owner.
    """
    member = locked(access, member)
    if not may_change(access, member):
        raise NotAllowed("You may not change this member.")
    told: dict[str, Any] = {}
    if role_name is not None and role_name != member.role:
        check_role(access, role_name)
        if is_only_owner(member):
            raise RuleBroken({"orgRole": [LAST_OWNER]})
        OrganizationMember.objects.filter(pk=member.pk).update(role=role_name)
        _void_links(member, above=role_name)
        told["role"] = f"from {member.role} to {role_name}"
    if places is not None and place_in(member, places):
        told["teams"] = ", ".join(place.team.slug for place in places)
    if told and member.user_id is None and (access.user is None or member.inviter_id != access.user.pk):
        OrganizationMember.objects.filter(pk=member.pk).update(**_VOID)
    if told:
        record_member(AuditEvent.MEMBER_EDIT, access, member, told, ip_address)
    return bool(told)


@transaction.atomic
def remove_member(access: Access, member: OrganizationMember, *, ip_address: str | None = None) -> None:
    """Take a member or an invitation out of the organization; whoever removes themselves leaves it.

    Raises `NotAllowed`, and `RuleBroken` for the last owner.
    """
    member = locked(access, member)
    if not may_remove(access, member):
        raise NotAllowed("You may not remove this member.")
    if is_only_owner(member):
        raise RuleBroken(LAST_OWNER)
    record_member(AuditEvent.MEMBER_REMOVE, access, member, {"role": member.role}, ip_address)
    _void_links(member)
    OrganizationMember.objects.filter(pk=member.pk).delete()


def _void_links(member: OrganizationMember, *, above: str | None = None) -> None:
    """End the links of the invitations that a member has sent: all, or those into roles above `above`."""
    if member.user_id is None:
        return
    sent = OrganizationMember.objects.filter(
        organization_id=member.organization_id, user_id__isnull=True, inviter_id=member.user_id
    )
    if above is not None:
        sent = sent.filter(role__in=[one.id for one in ROLES if place_of(one.id) > place_of(above)])
    sent.update(**_VOID)


def lock(organization_id: int) -> None:
    """Make whoever else changes who belongs to the organization wait until this transaction ends."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def locked(access: Access, member: OrganizationMember) -> OrganizationMember:
    """The member as it is now, behind the organization's lock. Raises `RuleBroken` if somebody removed it."""
    lock(access.organization.pk)
    found = OrganizationMember.objects.filter(pk=member.pk, organization=access.organization).first()
    if found is None:
        raise RuleBroken("This member is not there any more.")
    return found
