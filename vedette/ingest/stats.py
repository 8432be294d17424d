"""What ingest counts about itself, for `/metrics`. Plain numbers, changed by the event loop only."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

COMMIT_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(slots=True)
class IngestStats:
    """Since the process began. `commit_buckets` has one more place than the bounds: what took longer than all."""

    accepted_requests: int = 0
    accepted_bytes: int = 0
    refused_by_status: dict[int, int] = field(default_factory=dict)
    inflight_requests: int = 0
    inflight_bytes: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    commit_buckets: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BUCKETS_SECONDS) + 1))
    uncounted_refusals: int = 0

    def accepted(self, body_bytes: int, seconds: float) -> None:
        """One request is on disk, `seconds` after it was queued."""
        self.accepted_requests += 1
        self.accepted_bytes += body_bytes
        self.commits += 1
        self.commit_seconds += seconds
        self.commit_buckets[bisect_left(COMMIT_BUCKETS_SECONDS, seconds)] += 1

    def refused(self, status: int) -> None:
        """One request was answered with this status."""
        self.refused_by_status[status] = self.refused_by_status.get(status, 0) + 1

    def cumulative_buckets(self) -> Iterator[tuple[float, int]]:
        """(upper bound in seconds, requests up to it), as Prometheus counts them; the last bound is infinite."""
        total = 0
        for bound, count in zip((*COMMIT_BUCKETS_SECONDS, float("inf")), self.commit_buckets, strict=True):
            total += count
            yield bound, total
