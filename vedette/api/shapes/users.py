"""People."""

from collections.abc import Iterable
from typing import Any, TypedDict

from vedette.accounts.avatars import ident_of
from vedette.accounts.models import AvatarType, User
from vedette.api.shapes.base import Avatar, Moment, picture, z
from vedette.core.clock import as_z


class UserEmail(TypedDict):
    """An address of a user."""

    id: str
    email: str
    is_verified: bool


class UserShape(TypedDict):
    """A person."""

    id: str
    name: str
    username: str
    email: str
    avatarUrl: str
    avatar: Avatar
    isActive: bool
    isManaged: bool
    hasPasswordAuth: bool
    has2fa: bool
    isSuperuser: bool
    isStaff: bool
    dateJoined: Moment
    lastLogin: Moment | None
    lastActive: Moment | None
    experiments: dict[str, Any]
    emails: list[UserEmail]


class UserOptions(TypedDict):
    """How a person likes the pages."""

    theme: str
    language: str
    timezone: str
    clock24Hours: bool
    stacktraceOrder: int
    defaultIssueEvent: str


class OwnUserShape(UserShape):
    """The person who asks."""

    options: UserOptions
    flags: dict[str, bool]
    identities: list[Any]
    permissions: list[str]


def users_by_id(ids: Iterable[int | None]) -> dict[int, UserShape]:
    """The users with these ids: three queries, however many they are."""
    wanted = {number for number in ids if number}
    if not wanted:
        return {}
    users = User.objects.filter(pk__in=wanted).prefetch_related("emails", "authenticators")
    return {user.pk: as_user(user) for user in users}


def as_user(user: User) -> UserShape:
    """A person, with addresses and second factors as they were fetched with it."""
    ident = ident_of(user)
    kind = AvatarType(user.avatar_type).word if user.avatar_type in tuple(AvatarType) else AvatarType.LETTERS.word
    shown = picture(kind, ident, "avatar")
    return {
        "id": str(user.pk),
        "name": user.display_name,
        "username": user.username,
        "email": user.email,
        "avatarUrl": shown["avatarUrl"] or user.avatar_url or "",
        "avatar": {**shown, "avatarUrl": shown["avatarUrl"] or user.avatar_url},
        "isActive": user.is_active,
        "isManaged": user.is_managed,
        "hasPasswordAuth": bool(user.password) and user.has_usable_password(),
        "has2fa": any(factor.type for factor in user.authenticators.all()),
        "isSuperuser": user.is_superuser,
        "isStaff": user.is_staff,
        "dateJoined": as_z(user.date_joined),
        "lastLogin": z(user.last_login),
        "lastActive": z(user.last_active),
        "experiments": {},
        "emails": [
            {"id": str(address.pk), "email": address.email, "is_verified": address.is_verified}
            for address in user.emails.all()
        ],
    }


def as_own_user(user: User) -> OwnUserShape:
    """The person who asks, with what only they see."""
    return {
        **as_user(user),
        "options": {
            "theme": "system",
            "language": "en",
            "timezone": "UTC",
            "clock24Hours": True,
            "stacktraceOrder": -1,
            "defaultIssueEvent": "recommended",
        },
        "flags": {"newsletter_consent_prompt": False},
        "identities": [],
        "permissions": [],
    }
