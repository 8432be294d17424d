"""Outcomes of a batch, summed up by the hour and written in one go, inside the transaction that relates it.

Counted in the relational database and not in the event store, because only here does a count become true in the same
instant as what it counts.
"""

from collections import Counter
from datetime import datetime, timedelta

from vedette.core import clock, sql
from vedette.digest.values import (
    Dropped,
    Prepared,
    PreparedAttachment,
    PreparedEvent,
    PreparedTransaction,
    PreparedUserReport,
    Reported,
)
from vedette.wire.outcomes import Category, Outcome

Key = tuple[int, int, int, int, int, str, datetime]

_CATEGORIES = {
    PreparedTransaction: Category.TRANSACTION,
    PreparedUserReport: Category.FEEDBACK,
    PreparedAttachment: Category.ATTACHMENT,
}
_CLOCK_SLACK = timedelta(hours=1)


class Tally:
    """Counts of one batch."""

    def __init__(self) -> None:
        self._counts: Counter[Key] = Counter()

    def accepted(self, value: Prepared) -> None:
        """`value` was stored."""
        if isinstance(value, PreparedEvent):
            self._add(value, Outcome.ACCEPTED, Category.ERROR, "", value.received_at, 1)
        elif isinstance(value, PreparedAttachment):
            size = max(len(value.content), 1)
            self._add(value, Outcome.ACCEPTED, Category.ATTACHMENT, "", value.received_at, size)
            self._add(value, Outcome.ACCEPTED, Category.ATTACHMENT_ITEM, "", value.received_at, 1)
        elif isinstance(value, PreparedTransaction | PreparedUserReport):
            self._add(value, Outcome.ACCEPTED, _CATEGORIES[type(value)], "", value.received_at, 1)

    def refused(
        self, value: PreparedEvent | PreparedTransaction | PreparedUserReport, outcome: Outcome, reason: str
    ) -> None:
        """`value` goes no further."""
        category = Category.ERROR if isinstance(value, PreparedEvent) else _CATEGORIES[type(value)]
        self._add(value, outcome, category, reason, value.received_at, 1)

    def dropped(self, value: Dropped) -> None:
        """What `prepare` dropped."""
        self._add(value, value.outcome, value.category, value.reason, value.received_at, value.quantity)

    def reported(self, value: Reported) -> None:
        """What a client, or the front, says that it threw away. Moments that cannot be are taken as now."""
        now = clock.now()
        for count in value.counts:
            try:
                at = min(clock.from_unix(count.at), now + _CLOCK_SLACK)
            except (OverflowError, ValueError):
                at = now
            self._add(value, count.outcome, count.category, count.reason, at, count.quantity)

    def _add(
        self, owner: Prepared, outcome: Outcome, category: Category, reason: str, at: datetime, quantity: int
    ) -> None:
        hour = at.replace(minute=0, second=0, microsecond=0)
        key = (owner.organization_id, owner.project_id, owner.key_id, int(outcome), int(category), reason[:64], hour)
        self._counts[key] += quantity

    def write(self) -> None:
        """Add the counts to the table, row by row in a fixed order, so that two nodes cannot deadlock."""
        sql.run_many(
            "INSERT INTO digest_outcomecount "
            "(organization_id, project_id, key_id, outcome, category, reason, hour, quantity) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (organization_id, project_id, key_id, outcome, category, reason, hour) "
            "DO UPDATE SET quantity = digest_outcomecount.quantity + excluded.quantity",
            [
                (*key[:5], key[5].replace("\0", "\ufffd"), sql.moment(key[6]), min(quantity, 2**62))
                for key, quantity in sorted(self._counts.items())
            ],
        )
