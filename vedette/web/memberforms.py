"""The forms about people: inviting, accepting, roles and teams, new teams and organizations."""

from collections.abc import Sequence
from typing import Any

from django import forms

from vedette.accounts.models import User
from vedette.orgs.models import Team
from vedette.orgs.places import ADMIN, LEAST, Place
from vedette.orgs.roles import Role
from vedette.web.forms import PageForm, check_password_rules

_SLUG = forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"})
_NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})


def role_choices(roles: Sequence[Role], present: str = "") -> list[tuple[str, str]]:
    """Roles to choose from; retired ones only for who has one."""
    return [(one.id, one.name) for one in roles if not one.is_retired or one.id == present]


class InviteForm(PageForm):
    """Whom to invite, as what, and into which teams."""

    email = forms.EmailField(
        max_length=75, label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label="Role")
    teams = forms.MultipleChoiceField(required=False, label="Teams", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, roles: Sequence[Role], teams: Sequence[Team], usual: str, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"role": usual}, **kwargs})
        self.by_pk = {str(team.pk): team for team in teams}
        self.fields["role"].choices = role_choices(roles, usual)  # type: ignore[attr-defined]
        self.fields["teams"].choices = [(pk, team.slug) for pk, team in self.by_pk.items()]  # type: ignore[attr-defined]

    @property
    def places(self) -> list[Place]:
        """The chosen teams."""
        return [Place(self.by_pk[pk]) for pk in self.cleaned_data["teams"]]


class MemberForm(PageForm):
    """A member's role, and how they stand in each team."""

    role = forms.ChoiceField(label="Role in the organization")

    def __init__(
        self, *args: Any, roles: Sequence[Role], present: str, teams: Sequence[tuple[Team, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **{"initial": {"role": present}, **kwargs})
        self.fields["role"].choices = role_choices(roles, present)  # type: ignore[attr-defined]
        self.teams = [team for team, _ in teams]
        for team, stands in teams:
            choices = [("", "not in it"), (LEAST, "Contributor"), (ADMIN, "Team Admin")]
            self.fields[_field(team)] = forms.ChoiceField(
                choices=choices, initial=stands, required=False, label=team.slug
            )

    @property
    def team_fields(self) -> list[Any]:
        """The fields of the teams, as the page shows them."""
        return [self[_field(team)] for team in self.teams]

    @property
    def places(self) -> list[Place]:
        """The teams that they are to be in."""
        chosen = [(team, self.cleaned_data[_field(team)]) for team in self.teams]
        return [Place(team, ADMIN if stands == ADMIN else None) for team, stands in chosen if stands]


def _field(team: Team) -> str:
    return f"team-{team.pk}"


class AcceptForm(PageForm):
    """The name and the password of somebody who has no account yet."""

    name = forms.CharField(
        max_length=200,
        required=False,
        label="Your name",
        help_text="Shown next to what you do.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        max_length=200, label="Password", help_text="At least ten characters.", strip=False, widget=_NEW_PASSWORD
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> None:
        """Check the password against name and address, as Django's validators want it."""
        super().clean()
        if password := self.cleaned_data.get("password"):
            name = self.cleaned_data.get("name", "")
            check_password_rules(self, "password", password, User(username=self.email, email=self.email, name=name))


class TeamForm(PageForm):
    """What a team is called."""

    name = forms.CharField(max_length=64, label="Name")
    slug = forms.CharField(
        max_length=50, required=False, label="Slug", help_text="In addresses; left empty, one is made.", widget=_SLUG
    )


class NewOrganizationForm(PageForm):
    """A new organization."""

    name = forms.CharField(max_length=64, label="Name", help_text="Your team or company.")
    slug = forms.CharField(
        max_length=50, required=False, label="Slug", help_text="In addresses; left empty, one is made.", widget=_SLUG
    )
