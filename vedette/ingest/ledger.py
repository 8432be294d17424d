"""Counted refusals: what was not spooled still ends in an outcome.

Refusals are added up in memory and once a second go into the spool as receipts of kind "outcomes", one per key.
"""

from collections.abc import Iterator

from vedette.core import json
from vedette.ingest.keys import KeyInfo
from vedette.spool.records import Receipt
from vedette.wire.outcomes import Category, Outcome

MAX_COUNTS = 10_000
_HOUR_SECONDS = 3600

_Who = tuple[int, int, int]
_What = tuple[Outcome, Category, str, int]


class RefusalLedger:
    """Counts of refusals since they were last written down. `uncounted` is what a flood of keys left no room for."""

    def __init__(self) -> None:
        self.uncounted = 0
        self._counts: dict[_Who, dict[_What, tuple[int, float]]] = {}
        self._size = 0

    @property
    def counted(self) -> int:
        """How much is counted and not written down."""
        return sum(quantity for lines in self._counts.values() for quantity, _ in lines.values())

    def note(self, key: KeyInfo, outcome: Outcome, category: Category, reason: str, quantity: int, at: float) -> None:
        """Count a refusal of this key's data; `at` is a Unix time."""
        self._add((key.organization_id, key.project_id, key.key_id), outcome, category, reason, quantity, at)

    def take(self, now: float) -> Iterator[tuple[Receipt, bytes]]:
        """Everything counted so far, as requests for the spool; it is no longer counted here."""
        counts, self._counts, self._size = self._counts, {}, 0
        for (organization_id, project_id, key_id), lines in counts.items():
            receipt = Receipt(organization_id, project_id, key_id, now, kind="outcomes")
            body = [
                {"outcome": int(outcome), "category": int(category), "reason": reason, "quantity": quantity, "at": at}
                for (outcome, category, reason, _), (quantity, at) in lines.items()
            ]
            yield receipt, json.dumps(body)

    def put_back(self, receipt: Receipt, body: bytes) -> None:
        """Count again what the spool did not take."""
        who = (receipt.organization_id, receipt.project_id, receipt.key_id)
        for line in json.loads(body):
            outcome, category = Outcome(line["outcome"]), Category(line["category"])
            self._add(who, outcome, category, line["reason"], line["quantity"], line["at"])

    def _add(self, who: _Who, outcome: Outcome, category: Category, reason: str, quantity: int, at: float) -> None:
        lines = self._counts.setdefault(who, {})
        what = (outcome, category, reason, int(at // _HOUR_SECONDS))
        if what in lines:
            lines[what] = (lines[what][0] + quantity, at)
        elif self._size < MAX_COUNTS:
            self._size += 1
            lines[what] = (quantity, at)
        else:
            self.uncounted += quantity
