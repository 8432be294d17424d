"""The form of what happens to new issues by itself."""

from django import forms

from vedette.projects import options
from vedette.web.settingforms import OptionsForm, Setting


class Assignment(Setting):
    """To whom new issues are given."""

    __slots__ = ()

    def field(self) -> forms.Field:
        """A choice of the option's values, in words."""
        return forms.ChoiceField(
            label=self.label,
            help_text=self.help,
            choices=[
                (options.ASSIGN_NOBODY, "Nobody"),
                (options.ASSIGN_SUSPECTS, "Whoever wrote a suspect commit"),
                (options.ASSIGN_OWNERS, "Owners by rules (there are no rules yet, so nobody)"),
            ],
        )


class NewIssuesForm(OptionsForm):
    """Who gets new issues, and whether those that come fast escalate."""

    settings = (
        Assignment(
            options.AUTO_ASSIGNMENT,
            "Assign issues to",
            "Only issues that nobody has, and not against a person's word. It needs commits with their files.",
        ),
        Setting(
            options.ESCALATE_NEW_ISSUES,
            "Let new issues escalate that come fast",
            "In its first day, with ten events or more, an issue escalates that brings more events an hour than 95 of "
            "100 issues of the last week did.",
        ),
    )
