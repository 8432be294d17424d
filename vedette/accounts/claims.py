"""Accounts that came from another server wait to be claimed: their owner follows a link and chooses a password.

Nobody knows the password of an unclaimed account, and it opens nothing (`backends`). The link is a user's id and a
hash, good for an hour and for one use; a newer one ends it. Source: the relocation specification, 4.8.
"""

import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from vedette.accounts.models import LostPasswordHash, User, UserEmail
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex

VALID = timedelta(hours=1)
LONGEST_NAME = 128
TAKEN = "This user name is taken."
_CLAIMED = ["username", "password", "last_password_change", "is_unclaimed", "is_password_expired", "session_nonce"]


class LinkIsOver(RuleBroken):
    """The link is too old, was used, or never was one: nobody is told which."""

    code = "link-is-over"


def renew(user: User, now: datetime) -> str:
    """The code of a fresh link for an account, unclaimed or with a password to forget; older ones end."""
    code = new_hex(16)
    LostPasswordHash.objects.update_or_create(user=user, defaults={"hash": code, "date_added": now})
    return code


def find_linked(user_id: int, code: str, now: datetime) -> User | None:
    """Whose link this is, of an account that was claimed or not; None when it is over."""
    row = LostPasswordHash.objects.select_related("user").filter(user_id=user_id).first()
    if row is None or not secrets.compare_digest(row.hash.encode(), code.encode(errors="replace")):
        return None
    return row.user if row.date_added > now - VALID else None


def find_unclaimed(user_id: int, code: str, now: datetime) -> User | None:
    """Whose link to an unclaimed account this is; None when it is over."""
    user = find_linked(user_id, code, now)
    return user if user is not None and is_waiting(user) else None


def is_waiting(user: User) -> bool:
    """Whether somebody could still claim this account."""
    return user.is_unclaimed and user.is_active and not user.is_sentry_app


def unclaimed_named(text: str) -> list[int]:
    """The ids of the accounts of this user name or address, in any letter case, that wait to be claimed; a few at most,
    where several share an address."""
    if "\0" in text:
        return []
    waiting = User.objects.active().filter(is_unclaimed=True)
    found = waiting.filter(Q(username__iexact=text.strip()) | Q(email__iexact=text.strip()))
    return list(found.order_by("pk").values_list("pk", flat=True)[:20])


def check_name(user: User, name: str) -> None:
    """Raises `RuleBroken` unless `name` may be the user's name: nobody else signs in by it."""
    if not name or len(name) > LONGEST_NAME:
        raise RuleBroken({"username": [f"A user name has 1 to {LONGEST_NAME} characters."]})
    if name == user.username:
        return
    named, address = Q(username__iexact=name), Q(email__iexact=name)
    same_address = name.lower() == user.email.lower()  # several accounts may share an address; names are one's own
    others = User.objects.exclude(pk=user.pk).filter(named if same_address else named | address)
    if others.exists():
        raise RuleBroken({"username": [TAKEN]})


@transaction.atomic
def claim(user_id: int, code: str, username: str, password: str, now: datetime) -> User:
    """Give the account its password and name. The link is used up, and its address proven.

    Of two who follow one link at once, the first wins. Raises `LinkIsOver`, and `RuleBroken` for the name.
    """
    user = find_unclaimed(user_id, code, now)
    if user is None:
        raise LinkIsOver("this link is not good any more")
    username = username.strip()
    check_name(user, username)
    if not LostPasswordHash.objects.filter(user=user, hash=code).delete()[0]:
        raise LinkIsOver("this link is not good any more")
    user.username = username
    user.set_password(password)
    user.last_password_change = now
    user.is_unclaimed = user.is_password_expired = False
    user.session_nonce = new_hex(6)
    try:
        with transaction.atomic():
            user.save(update_fields=_CLAIMED)
    except IntegrityError as error:  # somebody took the name at this very moment
        raise RuleBroken({"username": [TAKEN]}) from error
    UserEmail.objects.filter(user=user, email__iexact=user.email).update(is_verified=True)
    return user
