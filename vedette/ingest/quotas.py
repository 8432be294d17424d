"""How much a key may send: a count per window, kept in this process.

Source: the ingest specification, 5.2 and 12. Only the limit of the key itself is known here (`key_quota`); it counts
errors, which are the categories default, error and security.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.ingest.keys import KeyInfo
from vedette.wire.envelope import Item
from vedette.wire.items import RULES, Role, role_of
from vedette.wire.outcomes import Category
from vedette.wire.ratelimits import RateLimit

KEY_QUOTA = "key_quota"
LIMITED_CATEGORIES = (Category.DEFAULT, Category.ERROR, Category.SECURITY)
_MAX_COUNTERS = 10_000


@dataclass(slots=True)
class _Counter:
    window: float
    count: int = 0


class KeyQuotas:
    """The counters of all keys. `now` is a Unix time in seconds."""

    def __init__(self) -> None:
        self._counters: dict[int, _Counter] = {}

    def take(self, key: KeyInfo, now: float) -> RateLimit | None:
        """Count one event of the key, or say which limit forbids it; what is forbidden is not counted."""
        if key.rate_limit is None:
            return None
        limit, seconds = key.rate_limit
        seconds = max(1, seconds)
        # Windows of different organizations do not all begin at the same moment.
        shift = key.organization_id * 2_654_435_761 % seconds
        window = (now - shift) // seconds
        counter = self._counters.get(key.key_id)
        if counter is None or counter.window != window:
            if counter is None and len(self._counters) >= _MAX_COUNTERS:
                del self._counters[next(iter(self._counters))]
            counter = self._counters[key.key_id] = _Counter(window)
        if counter.count >= limit:
            return RateLimit((window + 1) * seconds + shift - now, "key", KEY_QUOTA, LIMITED_CATEGORIES)
        counter.count += 1
        return None


def has_limited_event(items: Sequence[Item]) -> bool:
    """Whether the envelope makes an event that counts against the key's limit."""
    return any(
        role_of(item.type, item.header) is Role.CREATES
        and (item.type == "attachment" or RULES[item.type].category in LIMITED_CATEGORIES)
        for item in items
    )


def goes_with_event(item: Item) -> bool:
    """Whether the item makes no sense without its event: it goes when the event is refused."""
    return item.type in ("attachment", "form_data") or role_of(item.type, item.header) is Role.CREATES
