"""The links of invitations: the one that is shown to whoever invites, and the one in the mail, which proves more."""

from datetime import datetime

from django.conf import settings
from django.core.signing import Signer
from django.urls import reverse

from vedette.orgs.models import OrganizationMember

_SALT = "vedette.invitation"


def url_of(member: OrganizationMember) -> str:
    """The link, as it is shown to whoever invites."""
    return settings.VEDETTE.url + reverse("web:accept", args=[member.token])


def mail_url_of(member: OrganizationMember) -> str:
    """The link, as it is in the mail and nowhere else."""
    return f"{url_of(member)}?proof={proof_of(member)}"


def proof_of(member: OrganizationMember) -> str:
    """What only the mail to the invited address has."""
    return Signer(salt=_SALT).signature(f"{member.token}:{member.email}")


def is_expired(member: OrganizationMember, now: datetime) -> bool:
    """Whether the link is too old; one that came without an end has none."""
    return member.token_expires_at is not None and member.token_expires_at <= now
