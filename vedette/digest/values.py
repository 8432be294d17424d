"""What `prepare` hands to `commit`: plain values, safe to pickle, complete enough to need no second look.



One request holds many items, and each item becomes exactly one of these values: an event, a transaction, a user
report, an attachment, sessions, or what was Dropped. Counts that a client reports about itself travel as `Reported`.

What thousands come of in a second is a msgspec struct: made in a fifth of the time, and moved between processes as is.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from vedette.grouping.configs import FIRST
from vedette.wire.filters import BY_DEFAULT, InboundFilters
from vedette.wire.outcomes import Category, Count, Outcome


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """The settings of a project that digesting depends on (its organization's already folded in)."""

    project_id: int
    organization_id: int
    slug: str = ""
    platform: str | None = None
    scrub_data: bool = True
    scrub_defaults: bool = True
    scrub_ip_addresses: bool = False
    sensitive_fields: tuple[str, ...] = ()
    safe_fields: tuple[str, ...] = ()
    retention_days: int = 90
    stored_crash_reports: int = 0  # of one issue; -1 is all of them
    storm_events_per_minute: int = 6000
    fingerprinting_rules: str = ""
    grouping_enhancements: str = ""
    auto_release_creation: bool = True
    release_date_from_events: bool = True
    filters: InboundFilters = BY_DEFAULT
    grouping_config: str = FIRST.id
    secondary_grouping_config: str = ""  # the one before, while a transition from it lasts
    escalates_new: bool = False  # new issues that come too fast


class EventUser(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who was hit. `identity` is the first of `id:`, `username:`, `email:`, `ip:`, or empty."""

    identity: str = ""
    id: str = ""
    email: str = ""
    username: str = ""
    name: str = ""
    ip: str = ""


class PreparedEvent(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="event"):
    """One error, message or CSP event, normalised, scrubbed and fingerprinted.

    `hashes` are 32 hex digits each, best first; the first is the primary hash. `tags` are final and unique by key
    (`release`, `environment`, `level`, `user` … under their plain names). `payload` is the normalised event as compact
    JSON (keys as in the ingest specification, section 7, with `_meta`, `errors`, `metadata`, `grouping` filled in).
    `secondary_hashes` are those of the project's previous grouping configuration, where they differ.
    `message` is the search text. `handled` is None when no exception says.
    """

    project_id: int
    organization_id: int
    key_id: int
    event_id: str
    type: str
    timestamp: datetime
    received_at: datetime
    platform: str
    level: str
    logger: str
    title: str
    culprit: str
    location: str
    message: str
    metadata: dict[str, Any]
    release: str
    dist: str
    environment: str
    transaction: str
    user: EventUser
    tags: tuple[tuple[str, str], ...]
    hashes: tuple[str, ...]
    sdk_name: str
    sdk_version: str
    handled: bool | None
    exception_types: tuple[str, ...]
    exception_values: tuple[str, ...]
    frame_filenames: tuple[str, ...]
    frame_functions: tuple[str, ...]
    trace_id: str
    span_id: str
    error_count: int
    payload: bytes
    secondary_hashes: tuple[str, ...] = ()


class PreparedSpans(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The spans of a transaction, column by column; the first entry of each column is the transaction itself.

    Moments are microseconds since 1970. A raw description is empty where it equals the normalised one; `details` is
    JSON (data, tags, measurements, origin) or empty.
    """

    span_ids: list[str]
    parent_span_ids: list[str]
    started_us: list[int]
    duration_us: list[int]
    exclusive_us: list[int]
    ops: list[str]
    statuses: list[str]
    descriptions: list[str]
    raw_descriptions: list[str]
    group_hashes: list[str]
    details: list[bytes]


class PreparedTransaction(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="transaction"):
    """One finished transaction: enough to list, chart and open it. Durations are milliseconds. `payload` has no spans:
    they are in `spans`."""

    project_id: int
    organization_id: int
    key_id: int
    event_id: str
    started_at: datetime
    timestamp: datetime
    received_at: datetime
    transaction: str
    op: str
    status: str
    source: str
    duration_ms: float
    trace_id: str
    span_id: str
    parent_span_id: str
    platform: str
    release: str
    dist: str
    environment: str
    user: EventUser
    tags: tuple[tuple[str, str], ...]
    measurements: tuple[tuple[str, float], ...]
    sdk_name: str
    sdk_version: str
    span_count: int
    spans: PreparedSpans
    payload: bytes


@dataclass(frozen=True, slots=True)
class PreparedUserReport:
    """What a person said about an event; feedback that names no event goes by its own id.

    `overwrites`: an earlier report about the event is replaced, however old it is. `is_feedback`: it came as an item of
    that newer kind.
    """

    project_id: int
    organization_id: int
    key_id: int
    event_id: str
    name: str
    email: str
    comments: str
    received_at: datetime
    overwrites: bool = False
    is_feedback: bool = False


@dataclass(frozen=True, slots=True)
class PreparedAttachment:
    """A file that belongs to an event, with its bytes."""

    project_id: int
    organization_id: int
    key_id: int
    event_id: str
    name: str
    content_type: str
    attachment_type: str
    received_at: datetime
    content: bytes = field(repr=False)


class SessionBucket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What sessions that started in one minute add to it (release health specification, section 4).

    `minute` is its start in Unix seconds. Ids are 64-bit hashes, those of sessions and of users; `users` holds every
    user, `durations` the seconds of sessions that ended well.
    """

    minute: int
    sessions: int
    crashed: int
    abnormal: int
    unhandled: int
    errored_preaggr: int
    errored_sids: tuple[int, ...]
    users: tuple[int, ...]
    users_errored: tuple[int, ...]
    users_crashed: tuple[int, ...]
    users_abnormal: tuple[int, ...]
    users_unhandled: tuple[int, ...]
    users_anr: tuple[int, ...]
    users_anr_foreground: tuple[int, ...]
    durations: tuple[float, ...]


class PreparedSessions(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One item of sessions of a release: each minute once, in order."""

    project_id: int
    organization_id: int
    key_id: int
    release: str
    environment: str
    received_at: datetime
    buckets: tuple[SessionBucket, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """Counts of what a client (or this server's own front) threw away before it reached us."""

    project_id: int
    organization_id: int
    key_id: int
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """An item that goes no further: its outcome is counted, its reason is a machine code (`invalid_json`)."""

    project_id: int
    organization_id: int
    key_id: int
    outcome: Outcome
    category: Category
    reason: str
    received_at: datetime
    quantity: int = 1


Prepared = (
    PreparedEvent
    | PreparedTransaction
    | PreparedUserReport
    | PreparedAttachment
    | PreparedSessions
    | Reported
    | Dropped
)

_BUCKET_BYTES = 400
_ID_BYTES = 40  # of one session's or user's hash, or of one duration: an object and its place in a tuple
_VALUE_BYTES = 500  # of what has no payload: an object, its texts and its place in the batch
_COUNT_BYTES = 200
_SPAN_BYTES = 400  # of the values of one span beside its texts: eleven objects and their places in columns


def held_bytes(value: Prepared) -> int:
    """About how much memory a value holds, for those who bound it: payloads, files, spans, sessions, texts, counts."""
    match value:
        case PreparedEvent():
            return len(value.payload)
        case PreparedTransaction():
            spans = value.spans
            told = (
                sum(map(len, spans.details)) + sum(map(len, spans.descriptions)) + sum(map(len, spans.raw_descriptions))
            )
            return len(value.payload) + told + _SPAN_BYTES * len(spans.span_ids)
        case PreparedAttachment():
            texts = len(value.name) + len(value.content_type) + len(value.attachment_type)
            return _VALUE_BYTES + 4 * texts + len(value.content)
        case PreparedSessions():
            ids = sum(
                len(one.errored_sids)
                + len(one.users)
                + len(one.users_errored)
                + len(one.users_crashed)
                + len(one.users_abnormal)
                + len(one.users_unhandled)
                + len(one.users_anr)
                + len(one.users_anr_foreground)
                + len(one.durations)
                for one in value.buckets
            )
            return _BUCKET_BYTES * len(value.buckets) + _ID_BYTES * ids
        case PreparedUserReport():
            return _VALUE_BYTES + 4 * (len(value.name) + len(value.email) + len(value.comments))
        case Reported():
            return _VALUE_BYTES + _COUNT_BYTES * len(value.counts)
    return _VALUE_BYTES
