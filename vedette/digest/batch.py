"""One batch of prepared values, sorted by kind, with its repetitions settled.

The same event id in the same project on the same UTC day is one event: the latest received wins and is counted once
(ingest specification, 17.3 [V]). Another day makes it another event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vedette.digest.values import (
    Dropped,
    Prepared,
    PreparedAttachment,
    PreparedEvent,
    PreparedTransaction,
    PreparedUserReport,
    Reported,
)

Identity = tuple[int, str, str]  # project, event id, day


def identity(event: PreparedEvent) -> Identity:
    """What makes two events the same one."""
    return (event.project_id, event.event_id, event.timestamp.date().isoformat())


@dataclass(slots=True)
class Batch:
    """What a run of the spool came to. `repeated` are events and transactions that a later one
    of the same batch replaces."""

    events: list[PreparedEvent] = field(default_factory=list)
    repeated: list[PreparedEvent | PreparedTransaction] = field(default_factory=list)
    transactions: list[PreparedTransaction] = field(default_factory=list)
    reports: list[PreparedUserReport] = field(default_factory=list)
    attachments: list[PreparedAttachment] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def sort_out(values: Iterable[Prepared]) -> Batch:
    """The batch that `values`, in the order of their arrival, make up. Deterministic, so that a replay sorts alike."""
    batch = Batch()
    events: list[PreparedEvent] = []
    for value in values:
        match value:
            case PreparedEvent():
                events.append(value)
            case PreparedTransaction():
                batch.transactions.append(value)
            case PreparedUserReport():
                batch.reports.append(value)
            case PreparedAttachment():
                batch.attachments.append(value)
            case Reported():
                batch.reported.append(value)
            case Dropped():
                batch.dropped.append(value)
    batch.events, repeated = _settle(events)
    batch.repeated += repeated
    last = {(value.project_id, value.event_id): value for value in batch.transactions}
    batch.repeated += [value for value in batch.transactions if last[value.project_id, value.event_id] is not value]
    batch.transactions = list(last.values())
    return batch


def _settle(events: Sequence[PreparedEvent]) -> tuple[list[PreparedEvent], list[PreparedEvent]]:
    last: dict[Identity, PreparedEvent] = {}
    repeated = []
    for event in events:
        key = identity(event)
        if key in last:
            repeated.append(last.pop(key))  # popped, so that the later one takes its own place in the order
        last[key] = event
    return list(last.values()), repeated
