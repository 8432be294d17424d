"""Invitations: a membership without a user, and a link with which somebody takes it.

The link is good for 30 days and once. It is shown to whoever invites, when it is made, because many servers send no
mail; so following it proves nothing about an address, unless it carries the signature that only the mail has
(`invitelinks`). A new link ends the one before. The token lies in the row as it is, because exports have it so.
Source: the API specification, sections 4 and 12, and the relocation specification, appendix A.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q

from vedette.accounts.models import User, UserEmail
from vedette.accounts.users import create_user
from vedette.core.errors import Refused, RuleBroken
from vedette.core.ids import new_hex
from vedette.mail.outbox import put_alone
from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.invitelinks import is_expired, proof_of
from vedette.orgs.invitemail import INVITATION_MAIL
from vedette.orgs.memberlog import record_member
from vedette.orgs.members import INVITE, MANAGE, NotAllowed, check_role, is_own_invitation, lock, locked, stands_above
from vedette.orgs.models import (
    AuditLogEntry,
    InviteStatus,
    Organization,
    OrganizationMember,
    OrganizationStatus,
)
from vedette.orgs.places import Place, place_in

VALID = timedelta(days=30)
LONGEST_ADDRESS = 75
MOST_PENDING = 1000  # invitations of one organization that nobody has taken yet
MOST_AN_HOUR = 100  # invitations and repetitions of one organization: nobody's mail server is a cannon
_HOUR = timedelta(hours=1)


class TooMany(Refused):
    """Enough was invited for now."""

    code = "too-many-invitations"
    status = 429


class InvitationIsOver(RuleBroken):
    """The link is wrong, was used, or the invitation was withdrawn: nobody is told which. Or it has expired."""

    code = "invitation-is-over"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link leads to. `is_proven`: whoever follows it reads the mail of the address that was invited."""

    member: OrganizationMember
    organization: Organization
    inviter: User | None
    is_proven: bool


@transaction.atomic
def invite(
    access: Access,
    email: str,
    role_name: str,
    places: Sequence[Place],
    now: datetime,
    *,
    send: bool = True,
    ip_address: str | None = None,
) -> OrganizationMember:
    """Invite an address with a role and into teams, and have the mail sent unless `send` is false.

    Raises `NotAllowed` for a role that the caller may not give, `RuleBroken` for anything else that cannot be, and
    `TooMany`.
    """
    if not access.has_any(*INVITE):
        raise NotAllowed("You may not invite anybody.")
    email = _checked_address(email)
    check_role(access, role_name)
    lock(access.organization.pk)
    _refuse_more(access.organization, now)
    _refuse_doubles(access.organization, email)
    member = OrganizationMember.objects.create(
        organization=access.organization,
        email=email,
        role=role_name,
        token=new_hex(32),
        token_expires_at=now + VALID,
        inviter_id=access.user.pk if access.user else None,
        date_added=now,
    )
    place_in(member, places)
    _told(access, member, now, send=send, ip_address=ip_address)
    return member


@transaction.atomic
def repeat(
    access: Access,
    member: OrganizationMember,
    now: datetime,
    *,
    renew: bool = False,
    send: bool = True,
    ip_address: str | None = None,
) -> OrganizationMember:
    """Send an invitation again; with a new link, which ends the one before, if `renew` or if the old one is over.

    Raises `NotAllowed`, `RuleBroken` for somebody who has joined, and `TooMany`.
    """
    member = locked(access, member)
    if not may_repeat(access, member):
        raise NotAllowed("You may not send this invitation.")
    if member.user_id is not None:
        raise RuleBroken("This invitation has been accepted already.")
    _refuse_more(access.organization, now, fresh=False)
    if renew or not member.token or is_expired(member, now):
        member.token, member.token_expires_at = new_hex(32), now + VALID
        OrganizationMember.objects.filter(pk=member.pk).update(
            token=member.token, token_expires_at=member.token_expires_at
        )
    _told(access, member, now, send=send, ip_address=ip_address)
    return member


def may_repeat(access: Access, member: OrganizationMember) -> bool:
    """Whether the caller may send the invitation again: their own, or any of a role that they could give."""
    manages = access.has_any(*MANAGE) and not stands_above(access, member)
    return manages or (is_own_invitation(access, member) and not stands_above(access, member))


def find(token: str, proof: str, now: datetime) -> Invitation:
    """What the link leads to. Raises `InvitationIsOver`."""
    waiting = OrganizationMember.objects.select_related("organization").filter(
        user_id__isnull=True,
        invite_status=InviteStatus.APPROVED,
        organization__status=OrganizationStatus.ACTIVE,
    )
    member = waiting.filter(token=token).first() if 0 < len(token) <= 64 else None
    if member is None or not secrets.compare_digest((member.token or "").encode(), token.encode(errors="replace")):
        raise InvitationIsOver("This invitation is wrong, was used already, or was withdrawn.")
    if is_expired(member, now):
        raise InvitationIsOver("This invitation has expired.")
    inviter = User.objects.filter(pk=member.inviter_id).first() if member.inviter_id else None
    is_proven = secrets.compare_digest(proof_of(member).encode(), proof.encode(errors="replace"))
    return Invitation(member, member.organization, inviter, is_proven)


@transaction.atomic
def accept(invitation: Invitation, user: User, now: datetime, *, ip_address: str | None = None) -> None:
    """Make `user` the member. Of two who follow one link at once, one is.

    Raises `InvitationIsOver`, and `RuleBroken` for somebody who is a member already.
    """
    member = invitation.member
    unexpired = Q(token_expires_at__isnull=True) | Q(token_expires_at__gt=now)
    waiting = OrganizationMember.objects.filter(unexpired, pk=member.pk, token=member.token, user_id__isnull=True)
    try:
        with transaction.atomic():
            taken = waiting.update(
                user_id=user.pk, user_email=user.email, email=None, token=None, token_expires_at=None
            )
    except IntegrityError as error:
        raise RuleBroken(f"You belong to {invitation.organization.name} already.") from error
    if not taken:
        raise InvitationIsOver("This invitation is wrong, was used already, or was withdrawn.")
    if invitation.is_proven:
        UserEmail.objects.filter(user=user, email__iexact=member.email).update(is_verified=True)
    record(
        AuditEvent.MEMBER_ACCEPT_INVITE,
        invitation.organization,
        by=user,
        target=member.pk,
        target_user=user.pk,
        data={"email": member.email, "role": member.role},
        ip_address=ip_address,
    )


def accept_as_new(
    invitation: Invitation, name: str, password: str, now: datetime, *, ip_address: str | None = None
) -> User:
    """Make an account for the invited address, and it the member. Its address is proven if the mail was followed.

    Raises `InvitationIsOver`, and `RuleBroken` where the address has an account.
    """
    address = invitation.member.email or ""
    try:
        with transaction.atomic():
            user = create_user(address, password, name=name.strip(), verified=invitation.is_proven)
            accept(invitation, user, now, ip_address=ip_address)
    except IntegrityError as error:  # somebody made the account at this very moment
        raise RuleBroken({"email": ["A user with this e-mail address already exists."]}) from error
    return user


def _checked_address(email: str) -> str:
    """The address in lower case: the same person is not invited twice. Raises `RuleBroken`."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise RuleBroken({"email": ["Enter a valid email address."]}) from error
    if len(email) > LONGEST_ADDRESS:
        raise RuleBroken({"email": [f"Ensure this field has no more than {LONGEST_ADDRESS} characters."]})
    return email


def _refuse_doubles(organization: Organization, email: str) -> None:
    members = OrganizationMember.objects.filter(organization=organization)
    if members.filter(user_id__isnull=True, email__iexact=email).exists():
        raise RuleBroken({"email": [f"The user {email} has already been invited"]})
    named = User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email))
    verified = UserEmail.objects.filter(email__iexact=email, is_verified=True)
    if members.filter(Q(user_id__in=named.values("pk")) | Q(user_id__in=verified.values("user_id"))).exists():
        raise RuleBroken({"email": [f"The user {email} is already a member"]})


def _refuse_more(organization: Organization, now: datetime, *, fresh: bool = True) -> None:
    """Raises `RuleBroken` where too many wait, and `TooMany` where too much was sent lately; behind the lock."""
    waiting = OrganizationMember.objects.filter(organization=organization, user_id__isnull=True)
    if fresh and waiting.count() >= MOST_PENDING:
        raise RuleBroken({"email": [f"{MOST_PENDING} invitations wait to be accepted; withdraw some first."]})
    sent = AuditLogEntry.objects.filter(organization_id=organization.pk, event=AuditEvent.MEMBER_INVITE)
    if sent.filter(datetime__gt=now - _HOUR).count() >= MOST_AN_HOUR:
        raise TooMany(f"{MOST_AN_HOUR} invitations were sent within an hour. Wait a while, then go on.")


def _told(access: Access, member: OrganizationMember, now: datetime, *, send: bool, ip_address: str | None) -> None:
    record_member(AuditEvent.MEMBER_INVITE, access, member, {"role": member.role}, ip_address)
    if send and access.user is not None:
        put_alone(INVITATION_MAIL, access.user.pk, {"member": member.pk}, now)
