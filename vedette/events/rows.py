"""What goes into the event store, and what comes out: plain values, one per table or query.

What comes out about transactions, their spans and traces is in `events.performance`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of `errors`. Ids are 32 hex digits; moments are aware UTC; `handled` is None when unknown.

    `batch_id` names the digest batch that wrote the row: a replay of the batch carries the same one. Without a body
    (`has_body`) the payload is empty: the event came in a storm, and everything else about it is there.
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
    has_body: bool = True


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
class SessionRow:
    """One row of `sessions`: what a digest batch adds to a minute of a release in an environment (each "" for none).

    `timestamp` is the minute's start. `*_ids` are 64-bit hashes of sessions and users, each once.
    """

    project_id: int
    timestamp: datetime
    environment: str
    release: str
    batch_id: int
    sessions: int
    crashed: int
    abnormal: int
    unhandled: int
    errored_preaggr: int
    duration_count: int
    duration_sum: float
    duration_max: float
    errored_sid_ids: tuple[int, ...]
    user_ids: tuple[int, ...]
    user_errored_ids: tuple[int, ...]
    user_crashed_ids: tuple[int, ...]
    user_abnormal_ids: tuple[int, ...]
    user_unhandled_ids: tuple[int, ...]
    user_anr_ids: tuple[int, ...]
    user_anr_fg_ids: tuple[int, ...]
    duration_values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SpanRows:
    """The rows of `spans` that one transaction makes: what they share, and a column for everything else.

    `event_id` and `timestamp` (its end) are the transaction's; the first row of each column is the transaction itself.
    Moments in columns are microseconds since 1970.
    """

    project_id: int
    event_id: str
    batch_id: int
    timestamp: datetime
    transaction: str
    environment: str
    release: str
    trace_id: str
    span_ids: Sequence[str]
    parent_span_ids: Sequence[str]
    started_us: Sequence[int]
    duration_us: Sequence[int]
    exclusive_us: Sequence[int]
    ops: Sequence[str]
    statuses: Sequence[str]
    descriptions: Sequence[str]
    raw_descriptions: Sequence[str]
    group_hashes: Sequence[str]
    details: Sequence[bytes]


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
class IssueNumbers:
    """What a list tells of one issue. `unhandled`: an error of the window was not handled. `series` is empty when none
    was asked for; without events the others are None."""

    stats: IssueStats | None = None
    ever: IssueStats | None = None
    unhandled: bool = False
    series: tuple[int, ...] = ()


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
    """One event in a list: everything but its payload, and whether it has one (`has_body`)."""

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
    has_body: bool = True


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event with its payload (the normalised event as JSON; for one without a body, what its row knows)."""

    summary: EventSummary
    payload: bytes


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where a stored event belongs: its issue, and the environment that it named."""

    group_id: int
    environment: str = ""


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Where an event id already stands: its row's group and batch."""

    project_id: int
    event_id: str
    day: str
    group_id: int
    batch_id: int

    @property
    def identity(self) -> tuple[int, str, str]:
        """What makes two events the same one: project, event id, day."""
        return (self.project_id, self.event_id, self.day)


@dataclass(frozen=True, slots=True)
class KnownTransaction:
    """Where the id of a transaction already stands: its day and the batch that wrote it."""

    project_id: int
    event_id: str
    day: str
    batch_id: int

    @property
    def identity(self) -> tuple[int, str, str]:
        """The same for transactions."""
        return (self.project_id, self.event_id, self.day)


Known = KnownEvent | KnownTransaction


@dataclass(frozen=True, slots=True)
class RankedIssue:
    """An issue and its place in a sort order. `score` is what keyset cursors carry: milliseconds, or a count."""

    group_id: int
    score: int


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """Sessions and users of some stretch of time. `errored` are all that had an error, crashes and the like included.

    Durations are seconds of sessions that ended well, None when nobody told any; `quantiles` are those of 50, 75, 90,
    95 and 99 per cent.
    """

    sessions: int = 0
    crashed: int = 0
    abnormal: int = 0
    unhandled: int = 0
    errored: int = 0
    users: int = 0
    users_errored: int = 0
    users_crashed: int = 0
    users_abnormal: int = 0
    users_unhandled: int = 0
    users_anr: int = 0
    users_anr_foreground: int = 0
    duration_average: float | None = None
    duration_longest: float | None = None
    duration_quantiles: tuple[float, ...] = ()


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
