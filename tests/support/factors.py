"""Authenticator apps of people in tests."""

import base64

from vedette.accounts.factors import STEP_SECONDS, code_at
from vedette.accounts.models import Authenticator, User
from vedette.core import clock

SECRET = b"12345678901234567890"
BASE32 = base64.b32encode(SECRET).decode()


def an_app(user: User) -> Authenticator:
    """The app that `a_code` reads from."""
    return Authenticator.objects.create(user=user, type=1, config={"secret": BASE32})


def a_code(steps: int = 0) -> str:
    """What the app shows now, or `steps` of thirty seconds from now."""
    return code_at(SECRET, int(clock.now().timestamp() // STEP_SECONDS) + steps)


def a_wrong_code() -> str:
    """Six digits that the app shows neither now nor soon."""
    good = {a_code(steps) for steps in range(-2, 4)}
    return next(code for code in map("{:06}".format, range(10)) if code not in good)
