"""The form of how a project treats releases."""

from typing import Any

from django import forms

from vedette.projects import options
from vedette.web.settingforms import OptionsForm, Setting

_ORDERINGS = [
    ("auto", "As the newest releases look"),
    ("semver", "By version"),
    ("date", "By date"),
]


class ProjectReleasesForm(OptionsForm):
    """How releases are ordered, and what events do to them."""

    settings = (
        Setting(
            options.AUTO_RELEASE_CREATION,
            "Events make releases",
            "Otherwise an event of a release that nobody has made belongs to none.",
        ),
        Setting(
            options.RELEASE_DATE_FROM_EVENTS,
            "Events date releases back",
            "A release is as old as its first event, when that came before somebody made it.",
        ),
    )
    releaseOrdering = forms.ChoiceField(
        choices=_ORDERINGS,
        widget=forms.RadioSelect,
        label="Which of two releases is newer",
        help_text="Decides what is the next release, and whether an issue comes back.",
    )

    def __init__(self, data: Any = None, *, values: dict[str, Any], **kwargs: Any) -> None:
        ordering = values[options.RELEASE_ORDERING.field]
        super().__init__(data, values=values, initial={options.RELEASE_ORDERING.field: ordering}, **kwargs)

    @property
    def changes(self) -> dict[str, Any]:
        """What was sent, by the names of the API."""
        name = options.RELEASE_ORDERING.field
        return {**super().changes, name: self.cleaned_data[name]}
