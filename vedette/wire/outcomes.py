"""What became of an item, and what it counts as.

Source: the ingest specification, 5.3 and 5.4. Numbers are part of the wire format.
"""

from dataclasses import dataclass
from enum import IntEnum


class Outcome(IntEnum):
    """Every item ends in exactly one."""

    ACCEPTED = 0
    FILTERED = 1
    RATE_LIMITED = 2
    INVALID = 3
    ABUSE = 4
    CLIENT_DISCARD = 5
    CARDINALITY_LIMITED = 6

    @property
    def word(self) -> str:
        """The name that the API and the metrics use."""
        return self.name.lower()


class Category(IntEnum):
    """The data categories of quotas and statistics. An event of type `default` is counted as ERROR."""

    DEFAULT = 0
    ERROR = 1
    TRANSACTION = 2
    SECURITY = 3
    ATTACHMENT = 4
    SESSION = 5
    PROFILE = 6
    REPLAY = 7
    TRANSACTION_PROCESSED = 8
    TRANSACTION_INDEXED = 9
    MONITOR = 10
    PROFILE_INDEXED = 11
    SPAN = 12
    MONITOR_SEAT = 13
    FEEDBACK = 14
    METRIC_BUCKET = 15
    SPAN_INDEXED = 16
    PROFILE_DURATION = 17
    PROFILE_CHUNK = 18
    ATTACHMENT_ITEM = 22
    LOG_ITEM = 23
    LOG_BYTE = 24
    # Not on Sentry's wire: items whose type nobody knows, and trace metrics, whose number is not published.
    TRACE_METRIC = 90
    UNKNOWN = 99

    @property
    def word(self) -> str:
        """The name that rate-limit headers, client reports and the API use."""
        return self.name.lower()


CATEGORY_OF_WORD = {category.word: category for category in Category}


@dataclass(frozen=True, slots=True)
class Count:
    """`quantity` items (bytes for ATTACHMENT and LOG_BYTE) of one category that ended in one outcome.

    `reason` is empty for ACCEPTED, a machine code otherwise. `at` is a Unix time in seconds: the hour it belongs to.
    """

    outcome: Outcome
    category: Category
    reason: str
    quantity: int
    at: float
