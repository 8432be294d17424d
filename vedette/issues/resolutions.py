"""Whether a resolution that is tied to a release still holds when an event arrives. Pure.

Source: the issue workflow specification, 6.2; the row numbers are those of its table.
"""

from dataclasses import dataclass
from datetime import datetime

from vedette.releases import versions


@dataclass(frozen=True, slots=True)
class Dated:
    """A release as far as its age matters. `at` is when it was released, else when it was first heard of."""

    pk: int
    version: str
    at: datetime

    def is_later_than(self, other: "Dated") -> bool:
        """Of two with one date, the one with the greater id is later."""
        return (self.at, self.pk) > (other.at, other.pk)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What somebody said about an issue: fixed in `release`, or in what comes after it (`is_next`).

    `current_version` names the release that was current then; `current` is that release, if it still exists.
    """

    release: Dated
    is_next: bool
    current_version: str | None = None
    current: Dated | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the issue stays resolved, and the row of the table that says so."""

    holds: bool
    row: int


def judge(
    resolution: Resolution | None, event: Dated | None, *, by_version: bool, without_package: bool = False
) -> Verdict:
    """Whether an issue with this resolution (None: resolved plainly) stays resolved when an event of release `event`
    (None: it names none) arrives. `by_version`: whether the project orders such a release by its version."""
    if resolution is None:
        return Verdict(False, 1)
    if event is None:
        return Verdict(True, 2)
    release, current_version = resolution.release, resolution.current_version

    def compared(version: str) -> int | None:
        return versions.compare(version, event.version, without_package=without_package) if by_version else None

    order = compared(release.version)
    if current_version:
        current_order = compared(current_version)
        if current_order is not None:
            return Verdict(current_order >= 0 or order == 1, 3)
        if resolution.current is not None:
            same = resolution.current.pk == event.pk
            return Verdict(same or resolution.current.is_later_than(event), 4)
    if resolution.is_next:
        return Verdict(release.pk == event.pk or release.is_later_than(event), 5)
    if release.pk == event.pk:
        return Verdict(False, 6)
    if order is not None:
        return Verdict(order == 1, 7)
    return Verdict(release.is_later_than(event), 8)
