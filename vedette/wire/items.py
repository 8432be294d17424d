"""The item types of envelopes: what each counts as, whether it belongs to an event, and how much of it is too much.

Source: the ingest specification, 4.3. A type that is not in the table is accepted and dropped later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vedette.wire.outcomes import Category

KIB = 1024
MIB = 1024 * KIB


class Role(Enum):
    """How an item relates to the event of its envelope."""

    CREATES = "creates an event"
    NEEDS = "needs an event's id"
    INDEPENDENT = "independent"


@dataclass(frozen=True, slots=True)
class Budget:
    """What all items that share it may be together: `count` items of `total_bytes`."""

    name: str
    count: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class ItemRule:
    """The row of one item type. `category` is None for items that no quota counts."""

    role: Role
    category: Category | None
    item_bytes: int
    budget: Budget


_EVENT = Budget("event", 1, MIB)
_FILES = Budget("attachment", 30, 200 * MIB)
_SESSIONS = Budget("session", 100, 10 * MIB)
_SPANS = Budget("span", 25, 12 * MIB)


def _alone(name: str, total_bytes: int, count: int = 1) -> Budget:
    return Budget(name, count, total_bytes)


RULES: dict[str, ItemRule] = {
    "event": ItemRule(Role.CREATES, Category.ERROR, MIB, _EVENT),
    "transaction": ItemRule(Role.CREATES, Category.TRANSACTION, MIB, _EVENT),
    "security": ItemRule(Role.CREATES, Category.SECURITY, MIB, _EVENT),
    "raw_security": ItemRule(Role.CREATES, Category.SECURITY, MIB, _EVENT),
    "feedback": ItemRule(Role.CREATES, Category.FEEDBACK, MIB, _EVENT),
    "form_data": ItemRule(Role.NEEDS, None, MIB, _EVENT),
    "replay_event": ItemRule(Role.NEEDS, Category.REPLAY, MIB, _EVENT),
    # The specification gives a report the 200 MiB of files, with which it shares its budget. A report is a few texts
    # of at most 4096 characters, and unlike a file it is decoded: what costs work is bounded like an event.
    "user_report": ItemRule(Role.NEEDS, Category.FEEDBACK, MIB, _FILES),
    "attachment": ItemRule(Role.NEEDS, Category.ATTACHMENT, 200 * MIB, _FILES),
    "unreal_report": ItemRule(Role.CREATES, Category.ERROR, 200 * MIB, _FILES),
    "session": ItemRule(Role.INDEPENDENT, Category.SESSION, 10 * MIB, _SESSIONS),
    "sessions": ItemRule(Role.INDEPENDENT, Category.SESSION, 10 * MIB, _SESSIONS),
    "client_report": ItemRule(Role.INDEPENDENT, None, 100 * KIB, _alone("client_report", 100 * KIB, count=100)),
    "check_in": ItemRule(Role.INDEPENDENT, Category.MONITOR, 100 * KIB, _alone("check_in", 100 * KIB)),
    "profile": ItemRule(Role.NEEDS, Category.PROFILE, 50 * MIB, _alone("profile", 50 * MIB)),
    "profile_chunk": ItemRule(Role.INDEPENDENT, Category.PROFILE_CHUNK, 50 * MIB, _alone("profile_chunk", 50 * MIB)),
    "replay_recording": ItemRule(Role.INDEPENDENT, Category.REPLAY, 10 * MIB, _alone("replay_recording", 10 * MIB)),
    "replay_video": ItemRule(Role.INDEPENDENT, Category.REPLAY, 10 * MIB, _alone("replay_video", 10 * MIB)),
    # Spans, logs and metrics come in containers: an item is bounded like all of them together. The 10, 2 and 1 MiB that
    # the specification gives them are bounds of one entry; as long as they are only counted, no container is opened.
    "span": ItemRule(Role.INDEPENDENT, Category.SPAN, 12 * MIB, _SPANS),
    "nel": ItemRule(Role.INDEPENDENT, Category.LOG_ITEM, MIB, _alone("nel", MIB, count=100)),
    "log": ItemRule(Role.INDEPENDENT, Category.LOG_ITEM, 12 * MIB, _alone("log", 12 * MIB)),
    "trace_metric": ItemRule(Role.INDEPENDENT, Category.TRACE_METRIC, 12 * MIB, _alone("trace_metric", 12 * MIB)),
    "metric_buckets": ItemRule(Role.INDEPENDENT, Category.METRIC_BUCKET, MIB, _alone("metric_buckets", MIB)),
    "statsd": ItemRule(Role.INDEPENDENT, Category.METRIC_BUCKET, MIB, _alone("statsd", MIB)),
}

# Attachments that make an event by themselves: crash dumps, and the MessagePack halves that native SDKs send.
EVENT_MAKING_ATTACHMENTS = frozenset(
    {
        "event.minidump",
        "event.applecrashreport",
        "event.payload",
        "event.breadcrumbs",
        "playstation.prosperodump",
        "nswitch.dying_message",
        "event.nv_gpudmp",
    }
)
# Of these, the dumps that an event is made of even when nothing else tells of it.
DUMPS = frozenset({"event.minidump", "event.applecrashreport"})


def role_of(item_type: str, header: Mapping[str, Any]) -> Role:
    """How the item relates to an event; the header matters for attachments only."""
    if item_type == "attachment":
        kind = header.get("attachment_type")
        if isinstance(kind, str) and kind in EVENT_MAKING_ATTACHMENTS:
            return Role.CREATES
    rule = RULES.get(item_type)
    return rule.role if rule else Role.INDEPENDENT


def category_of_type(item_type: str) -> Category:
    """What an item of this type counts as; UNKNOWN for one that no quota counts."""
    rule = RULES.get(item_type)
    return rule.category if rule and rule.category is not None else Category.UNKNOWN
