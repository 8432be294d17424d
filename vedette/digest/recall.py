"""Remembering which event ids are stored already, so that the store is asked only about those that may be.

Nearly every event is new, and asking the store for 500 new ids costs more the more it holds (31 ms at a million
events). A Bloom filter for each UTC day says "certainly new" or "perhaps not"; only the latter are looked up. It holds
only where nobody else writes to the store: with an event store of its own, a node has one digest. Elsewhere every id
is looked up. So it is while an import writes; what was remembered before is read anew afterwards (`events.arrivals`).
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from vedette.events.arrivals import Arrivals
from vedette.events.client import EventStore
from vedette.events.queries.ids import IdTable, count_ids, id_keys, key_of

Id = tuple[int, str, datetime]  # project, event id (32 hex digits), moment

BITS_PER_ID = 32
PROBES = 5  # with 32 bits an id: 6 in 100,000 new ids are looked up for nothing
FIRST_LAYER_IDS = 2**14
PART_IDS = 50_000  # of a day that is read from the store, between two batches
MOST_DAYS = 3  # of one batch, those with the most ids: whoever dates events as they like has the others asked for
MAX_BYTES = 64 * 2**20  # of all days; that with the most ids of the batch in hand stays
MAX_IDS = 2**23  # of one day; beyond, remembering costs more memory than asking costs time


class _Layer:
    """A Bloom filter for so many ids."""

    def __init__(self, ids: int) -> None:
        bits = 1 << (ids * BITS_PER_ID - 1).bit_length()
        self.left = bits // BITS_PER_ID
        self.bits = bytearray(bits >> 3)
        self._mask = bits - 1

    def add(self, key: int) -> None:
        place, step = _start(key)
        for _ in range(PROBES):
            place = (place + step) & self._mask
            self.bits[place >> 3] |= 1 << (place & 7)
        self.left -= 1

    def has(self, key: int) -> bool:
        place, step = _start(key)
        for _ in range(PROBES):
            place = (place + step) & self._mask
            if not self.bits[place >> 3] & 1 << (place & 7):
                return False
        return True


def _start(key: int) -> tuple[int, int]:
    """Where to begin, and how far apart to look. Bits 12 to 15 are the version of a UUID, always the same: left out."""
    return key >> 16, (key >> 43 ^ (key & 0xFFF) << 21) | 1


@dataclass(slots=True)
class _Day:
    """The ids of one day: first those of `parts` that were read from the store, and all that came since."""

    layers: list[_Layer]
    parts: int
    read: int = 0
    is_too_large: bool = False  # nothing is remembered, and everything asked

    @property
    def is_whole(self) -> bool:
        return self.read >= self.parts and not self.is_too_large

    @property
    def size_bytes(self) -> int:
        return sum(len(layer.bits) for layer in self.layers)

    def add(self, keys: Iterable[int]) -> None:
        for key in keys:
            if not self.layers[-1].left:
                if sum(len(layer.bits) for layer in self.layers) * 8 // BITS_PER_ID >= MAX_IDS:
                    self.layers, self.is_too_large = [], True
                    return
                self.layers.append(_Layer(2 * len(self.layers[-1].bits) * 8 // BITS_PER_ID))
            self.layers[-1].add(key)

    def has(self, key: int) -> bool:
        return any(layer.has(key) for layer in self.layers)


@dataclass(slots=True)
class Recall:
    """What is known of the ids of one table of the event store. One thread at a time."""

    events: EventStore
    table: IdTable
    _days: OrderedDict[date, _Day] = field(init=False, default_factory=OrderedDict)
    _arrivals: Arrivals = field(init=False, default_factory=Arrivals)

    def suspects(self, ids: Sequence[Id]) -> list[Id]:
        """Those that may be stored already; the others certainly are not.

        Raises `StoreUnavailable`: a day that is new here is first read from the store, a part with each call. Of days
        that are not, everything is suspected.
        """
        if not self.events.embedded:
            return list(ids)
        came, come = self._arrivals.look()
        if came or come:
            self._days.clear()
        if come:
            return list(ids)
        days = Counter(moment.date() for _, _, moment in ids).most_common(MOST_DAYS)
        for day, _ in reversed(days):  # the last one that is looked at is the last to be given up
            self._look_at(day)
        return [one for one in ids if self._may_have(one)]

    def add(self, ids: Iterable[Id]) -> None:
        """These are being stored."""
        by_day: dict[date, list[int]] = {}
        for project_id, event_id, moment in ids:
            by_day.setdefault(moment.date(), []).append(key_of(project_id, event_id))
        for day, keys in by_day.items():
            known = self._days.get(day)
            if known and not known.is_too_large:
                known.add(keys)
        size = sum(day.size_bytes for day in self._days.values())
        while size > MAX_BYTES and len(self._days) > 1:
            _, oldest = self._days.popitem(last=False)  # the one that was looked at longest ago
            size -= oldest.size_bytes

    def _may_have(self, one: Id) -> bool:
        project_id, event_id, moment = one
        day = self._days.get(moment.date())
        return day is None or not day.is_whole or day.has(key_of(project_id, event_id))

    def _look_at(self, day: date) -> None:
        known = self._days.get(day)
        if known is None:
            stored = count_ids(self.events, self.table, day)
            parts = -(-stored // PART_IDS)
            layer = _Layer(min(max(2 * stored, FIRST_LAYER_IDS), MAX_IDS))
            known = self._days[day] = _Day([layer], parts, is_too_large=stored > MAX_IDS)
        self._days.move_to_end(day)
        if not known.is_whole and not known.is_too_large:
            known.add(id_keys(self.events, self.table, day, known.read, known.parts))
            known.read += 1


class Recalls:
    """What one digest recalls, of every table in which an id stands once a day."""

    def __init__(self, events: EventStore) -> None:
        self.events = Recall(events, "errors")
        self.transactions = Recall(events, "transactions")
