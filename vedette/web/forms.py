"""The forms. They check shapes; rules that need the database belong to the floors below, which raise `RuleBroken`."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from vedette.accounts.models import User
from vedette.accounts.options import OFF, ON
from vedette.core.errors import RuleBroken
from vedette.mail.preferences import PREFERENCES
from vedette.orgs.roles import ALL_SCOPES
from vedette.web.snippets import PLATFORMS

_PLATFORM_CHOICES = [("", "Choose later"), *((platform.id, platform.name) for platform in PLATFORMS)]
_EXPIRIES = [("0", "never"), ("7", "in 7 days"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year")]


class PageForm(forms.Form):
    """A form that takes over the sentences of a `RuleBroken`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def blame(self, broken: RuleBroken) -> None:
        """Put each sentence next to its field, or on top where there is no such field."""
        for name, sentences in broken.errors.items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)


class SetUpForm(PageForm):
    """The owner, the organization, the first project."""

    organization = forms.CharField(max_length=64, label="Organization", help_text="Your team or company.")
    email = forms.EmailField(max_length=75, label="Your e-mail address", help_text="You sign in with it.")
    password = forms.CharField(
        max_length=200,
        label="Password",
        help_text="At least ten characters.",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    project = forms.CharField(max_length=64, label="First project", help_text="The application that will report.")
    platform = forms.ChoiceField(choices=_PLATFORM_CHOICES, required=False, label="Platform")

    def clean(self) -> None:
        """Check the password against the address, as Django's validators want it."""
        super().clean()
        password, email = self.cleaned_data.get("password"), self.cleaned_data.get("email", "")
        if password:
            check_password_rules(self, "password", password, User(username=email, email=email))


class SignInForm(PageForm):
    """Name or address, and password."""

    username = forms.CharField(
        max_length=200, label="E-mail address or user name", widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        max_length=200,
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(PageForm):
    """The code of an authenticator app."""

    code = forms.CharField(
        max_length=20,
        label="Code of your authenticator app",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "spellcheck": "false"}
        ),
    )


class AskClaimForm(PageForm):
    """Which account somebody wants to claim."""

    username = forms.CharField(
        max_length=200, label="E-mail address or user name", widget=forms.TextInput(attrs={"autocomplete": "username"})
    )


class ClaimForm(PageForm):
    """The password of an account that had none, and its name."""

    username = forms.CharField(
        max_length=128,
        label="User name",
        help_text="Keep it, or choose another one.",
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        max_length=200,
        label="Password",
        help_text="At least ten characters.",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"username": user.username}, **kwargs})
        self.user = user

    def clean(self) -> None:
        """Check the password against name and address, as Django's validators want it."""
        super().clean()
        if password := self.cleaned_data.get("password"):
            named = self.cleaned_data.get("username", "")
            check_password_rules(self, "password", password, User(username=named, email=self.user.email))


class NameForm(PageForm):
    """What pages call a person."""

    name = forms.CharField(max_length=200, required=False, label="Name", help_text="Shown next to what you do.")


class IssueHabitsForm(PageForm):
    """What happens to issues because of what a person does."""

    self_assign_issue = forms.ChoiceField(
        choices=[(OFF, "leave them as they are"), (ON, "assign them to me")],
        label="Issues that I resolve and nobody has",
        help_text="By hand, or by a commit that says it fixes them. An issue that somebody has stays theirs.",
    )


class NotificationsForm(PageForm):
    """What to be told by mail: one field for each preference, by its kind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in PREFERENCES:
            self.fields[one.kind] = forms.ChoiceField(choices=one.choices, label=one.label, help_text=one.about)


class ProjectForm(PageForm):
    """A new project."""

    name = forms.CharField(max_length=64, label="Name", help_text="For example: shop, or shop-frontend.")
    platform = forms.ChoiceField(choices=_PLATFORM_CHOICES, required=False, label="Platform")


class KeyForm(PageForm):
    """A new key of a project."""

    label = forms.CharField(max_length=64, required=False, label="Label")


class UserTokenForm(PageForm):
    """A new user token."""

    name = forms.CharField(max_length=255, required=False, label="Name", help_text="What it is for.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in sorted(ALL_SCOPES - {"openid", "profile", "email"})],
        widget=forms.CheckboxSelectMultiple,
        label="Scopes",
        error_messages={"required": "Choose at least one scope."},
    )
    expires = forms.TypedChoiceField(choices=_EXPIRIES, coerce=int, initial="90", label="Expires")


class OrganizationTokenForm(PageForm):
    """A new organization token."""

    name = forms.CharField(max_length=255, label="Name", help_text="Where it will be used: a pipeline, a host.")


def check_password_rules(form: forms.Form, field: str, password: str, user: User) -> None:
    """Put what Django's validators say about `password` next to `field`."""
    try:
        validate_password(password, user)
    except ValidationError as refused:
        for sentence in refused.messages:
            form.add_error(field, sentence)
