"""Gives hidden references our pks: the ids in JSON, texts and plain integers that no foreign key declares.

Source: the relocation specification, 5.6 and 9 (#6).
"""

from collections import defaultdict

from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.context import BatchContext
from vedette.relocation.importing.plans import Plans
from vedette.relocation.importing.rules.base import Incoming
from vedette.relocation.importing.stage import Stage
from vedette.relocation.references import Missing, Reference, with_references
from vedette.relocation.shapes import FINDERS, references_of

Found = list[tuple[Incoming, list[Reference]]]


class Remapping:
    """One model's references, batch by batch."""

    def __init__(self, stage: Stage, plans: Plans, context: BatchContext) -> None:
        self._stage = stage
        self._plans = plans
        self._context = context
        self._is_needed = context.plan.model in FINDERS

    def run(self, batch: list[Incoming]) -> None:
        """Change the values of each row; take rows out of `batch` that are nothing without what they refer to."""
        if not self._is_needed:
            return
        found = [(incoming, self._references(incoming)) for incoming in batch]
        known = self._known(found)
        lost = {
            id(incoming)
            for incoming, references in found
            if references and not self._remap(incoming, references, known)
        }
        if lost:
            batch[:] = [incoming for incoming in batch if id(incoming) not in lost]

    def _references(self, incoming: Incoming) -> list[Reference]:
        """Those of the file, where the rule has not replaced the whole field."""
        fields = {
            name: value
            for name, value in incoming.row.fields.items()
            if name not in incoming.values or incoming.values[name] == value or name in self._context.plan.key_places
        }
        return references_of(self._context.plan.model, fields)

    def _known(self, found: Found) -> dict[tuple[str, int], int]:
        wanted: dict[str, set[int]] = defaultdict(set)
        for _, references in found:
            for reference in references:
                if reference.target in self._plans:
                    wanted[reference.target].add(reference.pk)
        known: dict[tuple[str, int], int] = {}
        for target, pks in wanted.items():
            position = self._plans[target].position
            self._stage.prepare_map(position)
            known.update({(target, old): new for old, new in self._stage.mapped(position, pks).items()})
        return known

    def _remap(self, incoming: Incoming, references: list[Reference], known: dict[tuple[str, int], int]) -> bool:
        pairs = [(reference, known.get((reference.target, reference.pk))) for reference in references]
        for reference, new in pairs:
            if new is None and not self._tell(incoming, reference):
                return False
        incoming.values = with_references(incoming.values, pairs)
        return True

    def _tell(self, incoming: Incoming, reference: Reference) -> bool:
        """That a reference leads nowhere; False where the row is nothing without it."""
        field = ".".join(str(part) for part in reference.path)
        context = self._context
        if reference.missing is Missing.DROP_ROW:
            return context.drop(incoming, f"there is no {reference.target} {reference.pk} to go with", field)
        if reference.missing is Missing.KEEP:
            what = (
                f"{reference.target} {reference.pk} is not imported"
                if reference.target
                else (f"nobody knows what {reference.pk} refers to")
            )
            reason = f"{what}: it is kept as it is"
        else:
            reason = f"{reference.target} {reference.pk} is not imported: the reference is taken out"
        context.tell(incoming, FindingKind.UNMAPPED_REFERENCE, reason, field=field)
        return True
