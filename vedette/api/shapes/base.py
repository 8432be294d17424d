"""What several objects share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypedDict

from django.conf import settings

from vedette.core.clock import as_z

Moment = Annotated[str, "date-time"]
Url = Annotated[str, "uri"]


class Error(TypedDict):
    """Why a request failed, in one sentence."""

    detail: str


class Avatar(TypedDict):
    """A picture, or the letters that stand for one."""

    avatarType: str
    avatarUuid: str | None
    avatarUrl: str | None


LETTERS: Avatar = {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None}


def picture(kind: str, ident: str | None, directory: str) -> Avatar:
    """What stands for an owner; `directory` is the first part of the address of pictures of its kind."""
    url = f"{settings.VEDETTE.url}/{directory}/{ident}/" if ident else None
    return {"avatarType": kind, "avatarUuid": ident, "avatarUrl": url}


def z(moment: datetime | None) -> Moment | None:
    """`moment` as text that ends in Z, or None."""
    return as_z(moment) if moment else None


def texts(value: Any) -> list[str]:
    """The strings of a stored list, whatever is stored."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def flag(options: Mapping[str, Any], key: str, default: bool) -> bool:
    """A stored switch, or its default."""
    value = options.get(key)
    return bool(value) if isinstance(value, bool | int) else default


def number(options: Mapping[str, Any], key: str, default: int) -> int:
    """A stored whole number, or its default."""
    value = options.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def text(options: Mapping[str, Any], key: str, default: str = "") -> str:
    """A stored text, or its default."""
    value = options.get(key)
    return value if isinstance(value, str) else default
