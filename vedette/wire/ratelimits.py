"""Rate limits as clients read them.

Source: the ingest specification, 5.3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from vedette.wire.outcomes import Category

DEFAULT_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Send nothing of `categories` (none: of anything) for `seconds`. `scope` is organization, project or key."""

    seconds: float
    scope: str
    reason: str
    categories: tuple[Category, ...] = ()

    def as_text(self) -> str:
        """One limit of the X-Sentry-Rate-Limits header: `60:error;default:key:key_quota`."""
        return f"{ceil(self.seconds)}:{';'.join(c.word for c in self.categories)}:{self.scope}:{self.reason}"


def rate_limit_headers(limits: Iterable[RateLimit]) -> list[tuple[str, str]]:
    """The two headers that go with every 429; without any limit clients are told to wait a minute."""
    limits = tuple(limits)
    longest = max((ceil(limit.seconds) for limit in limits), default=DEFAULT_RETRY_SECONDS)
    headers = [("retry-after", str(longest))]
    if limits:
        headers.append(("x-sentry-rate-limits", ", ".join(limit.as_text() for limit in limits)))
    return headers
