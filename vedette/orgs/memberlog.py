"""What the audit log says of a member: by the address that they have now, or were invited at."""

from typing import Any

from vedette.accounts.models import User
from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import OrganizationMember


def address_of_member(member: OrganizationMember) -> str:
    """The address by which people know a member."""
    user = User.objects.filter(pk=member.user_id).first() if member.user_id else None
    return (user.email or user.username if user else member.email) or ""


def record_member(
    event: AuditEvent, access: Access, member: OrganizationMember, data: dict[str, Any], ip_address: str | None
) -> None:
    """Write an entry about `member`, in the caller's transaction."""
    record(
        event,
        access.organization,
        by=access.user,
        target=member.pk,
        target_user=member.user_id,
        data={"email": address_of_member(member), **data},
        ip_address=ip_address,
    )
