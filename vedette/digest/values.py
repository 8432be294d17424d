"""What `prepare` hands to `commit`: plain values, safe to pickle, complete enough to need no second look.

One request holds many items, and each item becomes exactly one of these values: an event, a transaction, a user
report, an attachment, or what was Dropped. Counts that a client reports about itself travel as `Reported`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    fingerprinting_rules: str = ""
    grouping_enhancements: str = ""
    auto_release_creation: bool = True
    release_date_from_events: bool = True


@dataclass(frozen=True, slots=True)
class EventUser:
    """Who was hit. `identity` is the first of `id:`, `username:`, `email:`, `ip:`, or empty."""

    identity: str = ""
    id: str = ""
    email: str = ""
    username: str = ""
    name: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """One error, message or CSP event, normalised, scrubbed and fingerprinted.

    `hashes` are 32 hex digits each, best first; the first is the primary hash. `tags` are final and unique by key
    (`release`, `environment`, `level`, `user` … under their plain names). `payload` is the normalised event as compact
    JSON (keys as in the ingest specification, section 7, with `_meta`, `errors`, `metadata`, `grouping` filled in).
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


@dataclass(frozen=True, slots=True)
class PreparedTransaction:
    """One finished transaction: enough to list, chart and open it. Durations are milliseconds."""

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
    payload: bytes


@dataclass(frozen=True, slots=True)
class PreparedUserReport:
    """What a person said about an event; feedback that names no event goes by its own id."""

    project_id: int
    organization_id: int
    key_id: int
    event_id: str
    name: str
    email: str
    comments: str
    received_at: datetime


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


Prepared = PreparedEvent | PreparedTransaction | PreparedUserReport | PreparedAttachment | Reported | Dropped
