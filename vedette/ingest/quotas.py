"""How much may be sent: a count per quota and window, kept in this process and told to the others.

The event loop decides by what it knows: its own count, and what the other processes had counted when it last asked
(`vedette.ingest.sharing`). So a limit that several share may be exceeded by what the others take in between two
exchanges, and nobody ever waits for Redis or is refused because it is away.

Source: the ingest specification, 5.2 and 12.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vedette.core.counters import Increment
from vedette.ingest.keys import KeyInfo
from vedette.wire.outcomes import Category
from vedette.wire.quotas import Quota
from vedette.wire.ratelimits import RateLimit

MAX_COUNTERS = 20_000
MAX_RETRY_SECONDS = 300  # clients ask again by then: a limit may have been raised meanwhile
_KEPT_WINDOWS = 2  # for how many windows the shared counter outlives its own

Amounts = Sequence[tuple[Category, int]]


@dataclass(slots=True)
class Counter:
    """The count of one window. `own` was counted here, `told` of it is in the shared counter, `others` is the rest."""

    quota: Quota
    window: int
    own: int = 0
    told: int = 0
    others: int = 0
    asked: bool = False

    @property
    def name(self) -> str:
        """The name of the shared counter."""
        return f"{self.quota.id}:{self.window}"


class Quotas:
    """The counters of every quota that was met. `now` is a Unix time in seconds."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}

    def take(self, key: KeyInfo, amounts: Amounts, now: float) -> tuple[RateLimit, ...]:
        """Count the amounts against every quota of the key, or say which forbid them, and then none is counted."""
        wanted: list[tuple[Counter, int]] = []
        hit: list[RateLimit] = []
        for quota in key.quotas:
            amount = sum(number for category, number in amounts if quota.counts(category))
            if not amount:
                continue
            counter = self._counter(quota, now)
            counter.asked = True
            if counter.own + counter.others + amount > quota.limit:
                hit.append(_limit_of(quota, now))
            wanted.append((counter, amount))
        if not hit:
            for counter, amount in wanted:
                counter.own += amount
        return tuple(hit)

    def untold(self, now: float) -> list[tuple[Counter, Increment]]:
        """What to add to the shared counters, of those that were met since the last time."""
        found = []
        for counter in self._counters.values():
            if counter.asked and counter.window == counter.quota.window(now):
                amount = counter.own - counter.told
                found.append((counter, Increment(counter.name, amount, counter.quota.seconds * _KEPT_WINDOWS)))
        return found

    def told(self, counter: Counter, amount: int, total: int) -> None:
        """The shared counter is `total` now, with `amount` of it just added from here."""
        counter.told += amount
        counter.others = max(total - counter.told, 0)
        counter.asked = counter.own > counter.told

    def _counter(self, quota: Quota, now: float) -> Counter:
        window = quota.window(now)
        counter = self._counters.get(quota.id)
        if counter is None or counter.window != window:
            if counter is None and len(self._counters) >= MAX_COUNTERS:
                self._make_room(now)
            counter = self._counters[quota.id] = Counter(quota, window)
        elif counter.quota is not quota:
            counter.quota = quota  # its limit was changed
        return counter

    def _make_room(self, now: float) -> None:
        """Forget windows that are over; if none is, the counter that was met first."""
        over = [name for name, one in self._counters.items() if one.window != one.quota.window(now)]
        for name in over or list(self._oldest()):
            del self._counters[name]

    def _oldest(self) -> Iterator[str]:
        yield next(iter(self._counters))


def _limit_of(quota: Quota, now: float) -> RateLimit:
    return RateLimit(min(quota.left(now), MAX_RETRY_SECONDS), quota.scope, quota.reason, quota.categories)
