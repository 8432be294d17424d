"""The mail that invites somebody. It goes to the invited address, which nobody has proven: who reads it proves it.

The outbox keeps it under whoever invites, for who is invited may have no account. What it says is looked up when it is
sent, so an invitation that was accepted or withdrawn meanwhile is not sent.
"""

from datetime import timedelta

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.text import one_line
from vedette.mail.letters import Letter
from vedette.mail.outbox import Items, Kind
from vedette.orgs.invitelinks import is_expired, mail_url_of
from vedette.orgs.models import InviteStatus, OrganizationMember, OrganizationStatus
from vedette.orgs.roles import role

KIND = "invitation"
LONGEST_NAME = 100


def compose(user: User, items: Items, left_out: int) -> Letter | None:
    """The mail, unless there is nothing to accept any more."""
    member = _waiting(items)
    if member is None or not member.token or is_expired(member, clock.now()):
        return None
    organization = one_line(member.organization.name, LONGEST_NAME)
    context = {
        "organization": organization,
        "inviter": one_line(user.display_name, LONGEST_NAME),
        "role": role(member.role).name,
        "link": mail_url_of(member),
        "until": member.token_expires_at,
    }
    return Letter(subject=f"Join {organization} on Vedette", template="invitation", context=context)


def recipient(items: Items) -> str:
    """The invited address; empty once nobody is invited by it."""
    member = _waiting(items)
    return (member.email or "") if member else ""


def _waiting(items: Items) -> OrganizationMember | None:
    pk = items[0].get("member") if items else None
    rows = OrganizationMember.objects.select_related("organization").filter(
        pk=pk or 0,
        user_id__isnull=True,
        invite_status=InviteStatus.APPROVED,
        organization__status=OrganizationStatus.ACTIVE,
    )
    return rows.first()


INVITATION_MAIL = Kind(None, timedelta(0), compose, own_name=KIND, recipient=recipient)
