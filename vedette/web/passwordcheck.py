"""Asking somebody who is signed in for the password again, braked as signing in is: a browser that was left open, or a
stolen cookie, gets no more guesses than the sign-in page grants."""

from django.http import HttpRequest

from vedette.accounts.signin_limits import Attempt, client_address
from vedette.web.doors import signed_in

TOO_MANY = "Too many attempts. Wait a quarter of an hour, then try again."
_WRONG = "That is not your present password."


class PasswordCheck:
    """The check of one request. `is_refused` is set once there were too many failures."""

    def __init__(self, request: HttpRequest) -> None:
        self.user = signed_in(request)
        # No user name holds a zero byte, so that nobody who signs in forgives tries for another account.
        self._attempt = Attempt(client_address(request), f"\0password {self.user.pk}")
        self.is_refused = False

    @property
    def status(self) -> int:
        """The status of the page that says what is wrong."""
        return 429 if self.is_refused else 400

    def complaint(self, password: str) -> str:
        """What is wrong with `password`; empty if it is the right one."""
        if self._attempt.is_refused():
            self.is_refused = True
            return TOO_MANY
        if not self.user.check_password(password):
            self._attempt.failed()
            return _WRONG
        self._attempt.succeeded()
        return ""
