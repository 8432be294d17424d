"""What happened before: breadcrumbs, the last one first, each with its distance to the event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vedette.web.eventview.reading import as_dict, as_moment, as_pairs, as_text, values_of
from vedette.web.eventview.values import NO_META, Meta, Pairs, Value, pairs_of, value_of
from vedette.web.moments import offset

MOST_BREADCRUMBS = 500
OPEN_BREADCRUMBS = 20
_LEVELS = ("fatal", "error", "warning", "info", "debug")


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """One step. `before` is the distance to the event (`-1.2 s`), empty without a time."""

    category: str
    type: str
    level: str
    message: Value | None
    data: Pairs
    at: datetime | None
    before: str


@dataclass(frozen=True, slots=True)
class Breadcrumbs:
    """The steps that show at once and the older ones that are folded; newest first in both."""

    recent: tuple[Breadcrumb, ...] = ()
    older: tuple[Breadcrumb, ...] = ()
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.recent)


def read_breadcrumbs(node: object, event_at: datetime | None, meta: Meta = NO_META) -> Breadcrumbs:
    """Breadcrumbs out of any JSON. They are sent oldest first, and that order is kept, whatever their clocks say."""
    sent = [(position, entry) for position, entry in enumerate(values_of(node)) if isinstance(entry, dict)]
    crumbs = tuple(
        _breadcrumb(entry, event_at, meta.at("values", position)) for position, entry in sent[::-1][:MOST_BREADCRUMBS]
    )
    return Breadcrumbs(
        recent=crumbs[:OPEN_BREADCRUMBS],
        older=crumbs[OPEN_BREADCRUMBS:],
        left_out=max(0, len(sent) - MOST_BREADCRUMBS),
    )


def _breadcrumb(node: dict[str, object], event_at: datetime | None, meta: Meta) -> Breadcrumb:
    at = as_moment(node.get("timestamp"))
    level = as_text(node.get("level"), 20)
    message = node.get("message")
    kind = as_text(node.get("type"), 100)
    return Breadcrumb(
        category=as_text(node.get("category"), 100) or kind or "default",
        type=kind,
        level=level if level in _LEVELS else "info",
        message=None if message in (None, "") else value_of(message, meta.at("message")),
        data=pairs_of(as_pairs(as_dict(node.get("data"))), meta.at("data"), 50),
        at=at,
        before=offset((at - event_at).total_seconds()) if at and event_at else "",
    )
