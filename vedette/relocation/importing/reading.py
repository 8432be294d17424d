"""The first pass: the whole file is read, checked and laid out on disk before anything is written.

Whatever is wrong with a single row ends the import here, with the row and its line. Source: the relocation
specification, 4.2 (steps 2 to 5), 4.4 and 9 (#1, #7, #15, #22).
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from vedette.core import json
from vedette.core.nul import SENTENCE, holds_nul
from vedette.relocation.files.findings import BadFile, Finding, FindingKind, Origin, Severity, refuse
from vedette.relocation.files.older import Names, modern_rows
from vedette.relocation.files.reader import Row
from vedette.relocation.importing.plans import ORGANIZATION, PROJECT, USER, Plan, Plans
from vedette.relocation.importing.stage import Stage, State
from vedette.relocation.progress import Progress

EMAIL, USER_EMAIL = "sentry.email", "sentry.useremail"
_ROWS_AT_ONCE = 500  # of one model
_BYTES_AT_ONCE = 4 * 2**20  # of all models together
_NUL = b"\\u0000"
_TOLD_EVERY = 2000
_MOST_TOLD = 10_000  # unknown fields that are told of; a hostile file has another one in each row
# What filters go by, in which field. The rows of these models are few beside all others.
_NAMES = {ORGANIZATION: "slug", PROJECT: "slug", USER: "username"}
_ADDRESSES = {USER: "email", USER_EMAIL: "email", EMAIL: "email"}


class Digesting:
    """A stream that computes the digest of what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.blake2b(digest_size=20)

    def read(self, size: int = -1) -> bytes:
        """As of any stream."""
        piece = self._stream.read(size)
        self._hash.update(piece)
        return piece

    def digest(self) -> str:
        """Of everything up to the end, which is read if it was not."""
        while self.read(2**20):
            pass
        return self._hash.hexdigest()


class Reading:
    """One first pass. `tell` takes the findings that it has."""

    def __init__(self, stage: Stage, plans: Plans, tell: Callable[[Finding], None]) -> None:
        self._stage = stage
        self._plans = plans
        self._tell = tell
        self._buffers: dict[Plan, list[tuple[Any, ...]]] = {}
        self._names: list[tuple[str, int, str]] = []
        self._bytes = 0
        self._told: set[tuple[str, str]] = set()
        self.excluded: Counter[str] = Counter()
        self.rows = 0

    def run(self, rows: Iterable[Row], progress: Progress) -> None:
        """Read all rows. Raises `BadFile` and `StageBroken`."""
        progress.start("reading", None)
        since = 0
        row: Row | None = None
        with self._stage.at_once():
            for row in modern_rows(rows, self._tell, self._names_of):
                self._take(row)
                since += 1
                if since == _TOLD_EVERY:
                    progress.advance(row.model, since)
                    since = 0
            self._flush_all()
        if row is not None:
            progress.advance(row.model, since)

    def _names_of(self, model: str) -> Names | None:
        declaration = self._plans.graph.find(model)
        if declaration is None:
            return None
        keys = declaration.wire.foreign_keys
        return Names(tuple(keys), frozenset({*keys, *declaration.wire.fields}))

    def _take(self, row: Row) -> None:
        self.rows += 1
        try:
            plan = self._plans.find(row.model)
        except BadFile as error:
            raise BadFile(error.finding.located(left_pk=row.pk, line=row.line, row=row.number)) from error
        if plan is None:
            self._pass_over(row)
            return
        buffer = self._buffers.get(plan)
        if buffer is None:
            buffer = self._buffers[plan] = []
            self._stage.prepare(plan.position, len(plan.keys))
            self._introduce(plan, row)
        if not plan.is_wanted(row.fields):
            buffer.append((row.pk, row.number, row.line, State.OUT, None, None, *([None] * len(plan.keys))))
        else:
            plan.check(row)
            packed = json.dumps(row.fields)
            if _NUL in packed and holds_nul(row.fields):  # also in what is kept without being looked at
                where = {"model": row.model, "left_pk": row.pk, "line": row.line, "row": row.number}
                raise refuse(FindingKind.VALIDATION_ERROR, SENTENCE, **where)
            self._bytes += len(packed)
            buffer.append((row.pk, row.number, row.line, State.WANTED, None, packed, *plan.key_values(row)))
            if plan.model in _ADDRESSES or plan.model in _NAMES:
                self._note_names(plan, row)
            if not plan.known.issuperset(row.fields):
                self._tell_others(plan, row)
        if len(buffer) >= _ROWS_AT_ONCE or self._bytes >= _BYTES_AT_ONCE:
            self._flush_all()

    def _flush_all(self) -> None:
        for plan, buffer in self._buffers.items():
            if buffer:
                if not self._stage.put(plan.position, buffer):
                    self._refuse_double(plan, buffer)
                buffer.clear()
        self._stage.many("INSERT INTO named VALUES (?, ?, ?)", self._names)
        self._names.clear()
        self._bytes = 0

    def _refuse_double(self, plan: Plan, buffer: list[tuple[Any, ...]]) -> None:
        """Name the second row of those that have one pk: its number is not the one that was kept."""
        for pk, number, line, *_ in buffer:
            first_number, first_line = self._stage.first_of(plan.position, pk)
            if first_number != number:
                reason = f"a row of this model with the same pk stands in line {first_line}"
                raise refuse(FindingKind.DUPLICATE_KEY, reason, model=plan.model, left_pk=pk, line=line, row=number)
        first = buffer[0]  # one row that an older shape was made two of
        raise refuse(FindingKind.DUPLICATE_KEY, "its pk is there twice", model=plan.model, left_pk=first[0])

    # ------------------------------------------------------------ what filters go by

    def _note_names(self, plan: Plan, row: Row) -> None:
        if (field := _NAMES.get(plan.model)) and isinstance(name := row.fields.get(field), str):
            self._names.append((plan.model, row.pk, name))
        if (field := _ADDRESSES.get(plan.model)) and isinstance(address := row.fields.get(field), str) and address:
            owner = row.fields.get("user") if plan.model == USER_EMAIL else row.pk
            self._names.append((EMAIL if plan.model == EMAIL else "address", int(owner or 0), address.lower()))

    # ------------------------------------------------------------ what people should hear of

    def _pass_over(self, row: Row) -> None:
        self.excluded[row.model] += 1
        if self._is_first(row.model, ""):
            self._note(FindingKind.SKIPPED_ROW, row, "rows of this model never travel")

    def _introduce(self, plan: Plan, row: Row) -> None:
        if plan.is_unknown and plan.is_in_scope:
            self._note(FindingKind.UNKNOWN_MODEL, row, "nobody knows this model; its rows are kept as they are")
        elif plan.declaration.is_preserved and plan.is_in_scope:
            self._note(FindingKind.PRESERVED_MODEL, row, "rows of this model are kept, and not used yet")
        elif plan.rule.caution and plan.is_in_scope:
            self._note(FindingKind.PRESERVED_MODEL, row, plan.rule.caution)

    def _tell_others(self, plan: Plan, row: Row) -> None:
        for name in plan.others(row.fields):
            if not self._is_first(plan.model, name):
                continue
            value = row.fields[name]
            if plan.is_unknown:
                if name.endswith("_id") and type(value) is int:
                    reason = "it looks like the pk of a row, nobody knows of which: it is kept as it is"
                    self._tell(_finding(FindingKind.UNMAPPED_REFERENCE, row, reason, Severity.WARNING, field=name))
            elif name not in plan.rule.fields_to_ignore:
                self._note(FindingKind.UNKNOWN_FIELD, row, "nobody knows this field; it is kept aside", field=name)

    def _is_first(self, model: str, field: str) -> bool:
        if (model, field) in self._told or len(self._told) >= _MOST_TOLD:
            return False
        self._told.add((model, field))
        return True

    def _note(self, kind: FindingKind, row: Row, reason: str, field: str | None = None) -> None:
        self._tell(_finding(kind, row, reason, Severity.NOTE, field=field))


def _finding(kind: FindingKind, row: Row, reason: str, severity: Severity, *, field: str | None) -> Finding:
    return Finding(
        Origin.NOTE,
        kind,
        row.model,
        left_pk=row.pk,
        reason=reason,
        field=field,
        line=row.line,
        row=row.number,
        severity=severity,
    )
