"""Passwords: a new one for whoever knows the old one, or follows a link that the account's own mailbox was sent.

The link is a user's id and a code, good for an hour and for one use; a newer one ends it, and so does a new password.
Accounts that nobody claimed yet have links of their own (`claims`), which lie in the same rows.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from vedette.accounts.claims import LinkIsOver, find_linked
from vedette.accounts.models import LostPasswordHash, User


def may_choose(user: User) -> bool:
    """Whether the account is one that somebody signs in to by a password."""
    return user.is_active and not user.is_unclaimed and not user.is_sentry_app


def find_by_link(user_id: int, code: str, now: datetime) -> User | None:
    """Whose link this is; None when it is over."""
    user = find_linked(user_id, code, now)
    return user if user is not None and may_choose(user) else None


def users_named(text: str) -> list[int]:
    """The ids of the accounts of this user name or address, in any letter case, that have a password to forget; a few
    at most, where several share an address."""
    if "\0" in text:
        return []
    claimed = User.objects.active().filter(is_unclaimed=False)
    found = claimed.filter(Q(username__iexact=text.strip()) | Q(email__iexact=text.strip()))
    return list(found.order_by("pk").values_list("pk", flat=True)[:20])


@transaction.atomic
def change(user: User, password: str, now: datetime) -> None:
    """Give `user` this password. Every sign-in ends, and links that were sent before are over."""
    user.set_password(password)
    user.last_password_change = now
    user.is_password_expired = False
    user.save(update_fields=["password", "last_password_change", "is_password_expired"])
    LostPasswordHash.objects.filter(user=user).delete()


@transaction.atomic
def choose(user_id: int, code: str, password: str, now: datetime) -> User:
    """Give the account of a link this password; the link is used up.

    Of two who follow one link at once, the first wins. Raises `LinkIsOver`.
    """
    user = find_by_link(user_id, code, now)
    if user is None or not LostPasswordHash.objects.filter(user=user, hash=code).delete()[0]:
        raise LinkIsOver("this link is not good any more")
    change(user, password, now)
    return user
