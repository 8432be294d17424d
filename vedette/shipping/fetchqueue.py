"""Asking for the commits of a release to be fetched. Fetching them: `vedette.shipping.fetching`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from vedette.releases.models import Release
from vedette.tasks import work
from vedette.tasks.names import FETCH_COMMITS


@dataclass(frozen=True, slots=True)
class FetchRef:
    """A repository by its name, the commit to fetch up to, and the one to begin after, where somebody said it."""

    repository: str
    commit: str
    previous_commit: str | None = None


@dataclass(frozen=True, slots=True)
class FetchWish:
    """What was asked for. `previous_id` is the release before; `user_id` who asked, None for a credential of nobody."""

    refs: tuple[FetchRef, ...]
    previous_id: int | None = None
    user_id: int | None = None

    @classmethod
    def of(cls, payload: dict[str, Any]) -> "FetchWish":
        """As it was written down."""
        refs = tuple(FetchRef(**ref) for ref in payload["refs"])
        return cls(refs, payload["previous_id"], payload["user_id"])


def queue_fetch(
    release: Release, refs: Sequence[FetchRef], *, previous_id: int | None, user_id: int | None, now: datetime
) -> None:
    """Have the commits of the release fetched soon, instead of what was asked for before. Only in a transaction."""
    wish = FetchWish(tuple(refs), previous_id, user_id)
    work.put(FETCH_COMMITS, release.pk, asdict(wish), organization_id=release.organization_id, now=now)


def awaits_fetch(release: Release) -> bool:
    """Whether commits of the release are still to be fetched."""
    return work.is_waiting(FETCH_COMMITS, release.pk)
