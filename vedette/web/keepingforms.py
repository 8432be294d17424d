"""The forms of what is kept: for how long, how much of a storm, and the word that confirms a deletion."""

from typing import Any

from django import forms

from vedette.orgs import options as org_options
from vedette.orgs.options import LONGEST_RETENTION
from vedette.projects import options as project_options
from vedette.web.forms import PageForm
from vedette.web.settingforms import OptionsForm, Setting


class OptionalNumber(Setting):
    """A number that may be left open: then somebody else's holds."""

    __slots__ = ()
    least = 0
    most = 10**9

    def field(self) -> forms.Field:
        """The field of a whole number."""
        return forms.IntegerField(
            min_value=self.least, max_value=self.most, required=False, label=self.label, help_text=self.help
        )


class Days(OptionalNumber):
    """For how many days."""

    __slots__ = ()
    least = 1
    most = LONGEST_RETENTION


_STORM = (
    "More events of one issue in a minute are a storm: all are counted, and one in a hundred keeps its stack trace and "
    "context. 0 is never."
)


class OrganizationKeepingForm(OptionsForm):
    """For how long an organization keeps what it receives."""

    settings = (
        Days(org_options.RETENTION_DAYS, "Events, in days", "Issues go a week after the last of their events."),
        Days(org_options.ATTACHMENT_RETENTION_DAYS, "Attachments, in days", "Never for longer than their events."),
        OptionalNumber(org_options.STORM_EVENTS_PER_MINUTE, "Events of one issue in a minute", _STORM),
    )


class ProjectKeepingForm(OptionsForm):
    """How much of a storm a project keeps."""

    settings = (OptionalNumber(project_options.STORM_EVENTS_PER_MINUTE, "Events of one issue in a minute", _STORM),)


class ConfirmForm(PageForm):
    """The word that has to be typed before something is deleted."""

    word = forms.CharField(
        max_length=200, label="", widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, data: Any = None, *, expected: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.expected = expected
        self.fields["word"].label = f"Type {expected} to confirm"

    def clean_word(self) -> str:
        """Only the very word will do."""
        word: str = self.cleaned_data["word"]
        if word != self.expected:
            raise forms.ValidationError(f"That is not {self.expected}; nothing was deleted.")
        return word
