"""Which items of an envelope go in, when some of them meet a limit.

Source: the ingest specification, 5.2.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vedette.ingest.keys import KeyInfo
from vedette.ingest.quotas import Amounts, Quotas
from vedette.wire import messagepack
from vedette.wire.envelope import Item, quantity_of
from vedette.wire.items import DUMPS, RULES, Role, role_of
from vedette.wire.outcomes import Category
from vedette.wire.ratelimits import RateLimit


@dataclass(frozen=True, slots=True)
class Verdict:
    """`limits` are told to the sender; `refused` are the indexes of the items that go, each with its reason."""

    limits: tuple[RateLimit, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


EVERYTHING_GOES_IN = Verdict()


def judge(quotas: Quotas, key: KeyInfo, items: Sequence[Item], now: float) -> Verdict:
    """Count the items of an envelope against the quotas of its key; the event first, and what hangs on it with it."""
    if not key.quotas:
        return EVERYTHING_GOES_IN
    limits: dict[RateLimit, None] = {}
    refused: dict[int, str] = {}

    def take(indexes: Sequence[int], amounts: Amounts) -> bool:
        hit = quotas.take(key, amounts, now)
        if hit:
            limits.update(dict.fromkeys(hit))
            refused.update(dict.fromkeys(indexes, hit[0].reason))
        return not hit

    event = [index for index, item in enumerate(items) if creates(item)]
    if event:
        amounts = tuple((category, 1) for category in event_categories(items, event))
        take([index for index, item in enumerate(items) if goes_with_event(item)], amounts)
    files = [index for index, item in enumerate(items) if item.type == "attachment" and index not in refused]
    if files:
        size = sum(quantity_of(items[index]) for index in files)
        hit = quotas.take(key, ((Category.ATTACHMENT, size), (Category.ATTACHMENT_ITEM, len(files))), now)
        told = tells_of_crash(items)
        going = [index for index in files if index not in told] if hit else []
        if going:
            limits.update(dict.fromkeys(hit))
            refused.update(dict.fromkeys(going, hit[0].reason))
    for index, item in enumerate(items):
        rule = RULES.get(item.type)
        if rule is None or rule.category is None or item.type == "attachment" or index in event or index in refused:
            continue  # what no quota counts, a client's report above all, is never limited
        take([index], ((rule.category, quantity_of(item)),))
    return Verdict(tuple(limits), tuple(sorted(refused.items()))) if limits else EVERYTHING_GOES_IN


def creates(item: Item) -> bool:
    """Whether the item makes an event."""
    return role_of(item.type, item.header) is Role.CREATES


def event_categories(items: Sequence[Item], makers: Sequence[int]) -> tuple[Category, ...]:
    """What the envelope makes, each once: what its items say, and an error if an attachment makes an event, whatever
    lies beside it."""
    categories: dict[Category, None] = {}
    for index in makers:
        made = RULES[items[index].type].category if items[index].type != "attachment" else None
        categories[made or Category.ERROR] = None
    return tuple(categories)


def tells_of_crash(items: Sequence[Item]) -> set[int]:
    """The files without which there would be no event of the crash, one dump among them; they stay when only files
    are limited. Any more of the same kind are files like others."""
    found: set[int] = set()
    room = Counter({"dump": 1, "event.payload": 1, "event.breadcrumbs": 2})
    for index, item in enumerate(items):
        kind = item.header.get("attachment_type") if item.type == "attachment" else None
        if not isinstance(kind, str):
            continue
        if kind in DUMPS:
            kind = "dump"
        elif len(item.payload) > messagepack.MAX_BYTES:
            continue  # kept as a file
        if room[kind] > 0:
            room[kind] -= 1
            found.add(index)
    return found


def goes_with_event(item: Item) -> bool:
    """Whether the item makes no sense without its event: it goes when the event is refused."""
    return item.type in ("attachment", "form_data", "profile") or creates(item)
