"""One spooled request while its items are prepared: what they all share."""

from dataclasses import dataclass

from vedette.core.clock import from_unix
from vedette.digest.values import Dropped, ProjectConfig, Reported
from vedette.spool.records import Receipt
from vedette.wire.outcomes import Category, Count, Outcome


@dataclass(slots=True)
class Request:
    """`event_id` is the id that the envelope's items belong to: set by its header, else by its event; "" if none.

    `fallback_id` is for an event that nobody gave an id. `received` and `sent_at` are Unix seconds. `aggregates` is how
    many counts of sessions its items held so far.
    """

    receipt: Receipt
    config: ProjectConfig
    received: float
    sent_at: float | None
    event_id: str
    fallback_id: str
    aggregates: int = 0

    def dropped(self, outcome: Outcome, category: Category, reason: str, quantity: int = 1) -> Dropped:
        """An item that ends here."""
        return Dropped(
            project_id=self.config.project_id,
            organization_id=self.config.organization_id,
            key_id=self.receipt.key_id,
            outcome=outcome,
            category=category,
            reason=reason,
            received_at=from_unix(self.received),
            quantity=quantity,
        )

    def reported(self, counts: tuple[Count, ...]) -> Reported:
        """Counts that somebody else made."""
        return Reported(self.config.project_id, self.config.organization_id, self.receipt.key_id, counts)
