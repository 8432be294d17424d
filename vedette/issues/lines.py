"""Issues that are fixed in several releases, each on a line of its own: which of them an event is measured by. Pure.

Source: the issue workflow specification, 6.5 [V].
"""

from collections.abc import Collection, Iterable
from functools import cmp_to_key

from vedette.issues.resolutions import Dated
from vedette.releases import versions

MOST_LISTED = 10


def of_line(listed: Collection[Dated], event: Dated, *, by_version: bool, without_package: bool = False) -> Dated:
    """The one of `listed` (not empty) that decides about an event in the release `event`: the greatest of its line
    (major and minor version), else of its major version, else the smallest of all.

    Versions that have no order with the event's count only where all are like that, or where the project orders by
    date: then it is the oldest.
    """
    own = versions.parse(event.version, without_package=without_package).numbers if by_version else None
    known = [
        (one, numbers)
        for one in listed
        if own is not None
        and versions.compare(one.version, event.version, without_package=without_package) is not None
        and (numbers := versions.parse(one.version, without_package=without_package).numbers) is not None
    ]
    if own is None or not known:
        return min(listed, key=lambda one: (one.at, one.pk))
    for length in (2, 1):
        line = [one for one, numbers in known if numbers[:length] == own[:length]]
        if line:
            return _ordered(line, without_package)[-1]
    return _ordered((one for one, _ in known), without_package)[0]


def greatest_first(listed: Iterable[Dated], *, without_package: bool = False) -> list[Dated]:
    """All of `listed`: by version where two have an order, and otherwise by date."""
    return _ordered(listed, without_package)[::-1]


def _ordered(listed: Iterable[Dated], without_package: bool) -> list[Dated]:
    def order(one: Dated, other: Dated) -> int:
        return versions.compare(one.version, other.version, without_package=without_package) or 0

    return sorted(sorted(listed, key=lambda one: (one.at, one.pk)), key=cmp_to_key(order))
