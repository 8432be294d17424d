"""Forms over options: a field for each, called as in the API, so that a `RuleBroken` finds its place by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from vedette.orgs import options as org_options
from vedette.orgs.options import Option
from vedette.projects import options as project_options
from vedette.web.forms import PageForm
from vedette.wire import filters
from vedette.wire.filters import OLDER_KEYS, OLDEST_KEPT

LONGEST_LIST = 100_000
BROWSERS = {
    "ie": "Internet Explorer before 12",
    "edge": "Edge before 111",
    "chrome": "Chrome before 111",
    "firefox": "Firefox before 111",
    "safari": "Safari before 16",
    "opera": "Opera before 100",
    "opera_mini": "Opera Mini before 35",
    "android": "Android browser before 4",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """An option as the page shows it. `reason` is the one under which a filter's hits are counted."""

    option: Option[Any]
    label: str
    help: str = ""
    reason: str = ""

    def field(self) -> forms.Field:
        """The form field for the option's type."""
        texts: dict[str, Any] = {"label": self.label, "help_text": self.help, "required": False}
        default = self.option.default
        if isinstance(default, bool):
            return forms.BooleanField(**texts)
        if isinstance(default, int):
            return forms.IntegerField(min_value=0, **texts)
        area = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "off"})
        return forms.CharField(max_length=LONGEST_LIST, strip=False, widget=area, **texts)


class OptionsForm(PageForm):
    """A form over `settings`. Values of a list are lines of a text."""

    settings: Sequence[Setting] = ()

    def __init__(self, data: Any = None, *, values: dict[str, Any], **kwargs: Any) -> None:
        shown = {one.option.field: _as_text(values[one.option.field]) for one in self.settings}
        super().__init__(data, initial=shown | kwargs.pop("initial", {}), **kwargs)
        for one in self.settings:
            self.fields[one.option.field] = one.field()

    @property
    def changes(self) -> dict[str, Any]:
        """What was sent, by the options' API names; an empty number is its default."""
        found: dict[str, Any] = {}
        for one in self.settings:
            value = self.cleaned_data[one.option.field]
            found[one.option.field] = one.option.default if value is None else value
        return found


def _as_text(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, tuple) else value


_P = project_options
SWITCHES = (
    Setting(
        _P.FILTER_EXTENSIONS,
        "Browser extensions",
        "Errors of extensions that run in the page; only for JavaScript.",
        filters.EXTENSIONS,
    ),
    Setting(_P.FILTER_CRAWLERS, "Web crawlers", "What search engines and other programs meet.", filters.CRAWLERS),
    Setting(_P.FILTER_LOCALHOST, "Localhost", "What people's own machines report.", filters.LOCALHOST),
    Setting(
        _P.FILTER_HEALTH_CHECKS,
        "Health checks",
        "Transactions such as /healthz, /ready and /ping. Errors in them are kept.",
        filters.HEALTH_CHECKS,
    ),
    Setting(
        _P.FILTER_HYDRATION,
        "React hydration errors",
        "Mostly caused by extensions and translators that change the page.",
        filters.HYDRATION,
    ),
    Setting(
        _P.FILTER_CHUNKS,
        "Chunks that cannot be loaded",
        "ChunkLoadError: mostly pages that were open while a new version was deployed.",
        filters.CHUNKS,
    ),
    Setting(
        _P.FILTER_CSP,
        "Known sources of security reports",
        "Reports about extensions and adware, which no site can prevent.",
        filters.CSP,
    ),
)
LISTS = (
    Setting(
        _P.FILTER_IPS,
        "Addresses",
        "Of users and senders. One address or CIDR range a line: 203.0.113.7, 10.0.0.0/8",
        filters.ADDRESSES,
    ),
    Setting(
        _P.FILTER_RELEASES,
        "Releases",
        "One pattern a line; * is any text: shop@1.*",
        filters.RELEASES,
    ),
    Setting(
        _P.FILTER_MESSAGES,
        "Error messages",
        "One pattern a line, for the whole message or “Type: value”: *ResizeObserver loop*",
        filters.MESSAGES,
    ),
    Setting(_P.CSP_SOURCES, "Sources of security reports", "One host or beginning of an address a line.", filters.CSP),
)
GROUP_LABELS = {
    "errors": "Errors",
    "transactions": "Transactions",
    "attachments": "Attachments",
    "attachment_bytes": "Bytes of attachments",
    "sessions": "Sessions",
    "feedback": "User feedback",
}


class FiltersForm(OptionsForm):
    """The filters and the limits of a project."""

    settings = (
        *SWITCHES,
        *LISTS,
        *(Setting(option, GROUP_LABELS[group]) for group, option in _P.LIMITS.items()),
    )
    browsers = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label="Old browsers")
    spikes = forms.ChoiceField(
        label="Spike protection",
        choices=[("inherit", "As the organization says"), ("on", "On"), ("off", "Off")],
    )

    def __init__(self, data: Any = None, *, values: dict[str, Any], **kwargs: Any) -> None:
        chosen = values[_P.FILTER_LEGACY_BROWSERS.field]
        keys = chosen if isinstance(chosen, tuple) else tuple(OLDEST_KEPT) if chosen else ()
        initial = {"browsers": keys, "spikes": values[_P.SPIKE_PROTECTION.field]}
        super().__init__(data, values=values, initial=initial, **kwargs)
        older = {key: key for key in keys if key in OLDER_KEYS}
        self.fields["browsers"].choices = list((BROWSERS | older).items())  # type: ignore[attr-defined]

    @property
    def changes(self) -> dict[str, Any]:
        """Everything that the page sets."""
        browsers = self.cleaned_data["browsers"]
        return {
            **super().changes,
            _P.FILTER_LEGACY_BROWSERS.field: browsers or False,
            _P.SPIKE_PROTECTION.field: self.cleaned_data["spikes"],
        }


class ScrubbingForm(OptionsForm):
    """What is taken out of a project's data before it is stored."""

    settings = (
        Setting(
            _P.DATA_SCRUBBER,
            "Scrub data",
            "Takes out what is called like a secret, and what the lists below name.",
        ),
        Setting(
            _P.DATA_SCRUBBER_DEFAULTS,
            "Use the default rules",
            "Passwords, tokens and keys by their names; card numbers, bank accounts and the like by their form.",
        ),
        Setting(_P.SCRUB_IP_ADDRESSES, "Do not store IP addresses", "Neither given ones nor the sender's."),
        Setting(_P.SENSITIVE_FIELDS, "Further sensitive fields", "One a line; part of a name is enough: customer_tax"),
        Setting(_P.SAFE_FIELDS, "Safe fields", "One whole name a line; these are never touched: business_author"),
    )


_O = org_options


class OrganizationScrubbingForm(OptionsForm):
    """What is taken out of the data of every project."""

    settings = (
        Setting(_O.DATA_SCRUBBER, "Scrub data in every project", "No project can switch it off then."),
        Setting(_O.DATA_SCRUBBER_DEFAULTS, "Use the default rules in every project"),
        Setting(_O.SCRUB_IP_ADDRESSES, "Do not store IP addresses in any project"),
        Setting(_O.SENSITIVE_FIELDS, "Further sensitive fields", "One a line; added to those of each project."),
        Setting(_O.SAFE_FIELDS, "Safe fields", "One whole name a line; added to those of each project."),
    )


class OrganizationLimitsForm(OptionsForm):
    """What an organization's projects may send together."""

    settings = (
        Setting(_O.ACCOUNT_RATE_LIMIT, "Errors a minute", "Of all projects together; 0 is no limit."),
        Setting(_O.PROJECT_RATE_LIMIT, "Share of one project, in per cent", "No project may use more of it than this."),
        *(Setting(option, GROUP_LABELS[group]) for group, option in _O.LIMITS.items()),
        Setting(
            _O.SPIKE_PROTECTION,
            "Spike protection",
            "For every project that does not say otherwise. One that suddenly sends several times more errors than in "
            "its usual busiest hour is cut off for the rest of the hour.",
        ),
    )


WINDOWS = [("60", "a minute"), ("300", "5 minutes"), ("900", "15 minutes"), ("3600", "an hour"), ("86400", "a day")]


class KeyLimitForm(PageForm):
    """How many errors a key may send in how long."""

    count = forms.IntegerField(min_value=0, max_value=10**6, required=False, label="Errors")
    window = forms.TypedChoiceField(choices=WINDOWS, coerce=int, label="in")

    def __init__(self, data: Any = None, *, window: int | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if window and str(window) not in dict(WINDOWS):
            field: Any = self.fields["window"]
            field.choices = [*WINDOWS, (str(window), f"{window} seconds")]
