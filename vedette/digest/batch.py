"""One batch of prepared values, sorted by kind, with its repetitions settled.

The same event id in the same project on the same UTC day is one event: the latest received wins and is counted once
(ingest specification, 17.3 [V]). Another day makes it another event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vedette.digest.values import (
    Dropped,
    Prepared,
    PreparedAttachment,
    PreparedEvent,
    PreparedSessions,
    PreparedTransaction,
    PreparedUserReport,
    Reported,
)

Occurrence = TypeVar("Occurrence", PreparedEvent, PreparedTransaction)
Identity = tuple[int, str, str]  # project, event id, day


def identity(event: PreparedEvent | PreparedTransaction) -> Identity:
    """What makes two events, or two transactions, the same one."""
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
    sessions: list[PreparedSessions] = field(default_factory=list)
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
            case PreparedSessions():
                batch.sessions.append(value)
            case Reported():
                batch.reported.append(value)
            case Dropped():
                batch.dropped.append(value)
    batch.events, earlier_events = _settle(events)
    batch.transactions, earlier_transactions = _settle(batch.transactions)
    batch.repeated = [*earlier_events, *earlier_transactions]
    return batch


def _settle(events: Sequence[Occurrence]) -> tuple[list[Occurrence], list[Occurrence]]:
    last: dict[Identity, Occurrence] = {}
    repeated = []
    for event in events:
        key = identity(event)
        if key in last:
            repeated.append(last.pop(key))  # popped, so that the later one takes its own place in the order
        last[key] = event
    return list(last.values()), repeated
