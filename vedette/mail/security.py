"""Telling people what happened to the ways into their account, so that they notice what somebody else did.

It goes to a verified address, cannot be switched off, and holds no link that opens anything.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.urls import reverse

from vedette.accounts.models import User
from vedette.mail.letters import Letter
from vedette.mail.outbox import Items, Kind, put

KIND = "security"


class News(StrEnum):
    """What happened."""

    PASSWORD_CHANGED = "password-changed"  # noqa: S105 (something that happens, no password)
    PASSWORD_CHOSEN = "password-chosen"  # noqa: S105
    APP_ADDED = "app-added"
    APP_REMOVED = "app-removed"
    CODES_MADE = "codes-made"
    CODE_USED = "code-used"


# What the subject says of it, and the text.
_WORDS = {
    News.PASSWORD_CHANGED: (
        "Your password was changed",
        "The password of your account was changed. Every other sign-in has ended.",
    ),
    News.PASSWORD_CHOSEN: (
        "Your password was changed",
        "Somebody followed a link for a forgotten password and chose a new one. Every other sign-in has ended.",
    ),
    News.APP_ADDED: (
        "An authenticator app was set up",
        "An authenticator app was set up. Signing in takes its code now, and every other sign-in has ended.",
    ),
    News.APP_REMOVED: (
        "Your authenticator app was removed",
        "The authenticator app of your account was removed, and its recovery codes with it. The password alone opens "
        "the account again.",
    ),
    News.CODES_MADE: (
        "New recovery codes were made",
        "New recovery codes were made for your account. Those before are not good any more.",
    ),
    News.CODE_USED: ("A recovery code was used", "Somebody signed in to your account with a recovery code."),
}


def tell(user: User, news: News, now: datetime, *, address: str = "", left: int | None = None) -> None:
    """Have somebody told of `news`: from which `address` it was done (empty: on the server itself), and how many
    recovery codes are `left`. Only in the transaction that does it."""
    put(
        SECURITY_MAIL,
        [user.pk],
        {"news": news.value, "at": f"{now:%Y-%m-%d %H:%M} UTC", "address": address, "left": left},
        now,
    )


def compose(user: User, items: Items, left_out: int) -> Letter | None:
    """The mail to `user`."""
    told = [_told(item) for item in items if item.get("news") in _WORDS]
    if not told:
        return None
    context = {
        "username": user.username,
        "server": settings.VEDETTE.url,
        "told": told,
        "left_out": left_out,
        "forgot": settings.VEDETTE.url + reverse("web:ask_password"),
        "security": settings.VEDETTE.url + reverse("web:security"),
    }
    return Letter(subject=told[0]["subject"], template="security", context=context)


def _told(item: Mapping[str, Any]) -> dict[str, Any]:
    subject, text = _WORDS[News(item["news"])]
    return {"subject": subject, "text": text, "at": item["at"], "address": item["address"], "left": item["left"]}


SECURITY_MAIL = Kind(None, timedelta(0), compose, own_name=KIND)
