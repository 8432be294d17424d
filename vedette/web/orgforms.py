"""The form of an organization's general settings: of those that the API knows, the ones that change something."""

from typing import Any

from django import forms

from vedette.orgs import options as org_options
from vedette.orgs.roles import ROLES
from vedette.web.settingforms import OptionsForm, Setting

_ROLES = [(role.id, role.name) for role in ROLES]
_COLUMNS = ("name", "slug", "defaultRole", "attachmentsRole", "openMembership", "require2FA")


class OrganizationForm(OptionsForm):
    """Name, slug, roles and switches. The default role is there for those who `may_rule`."""

    settings = (
        Setting(org_options.ALLOW_MEMBER_INVITE, "Members invite members", "Otherwise managers, owners and admins do."),
        Setting(
            org_options.EVENTS_MEMBER_ADMIN, "Members delete issues", "Otherwise only managers and team admins do."
        ),
    )
    name = forms.CharField(max_length=64, label="Name")
    slug = forms.CharField(
        max_length=50,
        label="Slug",
        help_text="In addresses and for sentry-cli. Links and tokens that name the slug before go on.",
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"}),
    )
    defaultRole = forms.ChoiceField(choices=_ROLES, label="Role of new members")
    attachmentsRole = forms.ChoiceField(choices=_ROLES, label="Least role that downloads attachments")
    openMembership = forms.BooleanField(
        required=False, label="Open membership", help_text="Members see the projects of every team."
    )

    require2FA = forms.BooleanField(
        required=False,
        label="Members need an authenticator app",
        help_text="Whoever has none is sent to set one up before any page of this organization. You need one first.",
    )

    def __init__(self, data: Any = None, *, values: dict[str, Any], may_rule: bool, **kwargs: Any) -> None:
        super().__init__(data, values=values, initial={name: values[name] for name in _COLUMNS}, **kwargs)
        if not may_rule:
            del self.fields["defaultRole"]

    @property
    def changes(self) -> dict[str, Any]:
        """What was sent, by the names of the API."""
        return {**super().changes, **{name: self.cleaned_data[name] for name in _COLUMNS if name in self.fields}}
