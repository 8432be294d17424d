"""Rows of models that no graph names. They came in a file and leave again behind the known ones, as they came.

Readers up to a newer Sentry skip them, but one that filters by organization refuses the whole file: `only_known`
leaves them out. Source: the relocation specification, 9 and 10.2.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from vedette.core.relocation import RelocationScope, Silo
from vedette.relocation.exporting.keys import ORGANIZATION, PROJECT, USER
from vedette.relocation.exporting.pks import PkSet
from vedette.relocation.exporting.rules import Context, preserved_condition
from vedette.relocation.exporting.sources import Page, pages_of
from vedette.relocation.files.findings import FindingKind, note, warning
from vedette.relocation.graph import Graph
from vedette.relocation.models import PreservedControlRow, PreservedRegionRow

_SCOPES = frozenset({RelocationScope.ORGANIZATION, RelocationScope.GLOBAL})


class Leftovers:
    """Nobody knows the scope of these models: exports of organizations and of everything hold them, and others not."""

    def __init__(self, context: Context, graph: Graph) -> None:
        self._context = context
        self._graph = graph

    def models(self) -> Iterator[tuple[str, Iterator[Page]]]:
        """(wire name, pages of rows), by ascending name."""
        if self._context.options.scope not in _SCOPES:
            return
        for model, silo in sorted(self._found()):
            if self._context.options.only_known:
                self._tell(model, f"{self._rows(silo).filter(model=model).count()} rows were left out")
            else:
                self._tell(model, "kept and written again; a Sentry that filters by organization refuses such a file")
                yield model, self._pages(model, silo)

    def count(self) -> int:
        """How many rows may leave."""
        if self._context.options.scope not in _SCOPES or self._context.options.only_known:
            return 0
        return sum(self._rows(silo).filter(model=model).count() for model, silo in self._found())

    def _found(self) -> Iterator[tuple[str, Silo]]:
        for silo in Silo:
            for model in self._rows(silo).order_by("model").values_list("model", flat=True).distinct():
                if model not in self._graph:
                    yield model, silo

    def _rows(self, silo: Silo) -> QuerySet[Any]:
        return (PreservedRegionRow if silo is Silo.REGION else PreservedControlRow)._base_manager.all()

    def _pages(self, model: str, silo: Silo) -> Iterator[Page]:
        owners = ("organization_id", "project_id", "user_id")[: 3 if silo is Silo.REGION else 1]
        rows = self._rows(silo).filter(preserved_condition(self._context, silo), model=model)
        left_out: Counter[str] = Counter()
        for page in pages_of(rows, "fields", *owners, long=["fields"]):
            yield [row[:2] for row in page if self._leaves(row[2:], left_out)]
        if left_out:
            reason = f"{left_out['ownerless']} rows were left out, because nothing says whose they are"
            self._context.tell(warning(FindingKind.DROPPED_ROW, reason, model=model))

    def _leaves(self, owners: tuple[int | None, ...], left_out: Counter[str]) -> bool:
        exported = self._context.ledger.exported
        known = [
            pk in exported.get(target, PkSet())
            for target, pk in zip((ORGANIZATION, PROJECT, USER), owners, strict=False)
            if pk is not None
        ]
        if not known and ORGANIZATION in self._context.chosen:
            left_out["ownerless"] += 1
            return False
        return all(known)

    def _tell(self, model: str, reason: str) -> None:
        self._context.tell(note(FindingKind.UNKNOWN_MODEL, reason, model=model))
