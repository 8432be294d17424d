"""The second pass: all models in their order, the deferred ones at the end.

Source: the relocation specification, 4.2 (steps 7 to 9) and 4.3.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial

from django.db import transaction

from vedette.core import clock
from vedette.relocation.files.findings import Finding, FindingKind, Origin, Severity, import_error
from vedette.relocation.graph import canonical_order
from vedette.relocation.importing import silos
from vedette.relocation.importing.batches import Batches
from vedette.relocation.importing.chunks import Chunks
from vedette.relocation.importing.context import BatchContext
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportOptions
from vedette.relocation.importing.plans import Plan, Plans
from vedette.relocation.importing.result import ImportResult
from vedette.relocation.importing.rules.base import Rule
from vedette.relocation.importing.stage import Stage
from vedette.relocation.importing.wipe import forget_events, is_empty, wipe
from vedette.relocation.models import RegionImportChunk
from vedette.relocation.progress import Progress
from vedette.relocation.shapes import HIDDEN_NEEDS

WIPED = "(wiped)"  # the model of the chunk that says that room was made


def write_order(plans: Plans) -> list[Plan]:
    """The canonical order, except that what hidden references lead to comes first as well; unknown models last."""
    needs = {name: (*plans.graph.dependencies(name), *HIDDEN_NEEDS.get(name, ())) for name in plans.graph.order}
    ordered = [plans[name] for name in canonical_order(needs)]
    return ordered + [plans[name] for name in plans.unknown]


class Writing:
    """Writes what the stage holds. `source` names the file and the options; an import that was begun with others is
    refused."""

    def __init__(
        self,
        stage: Stage,
        plans: Plans,
        options: ImportOptions,
        result: ImportResult,
        progress: Progress,
        source: str,
    ) -> None:
        self._stage = stage
        self._plans = plans
        self._options = options
        self._result = result
        self._progress = progress
        self._source = source
        self._chunks = Chunks(result.import_uuid)
        self._now = clock.now()
        self._gone: list[int] = []

    def run(self) -> None:
        """Write everything. Raises `ImportFailed` and database errors."""
        begun_with = self._chunks.source()
        if begun_with is not None and begun_with != self._source:
            reason = "this import was begun with another file, or other options: give it another uuid"
            raise ImportFailed(import_error(FindingKind.UNKNOWN, reason))
        resumed = self._result.resumed = begun_with is not None
        wanted = [
            plan
            for plan in write_order(self._plans)
            if self._stage.has_rows(plan.position) and self._stage.wanted(plan.position)
        ]
        self._make_room(wanted, resumed=resumed)
        self._progress.start("writing", sum(self._stage.wanted(plan.position) for plan in wanted))
        self._write([plan for plan in wanted if not plan.rule.deferred], resumed=resumed)
        self._finish(wanted)
        self._write([plan for plan in wanted if plan.rule.deferred], resumed=resumed)
        self._sort_plan()

    def after_commit(self) -> None:
        """What cannot be taken back: the events of projects that are gone."""
        if self._gone and not forget_events(self._gone):
            self._note(
                f"the event store does not answer: events of {len(self._gone)} deleted projects stay in it until they "
                "are too old",
                Severity.WARNING,
            )

    def _write(self, plans: Iterable[Plan], *, resumed: bool) -> None:
        for plan in plans:
            context = self._context(plan)
            around = self._around(context.using)
            batches = Batches(self._stage, self._plans, context, self._chunks, self._result, around, self._source)
            for rows in batches.run(resumed=resumed):
                self._progress.advance(plan.model, rows)

    def _finish(self, plans: Iterable[Plan]) -> None:
        for plan in plans:
            if type(plan.rule).finish is not Rule.finish:
                context = self._context(plan)
                with transaction.atomic(using=context.using):
                    plan.rule.finish(context)
                self._result.findings.extend(context.findings)
                self._result.take(plan.model, context.counts, context.renames, context.secrets)

    def _context(self, plan: Plan) -> BatchContext:
        using = silos.alias(plan.declaration)
        return BatchContext(plan, using, self._options, self._result.import_uuid, self._now, self._slug_of)

    def _around(self, using: str) -> Callable[[], AbstractContextManager[None]]:
        return partial(transaction.atomic, using=using)

    def _slug_of(self, model: str, pk: int) -> str | None:
        position = self._plans[model].position
        slug = self._stage.one(f"SELECT slug FROM map.map_{position} WHERE new = ?", [pk])  # noqa: S608
        return str(slug) if slug is not None else None

    def _sort_plan(self) -> None:
        """By canonical order."""
        plan = self._result.plan
        places = {one.model: one.position for one in self._plans}
        ordered = sorted(plan.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))
        plan.clear()
        plan.update(ordered)

    # ------------------------------------------------------------ room

    def _make_room(self, wanted: list[Plan], *, resumed: bool) -> None:
        """Before the first row of a Global import; once, however often it is resumed."""
        if not self._options.is_global or resumed or is_empty():
            return
        if not self._options.wipe:
            reason = "there are accounts or organizations on this instance, and a global import takes the place of them"
            raise ImportFailed(import_error(FindingKind.VALIDATION_ERROR, reason))
        with silos.atomic_over(silos.aliases()):
            self._gone = wipe(wanted)
            self._chunks.save(
                RegionImportChunk(
                    import_uuid=self._result.import_uuid,
                    model=WIPED,
                    min_ordinal=1,
                    max_ordinal=0,
                    outcome={"rows": 0, "source": self._source},
                )
            )
        self._note(f"rows of {len(wanted)} models were deleted, and what hung on them", Severity.NOTE)

    def _note(self, reason: str, severity: Severity) -> None:
        self._progress.note(reason)
        self._result.findings.add(Finding(Origin.NOTE, FindingKind.UNKNOWN, reason=reason, severity=severity))
