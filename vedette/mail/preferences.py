"""What people can choose to be told by mail."""

from collections.abc import Collection
from dataclasses import dataclass

from vedette.core.errors import RuleBroken
from vedette.core.pieces import pieces
from vedette.mail.models import NotificationSetting

NEVER = "never"


@dataclass(frozen=True, slots=True)
class Preference:
    """One thing to be told, or not. `kind` is its name in rows and links, `field` in the API; `choices` are pairs of a
    value and what it means, and one of them is `NEVER`."""

    kind: str
    field: str
    label: str
    about: str
    choices: tuple[tuple[str, str], ...]
    default: str


ALL, COMMITTED = "all", "committed"
DEPLOYS = Preference(
    kind="deploys",
    field="deployNotifications",
    label="Deploys",
    about="A release reached an environment. Deploys of some minutes come in one mail.",
    choices=(
        (ALL, "All deploys of projects that I reach"),
        (COMMITTED, "Only deploys with my commits"),
        (NEVER, "Never"),
    ),
    default=COMMITTED,
)
ALWAYS = "always"
FETCHES = Preference(
    kind="fetches",
    field="fetchNotifications",
    label="Commits that could not be fetched",
    about="Commits of a release that you set refs of, from where their repository is hosted.",
    choices=((ALWAYS, "Tell me"), (NEVER, "Never")),
    default=ALWAYS,
)
PREFERENCES = (DEPLOYS, FETCHES)


def find(kind: str) -> Preference | None:
    """The preference of this kind."""
    return next((one for one in PREFERENCES if one.kind == kind), None)


def choices_of(user_id: int) -> dict[str, str]:
    """What the user chose, by kind, defaults filled in."""
    stored = dict(NotificationSetting.objects.filter(user_id=user_id).values_list("kind", "value"))
    return {one.kind: _known(one, stored.get(one.kind)) for one in PREFERENCES}


def who_chose(preference: Preference, value: str, among: Collection[int] | None = None) -> set[int]:
    """The ids of the users who chose `value` (one that is not the default), of all or of those `among`."""
    rows = NotificationSetting.objects.filter(kind=preference.kind, value=value)
    if among is None:
        return set(rows.values_list("user_id", flat=True))
    return {user for some in pieces(among) for user in rows.filter(user__in=some).values_list("user_id", flat=True)}


def choose(user_id: int, preference: Preference, value: str) -> None:
    """Keep what the user chose. Raises `RuleBroken` with the preference's API name."""
    if value not in dict(preference.choices):
        raise RuleBroken({preference.field: [f'"{value[:64]}" is not a valid choice.']})
    NotificationSetting.objects.update_or_create(user_id=user_id, kind=preference.kind, defaults={"value": value})


def _known(preference: Preference, value: str | None) -> str:
    return value if value in dict(preference.choices) else preference.default
