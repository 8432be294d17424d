"""Links that stop a kind of mail, for whoever has the mail: they are signed, and need no sign-in.

A link names a user and a kind, and is good for nothing else. It does not end, since mail lies in mailboxes for years;
a new VEDETTE_SECRET_KEY ends all of them. Source: RFC 8058.
"""

from django.conf import settings
from django.core.signing import BadSignature, Signer

from vedette.core.ids import as_id
from vedette.mail.preferences import Preference, find

SALT = "vedette.mail.unsubscribe"


def unsubscribe_url(user_id: int, preference: Preference) -> str:
    """The address that stops this kind of mail to this user."""
    return f"{settings.VEDETTE.url}/unsubscribe/{token_of(user_id, preference)}/"


def token_of(user_id: int, preference: Preference) -> str:
    """What such an address ends in."""
    return _signer().sign(f"{user_id}.{preference.kind}")


def read_token(token: str) -> tuple[int, Preference] | None:
    """The user's id and the preference that a token was made for; None for any other text."""
    try:
        user, _, kind = _signer().unsign(token).partition(".")
    except BadSignature:
        return None
    number, preference = as_id(user), find(kind)
    return (number, preference) if number is not None and preference is not None else None


def _signer() -> Signer:
    return Signer(sep=".", salt=SALT)
