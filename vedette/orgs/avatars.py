"""The picture of an organization, or the letters that stand for it."""

from collections.abc import Collection

from vedette.accounts import avatars
from vedette.accounts.models import AvatarType
from vedette.orgs.models import Organization, OrganizationAvatar

TYPES = {"letter_avatar": AvatarType.LETTERS, "upload": AvatarType.UPLOAD}


def set_organization_avatar(organization: Organization, kind: AvatarType, photo: bytes | None = None) -> None:
    """Choose what stands for the organization; in the caller's transaction. Raises as `set_user_avatar` does."""
    avatars.store(OrganizationAvatar, {"organization": organization}, kind, photo, "avatarType", "avatar")


def idents_of(organization_ids: Collection[int]) -> dict[int, str]:
    """The names of the pictures of those that show one, by the organization's id. One query."""
    rows = OrganizationAvatar.objects.filter(
        organization_id__in=list(organization_ids), avatar_type=AvatarType.UPLOAD, photo__isnull=False
    )
    return dict(rows.values_list("organization_id", "ident"))
