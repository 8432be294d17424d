"""Second factors at sign-in: the codes of authenticator apps.

People set an app up, or bring its secret along from another server; `recovery` has the codes for who lost it. Text
messages and security keys are kept and not asked for. Source: the relocation specification, 10.1; RFC 6238.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.db import transaction
from django.db.models import Q

from vedette.accounts import recovery
from vedette.accounts.models import Authenticator, User
from vedette.core.clock import from_unix
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex

TOTP = 1
STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20  # as long as the hash: RFC 4226, R6
_DRIFT = 1  # steps that a clock may be off, either way


def asks_for_code(user: User) -> bool:
    """Whether signing in takes a code besides the password."""
    return factor_of(user) is not None


def accept_code(user: User, code: str, now: datetime) -> bool:
    """Whether this is a code of the user's app that is good now. It is used up, and so are those before it.

    Of two who bring one code at once, one gets in. False as well for somebody without an app.
    """
    factor = factor_of(user)
    secret = secret_in(factor.config) if factor else None
    step = matching_step(secret, code, now.timestamp()) if secret else None
    if factor is None or step is None:
        return False
    moment = from_unix(step * STEP_SECONDS)
    unused = Q(last_used_at__isnull=True) | Q(last_used_at__lt=moment)
    return Authenticator.objects.filter(unused, pk=factor.pk).update(last_used_at=moment) == 1


def factor_of(user: User) -> Authenticator | None:
    """The app that the user's codes come from; None without one, or when nothing usable is kept of it."""
    factor = Authenticator.objects.filter(user=user, type=TOTP).first()
    return factor if factor and secret_in(factor.config) else None


def new_secret() -> str:
    """The secret of an app that is to be set up, as apps take it: base 32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def app_address(secret: str, name: str, server: str) -> str:
    """The `otpauth:` address by which an app learns the secret; it shows it under the server and the user's name."""
    issuer, account = (text.replace(":", " ") for text in (f"Vedette {server}", name))
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='')}?{query}"


@transaction.atomic
def set_up(user: User, secret: str, code: str, now: datetime) -> list[str]:
    """Ask for codes of this app from now on; the recovery codes that go with it. Every sign-in of the user ends.

    `code` proves that the app has the secret, and is used up. Raises `RuleBroken`, also for somebody with an app.
    """
    key = secret_in({"secret": secret})
    step = matching_step(key, code, now.timestamp()) if key else None
    if step is None:
        raise RuleBroken({"code": ["This is not what the app shows for this secret. Is the clock of the phone right?"]})
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one set-up at a time
    if factor_of(user):
        raise RuleBroken("You have an authenticator app. Remove it first.")
    Authenticator.objects.filter(user=user, type=TOTP).delete()  # one that came without its secret
    Authenticator.objects.create(
        user=user, type=TOTP, created_at=now, last_used_at=from_unix(step * STEP_SECONDS), config={"secret": secret}
    )
    user.session_nonce = new_hex(6)
    User.objects.filter(pk=user.pk).update(session_nonce=user.session_nonce)
    return recovery.make(user, now)


@transaction.atomic
def renew_recovery(user: User, now: datetime) -> list[str]:
    """Fresh recovery codes; those before end. Raises `RuleBroken` for somebody without an app."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if factor_of(user) is None:
        raise RuleBroken("Recovery codes go with an authenticator app. Set one up first.")
    return recovery.make(user, now)


@transaction.atomic
def remove(user: User) -> bool:
    """Let the password alone open the account again: app and recovery codes go. False if it did already."""
    factor = factor_of(user)
    gone = factor is not None and Authenticator.objects.filter(pk=factor.pk).delete()[0] > 0
    if gone:
        Authenticator.objects.filter(user=user, type=recovery.RECOVERY).delete()
    return gone


def secret_in(config: Any) -> bytes | None:
    """The key in what is kept of an authenticator, `{"secret": base32}`; None if there is none.

    Spaces, small letters and missing padding are fine: people type secrets like that.
    """
    text = config.get("secret") if isinstance(config, dict) else None
    if not isinstance(text, str):
        return None
    bare = "".join(text.split()).upper().rstrip("=")
    try:
        return base64.b32decode(bare + "=" * (-len(bare) % 8)) or None
    except (binascii.Error, ValueError):
        return None


def code_at(secret: bytes, step: int) -> str:
    """The six digits of a step of thirty seconds since the Unix epoch."""
    # Only who has a factor pays for loading these.
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP as Codes

    codes = Codes(secret, DIGITS, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303
    return codes.generate(step * STEP_SECONDS).decode()


def matching_step(secret: bytes, code: str, seconds: float) -> int | None:
    """The step that `code` belongs to, `seconds` after the epoch or next to it; None for a wrong one.

    Takes as long for every code.
    """
    return max(_matching_steps(secret, "".join(code.split()), int(seconds // STEP_SECONDS)), default=None)


def _matching_steps(secret: bytes, code: str, present: int) -> Iterator[int]:
    typed = code.encode(errors="replace")
    for step in range(max(present - _DRIFT, 0), present + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), typed):
            yield step
