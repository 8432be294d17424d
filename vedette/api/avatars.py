"""The pictures of people and organizations.

Source: the release specification, section 19.
"""

import base64
import binascii
from collections.abc import Collection
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.avatars import set_user_avatar
from vedette.accounts.models import AvatarType, User
from vedette.api.bodies import Wish, read
from vedette.api.endpoint import Endpoint, OrganizationEndpoint
from vedette.api.operations import ORG_WRITE, Operation, operation
from vedette.api.shapes.organizations import OrganizationWithoutProjects, organization_details
from vedette.api.shapes.users import OwnUserShape, as_own_user
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.core.pictures import MOST_BYTES, PictureTooLarge
from vedette.orgs.avatars import TYPES
from vedette.orgs.changes import change_organization

OWN = ("member:write", "member:admin")
_KINDS = {kind.word: kind for kind in AvatarType}


class UserAvatarWish(Wish):
    """What stands for a person; a picture is base64 of a GIF, JPEG or PNG."""

    kinds = tuple(kind.word for kind in AvatarType)
    avatar_type = serializers.CharField()
    avatar_photo = serializers.CharField(required=False, allow_blank=True)

    def validate_avatar_type(self, value: str) -> str:
        """One of the words."""
        return kind_of(value, self.kinds)


class OrganizationAvatarWish(UserAvatarWish):
    """What stands for an organization."""

    kinds = tuple(TYPES)


class UserAvatarItem(Endpoint):
    """What stands for a person."""

    tag = "Identity"

    def find(self) -> User:
        """The user that the path names: the one who asks, or for a superuser anybody. Raises `NotFound`."""
        caller, text = self.user, self.path["user_id"]
        if caller is None:
            raise NotFound
        if text == "me" or as_id(text) == caller.pk:
            return caller
        found = User.objects.filter(pk=as_id(text) or 0).first() if caller.is_superuser else None
        if found is None:
            raise NotFound
        return found

    @operation(Operation("getUserAvatar", OWN, answers=OwnUserShape))
    def get(self, request: Request) -> Response:
        """A person with what stands for them."""
        return Response(as_own_user(self.find()))

    @operation(Operation("updateUserAvatar", OWN, takes=UserAvatarWish, answers=OwnUserShape, fails=(413,)))
    def put(self, request: Request) -> Response:
        """Choose letters, a Gravatar or a picture: square, with 256 to 1,024 pixels a side."""
        user = self.find()
        wish = read(UserAvatarWish, request.data)
        photo = photo_of(wish.get("avatar_photo"), "avatar_photo")
        set_user_avatar(user, _KINDS[wish["avatar_type"]], photo)
        return Response(as_own_user(user))


class OrganizationAvatarItem(OrganizationEndpoint):
    """What stands for an organization."""

    tag = "Organizations"

    @operation(
        Operation(
            "updateOrganizationAvatar",
            ORG_WRITE,
            takes=OrganizationAvatarWish,
            answers=OrganizationWithoutProjects,
            fails=(413,),
        )
    )
    def put(self, request: Request) -> Response:
        """Choose letters or a picture: square, with 256 to 1,024 pixels a side."""
        wish = read(OrganizationAvatarWish, request.data)
        changes: dict[str, Any] = {"avatarType": wish["avatar_type"]}
        if photo := photo_of(wish.get("avatar_photo"), "avatar_photo"):
            changes["avatar"] = photo
        try:
            change_organization(self.organization, changes, by=self.user, ip_address=self.address)
        except RuleBroken as broken:
            names = {"avatar": "avatar_photo", "avatarType": "avatar_type"}
            raise RuleBroken({names.get(name, name): said for name, said in broken.errors.items()}) from None
        return Response(organization_details(self.organization, self.access))


def kind_of(word: str, kinds: Collection[str]) -> str:
    """The word, if it is one of `kinds`. Raises `ValidationError`."""
    if word not in kinds:
        raise ValidationError(f'"{word[:50]}" is not a valid choice.')
    return word


def photo_of(text: str | None, field: str) -> bytes | None:
    """The bytes of a picture in base64, with or without `data:` before them; None for nothing.

    Raises `RuleBroken` by the field, and `PictureTooLarge` before anything is decoded.
    """
    encoded = (text or "").strip()
    if encoded.startswith("data:"):
        encoded = encoded.partition(",")[2]
    if len(encoded) > (MOST_BYTES + 2) // 3 * 4 + 100:
        raise PictureTooLarge
    try:
        return base64.b64decode(encoded, validate=True) or None
    except (binascii.Error, ValueError):
        raise RuleBroken({field: ["Invalid image format."]}) from None
