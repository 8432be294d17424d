"""Sign-in with a user name or an e-mail address, in any letter case."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import Q
from django.http import HttpRequest

from vedette.accounts.models import User

LONGEST_NAME = 254


class UsernameOrEmailBackend(BaseBackend):
    """Checks a password. An unknown name costs as much time as a wrong password, so that neither can be told apart."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """The active user with this name (or address) and password, or None.

        Nobody signs in to an account that is not claimed yet.
        An exact user name beats an address; an address that several users share matches whoever's password fits.
        """
        if not username or password is None:
            return None
        found = _named(username)
        found.sort(key=lambda user: user.username != username)
        if not found:
            User().set_password(password)
        return next((user for user in found if user.check_password(password)), None)

    def get_user(self, user_id: int) -> User | None:
        """The user of a sign-in, unless deactivated since."""
        return User.objects.active().filter(pk=user_id, is_unclaimed=False).first()


def _named(text: str) -> list[User]:
    """The active users with this name or address; nobody has one that databases refuse to compare with."""
    if len(text) > LONGEST_NAME or "\0" in text:
        return []
    claimed = User.objects.active().filter(is_unclaimed=False)
    return list(claimed.filter(Q(username__iexact=text) | Q(email__iexact=text))[:20])
