"""Slugs: the names of organizations, teams and projects in addresses. Pure.

Digits alone are an id, so a slug has another character. Source: the API specification, section 5, and the release
specification, section 20.
"""

import re
import secrets
import unicodedata

from vedette.core.errors import RuleBroken

ORGANIZATION_LENGTH = 50
TEAM_LENGTH = 50
PROJECT_LENGTH = 100
LEAST_ORGANIZATION_LENGTH = 3

_SLUG = re.compile(r"(?![0-9]+$)[a-z0-9_-]+")
_OTHER = re.compile(r"[^a-z0-9_]+")

# First segments of addresses, now or soon, and what links and mail could be forged with.
RESERVED = frozenset(
    """about abuse account accounts actions admin administrator all api app apps assets auth avatar billing blog
    careers checkout client community company confirm contact control create customers dashboard debug default demo
    develop discover docs doc email emails enterprise error events explore export extensions faq favicon features
    feedback files flags for guide health help home hooks import insights integration integrations internal invite
    issue issues join latest legal live load locale login logout mail manage me media member members metrics monitor
    monitors new news none null oauth onboarding organization organizations org orgredirect out out-of-office owner
    owners partners plans policy press pricing privacy profile project projects public ready receipt recover
    redirect register release releases relocation remote resource root rules schema search security select self
    sentry server session sessions settings setup share sign-in sign-out signin signout signup sitemap source sso
    staff static stats status store subscribe superuser support sync system team teams terms test tour traces trust
    unsubscribe update upload user users vedette version webhook webhooks welcome www""".split()
)

# What Sentry calls the first organization of an installation: those that move here keep it.
RESERVED_ON_ARRIVAL = RESERVED - {"sentry", "default"}


class InvalidSlug(RuleBroken):
    """The text cannot be a slug."""

    code = "invalid-slug"


class SlugTaken(RuleBroken):
    """Somebody has this slug already; the API answers 409."""

    code = "slug-taken"

    def __init__(self, what: str) -> None:
        super().__init__({"slug": [f"{what} with this slug already exists."]})


def check_slug(slug: str, longest: int, *, shortest: int = 1, reserved: frozenset[str] = frozenset()) -> None:
    """Raise `InvalidSlug` unless `slug` is one of that length and free to be taken by anybody."""
    if not _SLUG.fullmatch(slug):
        sentence = (
            "Enter a valid slug consisting of lowercase letters, numbers, underscores or hyphens. "
            "It cannot be entirely numeric."
        )
    elif len(slug) > longest:
        sentence = f"Ensure this field has no more than {longest} characters."
    elif len(slug) < shortest:
        sentence = f"Ensure this field has at least {shortest} characters."
    elif slug in reserved:
        sentence = f'The slug "{slug}" is reserved and not allowed.'
    else:
        return
    raise InvalidSlug({"slug": [sentence]})


def slug_from(name: str, longest: int, fallback: str) -> str:
    """A slug that resembles `name`; `fallback` followed by random digits where nothing of it can stay."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = _OTHER.sub("-", plain).strip("-_")[:longest].strip("-_")
    return slug if _SLUG.fullmatch(slug) else with_suffix(fallback, longest)


def slug_on_arrival(text: str, longest: int, fallback: str) -> str:
    """The slug of something that moves here: `text` as it is where it can be one, else the nearest that can."""
    return text if _SLUG.fullmatch(text) and len(text) <= longest else slug_from(text, longest, fallback)


def with_suffix(slug: str, longest: int) -> str:
    """`slug`, cut where that is needed, with six random digits behind it."""
    return f"{slug[: longest - 7]}-{secrets.token_hex(3)}"
