"""Between the password and the code: whoever gave the right password waits in the session, and is nobody yet."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import load_backend, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare

from vedette.accounts.factors import asks_for_code
from vedette.accounts.models import User
from vedette.accounts.signin_limits import Attempt, client_address
from vedette.core import clock

VALID = timedelta(minutes=5)
_KEY = "second_step"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody whose password was right: how they named themselves, and where they want to go."""

    user: User
    backend: str
    name: str
    target: str


def enter(request: HttpRequest, user: User, *, backend: str, name: str, target: str) -> HttpResponse:
    """Sign in and go to `target`, a page of this server; by way of the page for the code where the account has an app.

    `name` is what was typed: the failures that were counted for it are forgotten once somebody is in.
    """
    if asks_for_code(user):
        logout(request)  # whoever was signed in here, as a sign-in does; the session gets another key
        request.session[_KEY] = {
            "user": user.pk,
            "backend": backend,
            "name": name,
            "target": target,
            "until": (clock.now() + VALID).timestamp(),
            "hash": user.get_session_auth_hash(),
        }
        return redirect("web:login_code")
    return _let_in(request, Waiting(user, backend, name, target))


def waiting(request: HttpRequest) -> Waiting | None:
    """Who waits here; None once five minutes are over, or the account or its password is not what it was."""
    kept = request.session.get(_KEY)
    if kept is None:
        return None
    user = load_backend(kept["backend"]).get_user(kept["user"]) if clock.now().timestamp() < kept["until"] else None
    if not isinstance(user, User) or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        del request.session[_KEY]
        return None
    return Waiting(user, kept["backend"], kept["name"], kept["target"])


def attempt_of(request: HttpRequest, user: User) -> Attempt:
    """A try of a code, counted for the account however it was named.

    No user name holds a zero byte, so that nobody who signs in forgives tries for another account.
    """
    return Attempt(client_address(request), f"\0code {user.pk}")


def let_in(request: HttpRequest, found: Waiting) -> HttpResponse:
    """Sign in whoever waited and brought the right code."""
    del request.session[_KEY]
    attempt_of(request, found.user).succeeded()
    return _let_in(request, found)


def _let_in(request: HttpRequest, found: Waiting) -> HttpResponse:
    Attempt(client_address(request), found.name).succeeded()
    login(request, found.user, backend=found.backend)
    return redirect(found.target)
