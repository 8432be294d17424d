"""The second pass, model by model: rows get our keys, rules see to them, and a batch is written with its chunk.

Source: the relocation specification, 4.2 (step 7), 4.4, 4.5 and 4.7.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError

from vedette.core import json
from vedette.core.pieces import pieces
from vedette.relocation.files.findings import Finding, FindingKind, Severity, import_error
from vedette.relocation.files.reader import Row
from vedette.relocation.importing.chunks import Chunks, chunk_of, outcome_of, written_by
from vedette.relocation.importing.context import BatchContext
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.fetching import KEYS, LINE, NUMBER, OWNERS, PACKED, PK, Fetched, Fetching
from vedette.relocation.importing.plans import ORGANIZATION, PROJECT, USER, Plans
from vedette.relocation.importing.preserving import Owners
from vedette.relocation.importing.references import Remapping
from vedette.relocation.importing.result import Counts, ImportResult, Rename
from vedette.relocation.importing.rules.base import Incoming, Kind, Rule, Written
from vedette.relocation.importing.scratch import KeptSecrets
from vedette.relocation.importing.stage import KINDS, SKIPPED, Stage
from vedette.relocation.importing.tables import Table, Values
from vedette.relocation.models import ExtraFields, ImportChunk

BATCH = 2000  # rows


class _Tried(Exception):
    """Undoes what was only tried."""


class Batches:
    """Writes all rows of one model. `around` opens the transaction of a batch; `source` names what is imported."""

    def __init__(
        self,
        stage: Stage,
        plans: Plans,
        context: BatchContext,
        chunks: Chunks,
        result: ImportResult,
        around: Callable[[], AbstractContextManager[None]],
        source: str,
    ) -> None:
        self._stage = stage
        self._plan = plan = context.plan
        self._context = context
        self._chunks = chunks
        self._result = result
        self._around = around
        self._source = source
        self._fetching = Fetching(stage, plans, plan)
        self._remapping = Remapping(stage, plans, context)
        self._secrets = KeptSecrets(stage.directory)
        self._extras = Table(ExtraFields, context.using)
        width = len(plan.keys)
        # Where a fetched row has the pk in the file, ours, and the kind of ours.
        self._keys = [
            (place, key.name, KEYS + place, KEYS + width + place, KEYS + 2 * width + place)
            for place, key in enumerate(plan.keys)
        ]
        self._held = frozenset({*plan.by_wire, *plan.rule.fields_to_ignore})
        self._normalises = type(plan.rule).normalise is not Rule.normalise
        self._wants = [(name, kind) for _, name, _, _, kind in self._keys if name in plan.rule.wants_kinds]

    def run(self, *, resumed: bool) -> Iterator[int]:
        """Write batch after batch; how many rows each of them was. Raises `ImportFailed` and database errors, with
        the failed batch undone."""
        min_ordinal = 1
        while True:
            chunk = self._find(min_ordinal) if resumed else None
            rows = self._fetching.next(int(chunk.outcome["rows"]) if chunk else BATCH)
            if not rows:
                return
            if chunk is None:
                chunk = self._write(rows, min_ordinal)
            if chunk is not None:
                self._recall(chunk, rows)
            min_ordinal += len(rows)
            yield len(rows)

    # ------------------------------------------------------------ a batch that is new

    def _write(self, rows: Sequence[Fetched], min_ordinal: int) -> ImportChunk | None:
        """Write a batch; the chunk of another process that was faster, where there was one."""
        context = self._context
        context.begin(min_ordinal)
        try:
            with self._around():
                written = self._written(rows)
                chunk = self._chunk(rows, written, min_ordinal)
                if chunk is not None:
                    self._secrets.keep(self._plan.model, min_ordinal, context.secrets)
                    self._chunks.save(chunk)
        except (IntegrityError, DataError) as error:
            other = self._find(min_ordinal)
            if other is None:
                raise self._named(rows, error) from error
            return other
        if chunk is not None:
            self._chunks.copy_to_region(chunk)
        self._count(written)
        self._remember(rows, written, context.skipped)
        self._result.findings.extend(context.findings)
        self._result.take(self._plan.model, context.counts, context.renames, context.secrets)
        return None

    def _named(self, rows: Sequence[Fetched], error: DatabaseError) -> Exception:
        """The failure with the row that the database refuses, found by trying halves; without one where only the rows
        together are refused."""
        kind = FindingKind.INTEGRITY_ERROR if isinstance(error, IntegrityError) else FindingKind.DATABASE_ERROR
        while len(rows) > 1:
            half = len(rows) // 2
            refused = next((part for part in (rows[:half], rows[half:]) if self._is_refused(part)), None)
            if refused is None:
                return ImportFailed(import_error(kind, str(error), model=self._plan.model))
            rows = refused
        one = rows[0]
        where = {"model": self._plan.model, "left_pk": one[PK], "line": one[LINE], "row": one[NUMBER]}
        return ImportFailed(import_error(kind, str(error), **where))

    def _is_refused(self, rows: Sequence[Fetched]) -> bool:
        self._context.begin(0)
        try:
            with self._around():
                self._written(rows)
                raise _Tried
        except _Tried:
            return False
        except DatabaseError:
            return True

    def _written(self, rows: Sequence[Fetched]) -> dict[int, Written]:
        context, plan = self._context, self._plan
        batch = []
        for row in rows:
            incoming = self._incoming(row)
            if incoming is not None and (not self._normalises or plan.rule.normalise(incoming, context)):
                context.owners[row[PK]] = row[OWNERS]
                batch.append(incoming)
        self._remapping.run(batch)
        answers = plan.rule.write(batch, context) if batch else []
        written = {
            incoming.row.pk: answer for incoming, answer in zip(batch, answers, strict=True) if answer is not None
        }
        self._keep_extras(batch, written)
        return written

    def _incoming(self, row: Fetched) -> Incoming | None:
        """The row with our keys in it; None where it is dropped or skipped, which is told."""
        plan = self._plan
        fields = json.loads(row[PACKED])
        values = dict(fields)
        for name, read in plan.conversions:
            if name in values:
                values[name] = read(values[name])
        incoming = Incoming(Row(row[NUMBER], row[LINE], plan.model, row[PK], fields), values)
        for place, name, of_file, of_ours, of_kind in self._keys:
            new = row[of_ours]
            if new is not None:
                values[name] = new
            elif row[of_file] is not None:
                if not self._leads_nowhere(incoming, place, row[of_file], row[of_kind]):
                    return None
            elif name in fields:
                values[name] = None
        if self._wants:
            incoming.kinds = {name: KINDS[kind] for name, of in self._wants if (kind := row[of]) is not None}
        return incoming

    def _leads_nowhere(self, incoming: Incoming, place: int, old: int, kind: int | None) -> bool:
        """A key is set, and what it leads to is not written: null it, or lose the row (False)."""
        key, context = self._plan.keys[place], self._context
        target = f"{key.target} {old}"
        if key.required:
            if kind == SKIPPED:
                return context.skip(incoming, f"it goes with {target}, which is left out", key.name)
            return context.drop(incoming, f"there is no {target} to go with", key.name)
        incoming.values[key.name] = None
        quiet = key.name in self._plan.rule.quietly_nulled
        context.tell(
            incoming,
            FindingKind.NULLED_REFERENCE,
            f"{target} is not imported: the field is empty now",
            field=key.name,
            severity=Severity.NOTE if quiet else Severity.WARNING,
        )
        return True

    def _keep_extras(self, batch: Sequence[Incoming], written: dict[int, Written]) -> None:
        """Fields that the table has no column for, in place of what an older row has left under the same pk. A row that
        only stands for the incoming one stays as it is."""
        plan = self._plan
        if plan.declaration.is_preserved:
            return
        kept: list[Values] = []
        for incoming in batch:
            row = written.get(incoming.row.pk)
            if row is not None and row.kind is not Kind.EXISTING and not self._held.issuperset(incoming.row.fields):
                values = incoming.values
                extras = {
                    name: values.get(name, value)
                    for name, value in incoming.row.fields.items()
                    if name not in self._held
                }
                kept.append({"model": plan.model, "pk_of_row": row.pk, "fields": extras})
        for some in pieces(row["pk_of_row"] for row in kept):
            rows = ExtraFields.objects.using(self._context.using).filter(model=plan.model, pk_of_row__in=some)
            rows._raw_delete(self._context.using)
        self._extras.insert(kept, self._extras.new_pks([self._context.now] * len(kept)))

    def _chunk(self, rows: Sequence[Fetched], written: dict[int, Written], min_ordinal: int) -> ImportChunk | None:
        if not written:
            return None
        context = self._context
        counts = Counts()
        counts.add(context.counts)
        _count(counts, written, is_preserved=self._plan.declaration.is_preserved)
        outcome = outcome_of(
            len(rows),
            counts,
            context.renames,
            [finding.as_dict() for finding in context.findings],
            context.skipped,
            self._source,
        )
        wire = self._plan.wire
        return chunk_of(context.import_uuid, wire.silo, wire.model, min_ordinal, written, outcome)

    def _count(self, written: dict[int, Written]) -> None:
        _count(self._context.counts, written, is_preserved=self._plan.declaration.is_preserved)

    # ------------------------------------------------------------ a batch that was written before

    def _find(self, min_ordinal: int) -> ImportChunk | None:
        return self._chunks.find(self._plan.wire.silo, self._plan.model, min_ordinal)

    def _recall(self, chunk: ImportChunk, rows: Sequence[Fetched]) -> None:
        """Take over what a chunk says."""
        self._chunks.copy_to_region(chunk)
        outcome = chunk.outcome
        self._remember(rows, written_by(chunk), outcome["skipped"])
        self._result.findings.extend(Finding.from_dict(shape) for shape in outcome["findings"])
        renames = [Rename(*one) for one in outcome["renames"]]
        kept = self._secrets.recall(self._plan.model, chunk.min_ordinal)
        self._result.take(self._plan.model, Counts(**outcome["counts"]), renames, kept)

    def _remember(self, rows: Sequence[Fetched], written: dict[int, Written], skipped: Sequence[int]) -> None:
        """Add to the map: what was written, and what was skipped."""
        left_out = set(skipped)
        entries: list[tuple[Any, ...]] = []
        for row in rows:
            answer = written.get(row[PK])
            if answer is not None:
                owners = self._owners(answer.pk, row[OWNERS])
                entries.append((row[PK], answer.pk, KINDS.index(answer.kind), answer.slug, *owners))
            elif row[PK] in left_out:
                entries.append((row[PK], None, SKIPPED, None, None, None, None))
        self._stage.remember(self._plan.position, entries)

    def _owners(self, pk: int, owners: Owners) -> Owners:
        """What goes with this row: itself, where others can go with it."""
        organization, project, user = owners
        match self._plan.model:
            case model if model == ORGANIZATION:
                return pk, project, user
            case model if model == PROJECT:
                return organization, pk, user
            case model if model == USER:
                return organization, project, pk
        return owners


def _count(counts: Counts, written: dict[int, Written], *, is_preserved: bool) -> None:
    for row in written.values():
        match row.kind:
            case "existing":
                counts.existing += 1
            case "overwrite":
                counts.overwritten += 1
            case _ if is_preserved:
                counts.preserved += 1
            case _:
                counts.inserted += 1
