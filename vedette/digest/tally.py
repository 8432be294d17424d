"""Outcomes of a batch, summed up by the hour and written in one go, inside the transaction that relates it.

Counted in the relational database and not in the event store, because only here does a count become true in the same
instant as what it counts.
"""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from vedette.core import clock, sql
from vedette.digest.models import OutcomeCount
from vedette.digest.values import (
    Dropped,
    Prepared,
    PreparedAttachment,
    PreparedEvent,
    PreparedSessions,
    PreparedTransaction,
    PreparedUserReport,
    Reported,
)
from vedette.wire.outcomes import Category, Outcome
from vedette.wire.reasons import MEANINGS

Key = tuple[int, int, int, int, int, str, datetime]

_CATEGORIES = {
    PreparedTransaction: Category.TRANSACTION,
    PreparedUserReport: Category.FEEDBACK,
    PreparedAttachment: Category.ATTACHMENT,
    PreparedSessions: Category.SESSION,
}
OTHER = "other"
MADE_UP_REASONS = 50  # of one project in one hour, each with each category that it is told of
_TOLD_BY_CLIENTS = frozenset({int(Outcome.FILTERED), int(Outcome.RATE_LIMITED), int(Outcome.CLIENT_DISCARD)})
_KNOWN_REASONS = {int(outcome): frozenset({"", *MEANINGS[outcome]}) for outcome in MEANINGS}
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
        elif isinstance(value, PreparedTransaction | PreparedUserReport | PreparedSessions):
            self._add(value, Outcome.ACCEPTED, _CATEGORIES[type(value)], "", value.received_at, 1)

    def taken_back(self, value: PreparedEvent | PreparedTransaction) -> None:
        """`value` was counted as accepted and is not stored after all."""
        category = Category.ERROR if isinstance(value, PreparedEvent) else Category.TRANSACTION
        self._add(value, Outcome.ACCEPTED, category, "", value.received_at, -1)

    def refused(
        self,
        value: PreparedEvent | PreparedTransaction | PreparedUserReport | PreparedAttachment | PreparedSessions,
        outcome: Outcome,
        reason: str,
    ) -> None:
        """`value` goes no further."""
        category = Category.ERROR if isinstance(value, PreparedEvent) else _CATEGORIES[type(value)]
        quantity = max(len(value.content), 1) if isinstance(value, PreparedAttachment) else 1
        self._add(value, outcome, category, reason, value.received_at, quantity)

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

    def _fold(self) -> None:
        """Reasons that clients make up are rows for good: beyond so many of a project in an hour they are `other`.

        Two nodes that count at the same moment may each let a few more in.
        """
        made_up = {key for key in self._counts if key[3] in _TOLD_BY_CLIENTS and key[5] not in _KNOWN_REASONS[key[3]]}
        if not made_up:
            return
        # By organization and hour, of which there is an index. Asked by its projects too, or for nothing but what the
        # unique index holds, SQLite would look at every hour that is kept.
        found = OutcomeCount.objects.filter(
            organization_id__in={key[0] for key in made_up}, hour__in={key[6] for key in made_up}
        ).values_list("project_id", "hour", "outcome", "category", "reason", "quantity")
        present: dict[tuple[int, datetime], set[tuple[int, int, str]]] = defaultdict(set)
        for project_id, hour, outcome, category, reason, _ in found:
            if outcome in _TOLD_BY_CLIENTS and reason not in _KNOWN_REASONS[outcome] and reason != OTHER:
                present[project_id, hour].add((outcome, category, reason))
        for key in sorted(made_up):
            reasons = present[key[1], key[6]]
            if key[3:6] in reasons or key[5] == OTHER:
                continue
            if len(reasons) < MADE_UP_REASONS:
                reasons.add(key[3:6])
            else:
                self._counts[(*key[:5], OTHER, key[6])] += self._counts.pop(key)

    def write(self) -> None:
        """Add the counts to the table, row by row in a fixed order, so that two nodes cannot deadlock."""
        self._fold()
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
