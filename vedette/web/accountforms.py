"""The forms about ways into an account: passwords, the authenticator app, recovery codes."""

from typing import Any

from django import forms

from vedette.accounts.models import User
from vedette.web.forms import PageForm, check_password_rules
from vedette.web.passwordcheck import PasswordCheck

_NEW = "At least ten characters. Every other sign-in of yours ends."


def _password(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(max_length=200, label=label, strip=False, help_text=help_text, widget=widget)


class CheckedForm(PageForm):
    """A form that asks for the password again, which has to be right before anything else is judged."""

    asks_in = "password"

    def __init__(self, *args: Any, check: PasswordCheck, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.check = check

    def clean(self) -> None:
        """Check the password, and count it where it is wrong."""
        super().clean()
        given = self.cleaned_data.get(self.asks_in)
        if given is not None and (complaint := self.check.complaint(given)):
            self.add_error(self.asks_in, complaint)


class PasswordForm(CheckedForm):
    """A new password, for whoever knows the old one."""

    asks_in = "old"
    old = _password("Present password", "current-password")
    new = _password("New password", "new-password", _NEW)

    def clean(self) -> None:
        """The old password has to be right before the new one is judged."""
        super().clean()
        new = self.cleaned_data.get("new")
        if new and not self.errors:
            check_password_rules(self, "new", new, self.check.user)


class PasswordAgainForm(CheckedForm):
    """What takes nothing but the password."""

    password = _password("Password", "current-password")


class SetUpAppForm(CheckedForm):
    """The first code of an app that is set up."""

    code = forms.CharField(
        max_length=20,
        label="Code that the app shows",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )
    password = _password("Password", "current-password", "Of your account here, to see that it is you.")


class RecoveryForm(PageForm):
    """A recovery code, in place of the app's."""

    code = forms.CharField(
        max_length=40,
        label="Recovery code",
        help_text="One of those that you kept: ABCD-EFGH-IJKL. Each is good once.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "autofocus": True, "spellcheck": "false"}
        ),
    )


class NewPasswordForm(PageForm):
    """The password of whoever forgot the old one."""

    password = _password("New password", "new-password", _NEW)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> None:
        """Check the password against name and address, as Django's validators want it."""
        super().clean()
        if password := self.cleaned_data.get("password"):
            check_password_rules(self, "password", password, self.user)
