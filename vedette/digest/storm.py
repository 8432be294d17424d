"""Which events of a batch keep their bodies, while their issue is in a storm.

Of such an issue a hundredth of the events keeps its body, chosen by the event's id (the same on every node, and on a
replay), and so do the oldest and the newest of each batch: at least one in 0.3 seconds, and the first and the latest
event always have one. What was decided is written down with the batch, in the transaction that counts it, so that a
replay writes the same rows.

Each minute of receipt is judged by itself: after an outage a batch may hold many, and only those of a storm are
thinned out.

A batch costs no question unless it holds so much of one issue that it could be a storm.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from vedette.core import clock
from vedette.digest.config import configs
from vedette.digest.values import PreparedEvent
from vedette.issues.storms import Gust, count_bodies, notice

Thinned = Mapping[str, Sequence[str]]
"""The issues whose events were thinned out, as texts, and the events that keep their bodies beside the sample."""

ONE_IN = 100
LEAST = 5  # events of one issue in a minute of a batch; fewer are never worth a look
SHORTEST_BATCH_SECONDS = 0.3
MINUTE = timedelta(minutes=1)
NEARLY = 4  # a batch counts at a quarter of the rate: several digesters may share an issue


def thin_out(events: Sequence[PreparedEvent], groups: Sequence[int | None]) -> dict[str, list[str]]:
    """Count what may be storms, and decide which bodies are kept. In the batch's transaction, after its counting."""
    much = {group for group, count in Counter(groups).items() if group is not None and count >= LEAST}
    if not much:
        return {}
    members: dict[int, list[PreparedEvent]] = {group: [] for group in sorted(much)}
    for event, group in zip(events, groups, strict=True):
        if group in members:
            members[group].append(event)
    settings = configs({own[0].project_id for own in members.values()})
    thinned: dict[str, list[str]] = {}
    for group, own in members.items():
        config = settings.get(own[0].project_id)
        stormy: set[str] = set()
        for gust, received in _gusts(group, own, config.storm_events_per_minute if config else 0):
            if notice(gust, clock.now()):
                stormy.update(event.event_id for event in received)
        if not stormy:
            continue
        in_time = sorted(own, key=lambda event: (event.timestamp, event.event_id))
        calm = (event.event_id for event in in_time[1:-1] if event.event_id not in stormy)
        thinned[str(group)] = [in_time[0].event_id, in_time[-1].event_id, *calm]
        count_bodies(group, len(stormy), sum(keeps_body(thinned, group, event_id) for event_id in stormy))
    return thinned


def _gusts(
    group_id: int, events: Sequence[PreparedEvent], limit_per_minute: int
) -> Iterator[tuple[Gust, list[PreparedEvent]]]:
    """What the batch holds of the issue in each minute of receipt in which that comes near the limit, in their
    order."""
    if not limit_per_minute:
        return
    minutes: dict[datetime, list[PreparedEvent]] = defaultdict(list)
    for event in events:
        minutes[event.received_at.replace(second=0, microsecond=0)].append(event)
    first, last = min(event.received_at for event in events), max(event.received_at for event in events)
    for minute, received in sorted(minutes.items()):
        # What part of this minute the batch covers.
        covered = (min(last, minute + MINUTE) - max(first, minute)).total_seconds()
        share = max(covered, SHORTEST_BATCH_SECONDS) / 60
        if len(received) >= max(LEAST, limit_per_minute * share / NEARLY):
            at = max(event.received_at for event in received)
            yield Gust(events[0].project_id, group_id, len(received), at, limit_per_minute), received


def keeps_body(thinned: Thinned, group_id: int, event_id: str) -> bool:
    """Whether the event is stored with its body."""
    kept = thinned.get(str(group_id))
    return kept is None or is_sampled(event_id) or event_id in kept


def is_sampled(event_id: str) -> bool:
    """Whether the event is of the hundredth; a checksum, because not all ids are random from the start."""
    return zlib.crc32(event_id.encode()) % ONE_IN == 0
