"""Which members an e-mail address belongs to: only proven addresses count, because commits name whom they like."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models.functions import Lower

from vedette.accounts.models import UserEmail
from vedette.core.pieces import pieces
from vedette.orgs.models import InviteStatus, OrganizationMember


def members_by_address(organization_id: int, addresses: Collection[str]) -> dict[str, list[int]]:
    """The ids of the organization's active members by their verified addresses (in lower case), the oldest first."""
    members = OrganizationMember.objects.filter(
        organization_id=organization_id, invite_status=InviteStatus.APPROVED, user_id__isnull=False
    )
    found: dict[str, list[int]] = defaultdict(list)
    for some in pieces(address.lower() for address in addresses):
        rows = UserEmail.objects.annotate(address=Lower("email")).filter(
            address__in=some, is_verified=True, user__is_active=True, user__in=members.values("user_id")
        )
        for address, user in rows.order_by("user_id").values_list("address", "user_id"):
            if user not in found[address]:
                found[address].append(user)
    return dict(found)
