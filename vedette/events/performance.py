"""What the event store answers about transactions, their spans and traces: plain values, one per query."""

from dataclasses import dataclass
from datetime import datetime


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
class TransactionStats:
    """The numbers of the transactions of one project, name and operation. Durations are milliseconds."""

    project_id: int
    transaction: str
    op: str
    count: int
    failed: int
    users: int
    p50: float
    p75: float
    p95: float
    total_ms: float
    last_seen: datetime

    @property
    def failure_rate(self) -> float:
        """The part that failed, 0 to 1."""
        return self.failed / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class TransactionBucket:
    """The transactions of one interval: how many, how many of them failed, and how long they took (milliseconds)."""

    count: int
    failed: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """How many transactions took from `start_ms` up to `end_ms`."""

    start_ms: float
    end_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What transactions measured under one name, in the unit that the SDK measures it in."""

    name: str
    count: int
    p50: float
    p75: float


@dataclass(frozen=True, slots=True)
class SpanOp:
    """The spans of one operation in the transactions of a name; no operation means the transactions themselves.

    `exclusive_ms` is the time in which none of their children ran.
    """

    op: str
    count: int
    transactions: int
    exclusive_ms: float
    p95: float


@dataclass(frozen=True, slots=True)
class SpanGroup:
    """The spans of one group in the transactions of a name, with the longest as an example."""

    group_hash: str
    op: str
    description: str
    count: int
    transactions: int
    exclusive_ms: float
    p50: float
    p95: float
    trace_id: str
    span_id: str

    @property
    def each(self) -> str:
        """How often it runs in a transaction that has it at all."""
        return f"{self.count / self.transactions:.3g}" if self.transactions else "0"


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One span of a trace. `event_id` is its transaction's; a transaction itself is the span that `is_segment`."""

    project_id: int
    event_id: str
    timestamp: datetime
    transaction: str
    environment: str
    release: str
    trace_id: str
    span_id: str
    parent_span_id: str
    is_segment: bool
    started_at: datetime
    duration_us: int
    exclusive_us: int
    op: str
    status: str
    description: str
    group_hash: str

    @property
    def duration_ms(self) -> float:
        """How long it took."""
        return self.duration_us / 1000

    @property
    def own_ms(self) -> float:
        """How long it ran while none of its children did."""
        return self.exclusive_us / 1000


@dataclass(frozen=True, slots=True)
class TraceError:
    """One error of a trace, and the span in which it happened."""

    event_id: str
    project_id: int
    group_id: int
    timestamp: datetime
    level: str
    title: str
    transaction: str
    span_id: str


@dataclass(frozen=True, slots=True)
class TraceFacts:
    """How much a trace holds: spans (transactions among them), errors, and (operation, spans, own milliseconds)."""

    spans: int
    transactions: int
    errors: int
    by_op: tuple[tuple[str, int, float], ...]
