"""The pictures that people choose for themselves.

A row of its own holds the picture; the user's row says of which kind theirs is and where it is found, so that lists of
people need no further query. Source: the release specification, section 19.
"""

import re
from typing import Any

from django.db import transaction

from vedette.accounts.models import AvatarRow, AvatarType, User, UserAvatar
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex
from vedette.core.pictures import cleaned

_OWN = re.compile(r"/avatar/([0-9a-f]{32})/")


def set_user_avatar(user: User, kind: AvatarType, photo: bytes | None = None) -> None:
    """Choose what stands for `user`: letters, the picture `photo` or the one that is kept, or a Gravatar.

    Raises `PictureTooLarge`, and `RuleBroken` for a photo that is none and for an upload without any.
    """
    with transaction.atomic():
        row = store(UserAvatar, {"user": user}, kind, photo, "avatar_type", "avatar_photo")
        url = f"/avatar/{row.ident}/" if kind is AvatarType.UPLOAD else None
        User.objects.filter(pk=user.pk).update(avatar_type=kind, avatar_url=url)
    user.avatar_type, user.avatar_url = kind, url


def ident_of(user: User) -> str | None:
    """The name of the user's own picture on this server, 32 hex digits; None for everybody whom letters stand for."""
    match = _OWN.fullmatch(user.avatar_url or "") if user.avatar_type == AvatarType.UPLOAD else None
    return match[1] if match else None


def store(
    table: type[AvatarRow], owner: dict[str, Any], kind: AvatarType, photo: bytes | None, type_field: str, field: str
) -> Any:
    """Write the avatar of an owner, in the caller's transaction: a new picture gets a new name, for addresses are kept
    for long by whoever shows them. Without a picture the one before stays. `type_field` and `field` name what is wrong.
    """
    fresh: dict[str, Any] = {"avatar_type": kind}
    if photo:
        try:
            fresh |= {"photo": cleaned(photo), "ident": new_hex(16)}
        except RuleBroken as error:
            raise RuleBroken({field: error.errors[""]}) from error
    rows: Any = table._default_manager
    row, _ = rows.select_for_update().get_or_create(**owner)
    if kind is AvatarType.UPLOAD and not photo and not row.photo:
        raise RuleBroken({type_field: [f"Cannot set {type_field} to upload without {field}"]})
    for name, value in fresh.items():
        setattr(row, name, value)
    row.save(update_fields=[*fresh])
    return row
