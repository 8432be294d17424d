"""An event on its way through the steps, and the word for one that goes no further."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vedette.digest.notes import Notes
from vedette.digest.values import EventUser, ProjectConfig
from vedette.grouping.result import Grouping
from vedette.spool.records import Receipt
from vedette.wire.event import Event
from vedette.wire.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Dropping:
    """This event is dropped, for this reason."""

    outcome: Outcome
    reason: str


@dataclass(slots=True)
class Draft:
    """What is known of one event so far. Steps change it in place.

    `raw` is the payload as it came; `free` is the JSON text of all of the event's free-form members. `received` and
    `sent_at` are Unix seconds.
    """

    raw: bytes
    kind: str
    event_id: str
    receipt: Receipt
    config: ProjectConfig
    received: float
    sent_at: float | None = None
    event: Event = field(default_factory=Event)
    free: bytes = b""
    notes: Notes = field(default_factory=Notes)
    user: EventUser = field(default_factory=EventUser)
    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    grouping: Grouping | None = None
    secondary_hashes: tuple[str, ...] = ()
    title: str = ""
    culprit: str = ""
    location: str = ""
    message: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


Step = Callable[[Draft], "Draft | Dropping"]
