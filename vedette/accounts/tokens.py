"""Tokens of users: made once, shown once, kept as a hash.

Form: `sntryu_` and 64 lower-case hex digits (API specification, 3.1).
"""

import hashlib
from datetime import datetime

from vedette.accounts.models import ApiToken, User
from vedette.core.ids import new_hex

PREFIX = "sntryu_"


def hash_token(token: str) -> str:
    """The SHA-256 of a whole token as 64 hex digits: the only form that is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_user_token(
    user: User, scopes: frozenset[str], *, name: str = "", expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token of `user`, and its text, which cannot be had again. `scopes` are stored as they are given."""
    text = PREFIX + new_hex(32)
    row = ApiToken.objects.create(
        user=user,
        name=name or None,
        hashed_token=hash_token(text),
        token_last_characters=text[-4:],
        token_type=PREFIX,
        scope_list=sorted(scopes),
        expires_at=expires_at,
    )
    return row, text


def find_user_token(text: str) -> ApiToken | None:
    """The stored token with this text, whether or not it is still valid; its user comes with it."""
    return ApiToken.objects.select_related("user").filter(hashed_token=hash_token(text)).first()
