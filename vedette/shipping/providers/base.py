"""What a provider does, and how it fails."""

from typing import Protocol

from vedette.core.errors import TryAgain, VedetteError
from vedette.releases.models import Repository
from vedette.shipping.commits import CommitInput

DEFAULT_COMMITS = 20  # where nobody says after which commit to begin
MAX_COMMITS = 2000
MAX_MESSAGE = 64 * 1024


class ProviderAway(TryAgain):
    """The provider does not answer, or not in time. Later it may: after `again_after_seconds`, where it said so."""

    code = "provider-away"

    def __init__(self, detail: str, again_after_seconds: float = 0.0) -> None:
        super().__init__(detail)
        self.again_after_seconds = again_after_seconds


class ProviderRefused(VedetteError):
    """The provider does not have what is asked for, or does not give it; asking again would not help."""

    code = "provider-refused"


class Provider(Protocol):
    """Knows the commits of repositories."""

    def commits(self, repository: Repository, start: str | None, end: str) -> list[CommitInput]:
        """The commits that `end` holds and `start` does not, newest first, at most `MAX_COMMITS`; without `start` the
        `DEFAULT_COMMITS` newest. Raises `ProviderAway` and `ProviderRefused`."""
