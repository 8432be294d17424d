"""The forms of what an organization is connected with: repositories at their hosts, and webhooks."""

from django import forms

from vedette.hooks.events import EVENTS
from vedette.web.forms import PageForm

HOSTS = [("github", "GitHub"), ("gitlab", "GitLab")]
_SECRET = {"autocomplete": "off", "spellcheck": "false"}


class RepositoryForm(PageForm):
    """A repository at a host. Fields are called as in the API."""

    provider = forms.ChoiceField(choices=HOSTS, label="Host")
    identifier = forms.CharField(max_length=200, label="Repository", help_text="Its name there: acme/web.")
    name = forms.CharField(
        max_length=200, required=False, label="Name", help_text="What builds call it. Left empty, the same."
    )
    hostUrl = forms.CharField(
        max_length=500, required=False, label="Address", help_text="Of a server of your own: https://git.example.org"
    )
    token = forms.CharField(
        max_length=1000,
        required=False,
        label="Token",
        help_text="One that may read the repository. It is sealed, and never shown again.",
        widget=forms.PasswordInput(attrs=_SECRET),
    )


class TokenForm(PageForm):
    """Another token for a repository that is there."""

    token = forms.CharField(max_length=1000, required=False, widget=forms.PasswordInput(attrs=_SECRET))


class WebhookForm(PageForm):
    """An address that is told things."""

    url = forms.CharField(max_length=2000, label="Address", help_text="https://example.org/vedette")
    events = forms.MultipleChoiceField(
        choices=list(EVENTS.items()),
        widget=forms.CheckboxSelectMultiple,
        label="Tell it",
        error_messages={"required": "Choose at least one event."},
    )
