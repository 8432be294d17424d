"""What goes into the event store, and what comes out: plain values, one per table or query."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of `errors`. Ids are 32 hex digits; moments are aware UTC; `handled` is None when unknown.

    `batch_id` names the digest batch that wrote the row: a replay of the batch carries the same one.
    """

    project_id: int
    group_id: int
    primary_hash: str
    timestamp: datetime
    received_at: datetime
    event_id: str
    batch_id: int
    type: str
    platform: str
    level: str
    logger: str
    environment: str
    release: str
    dist: str
    transaction: str
    title: str
    culprit: str
    location: str
    message: str
    user: str
    user_id: str
    user_email: str
    user_name: str
    user_ip: str
    sdk_name: str
    sdk_version: str
    trace_id: str
    span_id: str
    handled: bool | None
    exception_types: tuple[str, ...]
    exception_values: tuple[str, ...]
    frame_filenames: tuple[str, ...]
    frame_functions: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    error_count: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """One row of `transactions`. Durations and measurements as the SDK sent them (milliseconds where it says so)."""

    project_id: int
    event_id: str
    batch_id: int
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
    environment: str
    release: str
    dist: str
    user: str
    sdk_name: str
    sdk_version: str
    span_count: int
    tags: tuple[tuple[str, str], ...]
    measurements: tuple[tuple[str, float], ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """Which events a question is about. `start` is included, `end` is not. No environments means all of them;
    the empty name means events without one. `projects` is never empty: whoever asks has checked the access."""

    projects: tuple[int, ...]
    start: datetime
    end: datetime
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueStats:
    """The numbers of one issue in a window."""

    group_id: int
    count: int
    users: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class TagValue:
    """One value of a tag: how many events carry it, and the first and last moment it was seen."""

    value: str
    count: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class TagFacet:
    """One tag key of an issue: how many events carry it, how many different values, and the most frequent ones."""

    key: str
    total: int
    unique: int
    top: tuple[TagValue, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class EventSummary:
    """One event in a list: everything but its payload."""

    event_id: str
    project_id: int
    group_id: int
    timestamp: datetime
    received_at: datetime
    type: str
    platform: str
    level: str
    title: str
    culprit: str
    location: str
    message: str
    environment: str
    release: str
    dist: str
    user: str
    user_id: str
    user_email: str
    user_name: str
    user_ip: str
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event with its payload (the normalised event as JSON)."""

    summary: EventSummary
    payload: bytes


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Where an event id already stands: its row's group and batch."""

    project_id: int
    event_id: str
    day: str
    group_id: int
    batch_id: int


@dataclass(frozen=True, slots=True)
class RankedIssue:
    """An issue and its place in a sort order. `score` is what keyset cursors carry: milliseconds, or a count."""

    group_id: int
    score: int


@dataclass(frozen=True, slots=True)
class TransactionSummary:
    """One transaction in a list. `duration_ms` is milliseconds."""

    event_id: str
    project_id: int
    started_at: datetime
    timestamp: datetime
    transaction: str
    op: str
    status: str
    duration_ms: float
    trace_id: str
    span_id: str
    environment: str
    release: str
    user: str
    span_count: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """How big one table is. `oldest` and `newest` are None when it is empty."""

    table: str
    rows: int
    bytes_on_disk: int
    parts: int
    partitions: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What `vedette doctor` wants to know of the event store."""

    version: str
    schema_version: int
    memory_limit_bytes: int
    tables: tuple[TableFacts, ...]
