"""Rows of models without a table: kept as they came, with our keys in them, beside what they go with.

Source: the relocation specification, 2.4, 5.5 ("config rule") and 9 (#7).
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from vedette.core import json
from vedette.core.relocation import Relocation, Silo
from vedette.relocation.importing.silos import preserved_table
from vedette.relocation.importing.tables import Table, Values
from vedette.relocation.models import LONGEST_KEY

# Rows of these may be written over, where whoever imports says so (2.4).
CONFIGS = frozenset(f"sentry.{name}" for name in ("option", "controloption", "relay", "relayusage", "userrole"))
# Unique only where this field is true.
_ONLY_WHERE = {"sentry.savedsearch": "is_global"}

Owners = tuple[int | None, int | None, int | None]


def key_of(wire: Relocation, fields: Values) -> str | None:
    """The canonical text of what is unique about a row by itself: the values of the first unique set that holds no
    foreign keys. None where the model has none, or one of the values is null."""
    if (switch := _ONLY_WHERE.get(wire.model)) and not fields.get(switch):
        return None
    names = next((names for names in wire.uniques if not names & wire.foreign_keys.keys()), None)
    if names is None:
        return None
    values = [fields.get(name) for name in sorted(names)]
    if None in values:
        return None
    text = json.dump_text(values)
    return text if len(text) <= LONGEST_KEY else hashlib.sha256(text.encode()).hexdigest()


class PreservedTable:
    """The preserved rows of one model."""

    def __init__(self, wire: Relocation, using: str) -> None:
        self._wire = wire
        self._kept: Any = preserved_table(wire.silo)
        self._table = Table(self._kept, using)
        self._using = using

    def new_pks(self, moments: Sequence[Any]) -> list[int]:
        """Free pks."""
        return self._table.new_pks(moments)

    def insert(self, rows: Sequence[Values], pks: Sequence[int], owners: Sequence[Owners]) -> list[bool]:
        """Insert the rows; which were inserted, and which have a key that another row has."""
        return self._table.insert([self._as_kept(*pair) for pair in zip(rows, owners, strict=True)], pks)

    def holder(self, fields: Values) -> int | None:
        """The pk of the row that has the same key."""
        key = key_of(self._wire, fields)
        if key is None:
            return None
        found = self._kept.objects.using(self._using).filter(model=self._wire.model, key=key)
        return found.values_list("pk", flat=True).first()  # type: ignore[no-any-return]

    def overwrite(self, pk: int, fields: Values) -> None:
        """Let a row that is there take these values."""
        self._kept.objects.using(self._using).filter(pk=pk).update(fields=fields)

    def _as_kept(self, fields: Values, owners: Owners) -> Values:
        organization, project, user = owners
        kept = {"model": self._wire.model, "fields": fields, "key": key_of(self._wire, fields), "user_id": user}
        if self._wire.silo is Silo.REGION:
            kept["project_id"] = project
        return kept | {"organization_id": organization}
