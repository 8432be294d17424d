"""An export: models in canonical order, rows by ascending pk, one view of the database, little memory.

Source: the relocation specification, 1.3, 6 and 10.2.
"""

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from django.db import DatabaseError, router
from django.db.models import Q

from vedette.accounts.models import User
from vedette.core.relocation import Generation, Relocation, Silo
from vedette.orgs.models import Organization
from vedette.relocation.exporting.addresses import Emails, UserEmails
from vedette.relocation.exporting.keys import Gate, Ledger
from vedette.relocation.exporting.options import ExportFailed, ExportOptions
from vedette.relocation.exporting.pks import PkSet
from vedette.relocation.exporting.rules import (
    ApiAuthorization,
    ApiToken,
    Context,
    DataSource,
    InstanceOption,
    NotificationAction,
    OwnedOption,
    ProjectKey,
    Rule,
    SavedSearch,
    Slugged,
    SnubaQuery,
    preserved_condition,
)
from vedette.relocation.exporting.selection import FEW, choose
from vedette.relocation.exporting.snapshot import snapshot
from vedette.relocation.exporting.sources import Page, PreservedSource, TableSource
from vedette.relocation.exporting.unknown import Leftovers
from vedette.relocation.exporting.withholding import withhold
from vedette.relocation.files.findings import FindingKind, FindingLog, export_error, note, warning
from vedette.relocation.files.writer import RowWriter
from vedette.relocation.graph import Declaration, graph
from vedette.relocation.models import PreservedControlRow, PreservedRegionRow
from vedette.relocation.progress import Progress, Silent

RULES: dict[str, type[Rule]] = {
    "sentry.apiauthorization": ApiAuthorization,
    "sentry.apitoken": ApiToken,
    "sentry.controloption": InstanceOption,
    "sentry.email": Emails,
    "sentry.notificationaction": NotificationAction,
    "sentry.option": InstanceOption,
    "sentry.organization": Slugged,
    "sentry.organizationoption": OwnedOption,
    "sentry.project": Slugged,
    "sentry.projectkey": ProjectKey,
    "sentry.projectoption": OwnedOption,
    "sentry.savedsearch": SavedSearch,
    "sentry.snubaquery": SnubaQuery,
    "sentry.team": Slugged,
    "sentry.useremail": UserEmails,
    "sentry.useroption": OwnedOption,
    "workflow_engine.datasource": DataSource,
}

FINDINGS_FILE = "export-findings.jsonl"

Source = TableSource | PreservedSource


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written: rows by model (models without rows are not named), and what there is to tell."""

    counts: dict[str, int]
    findings: FindingLog


class Export:
    """An export that is under way: inside of `with`, the database stands still for it.

    `pages()` has to be read to its end once. With `keys_only` rows hold little more than their foreign keys, which is
    enough to say which ones leave.
    """

    def __init__(
        self, options: ExportOptions, *, work_dir: Path, progress: Progress | None = None, keys_only: bool = False
    ) -> None:
        """`work_dir` is a directory for scratch files; the findings stay in it. Raises `ExportFailed`."""
        self.options = options.checked()
        self.counts: dict[str, int] = {}
        self._work_dir = work_dir
        self._progress = progress or Silent()
        self._keys_only = keys_only
        self._graph = graph()
        self._ledger = Ledger()
        self._told_of: set[tuple[str, str]] = set()
        self._targets = {key.target for one in self._graph for key in one.wire.foreign_keys.values()}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        path = self._work_dir / FINDINGS_FILE
        path.unlink(missing_ok=True)
        self.findings = self._stack.enter_context(FindingLog(path))
        self._stack.enter_context(snapshot(router.db_for_read(table) for table in (User, Organization)))
        with ExitStack() as undo:
            undo.callback(self._stack.close)
            with _telling():
                chosen = choose(self.options, self.findings.add)
            undo.pop_all()
        self._context = Context(self.options, chosen, self._ledger, self._work_dir, self.findings.add)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def exported(self, model: str) -> PkSet:
        """The pks of a model that other models refer to, as far as it was read."""
        return self._ledger.exported.get(model, PkSet())

    def pages(self) -> Iterator[tuple[str, Page]]:
        """(wire name, rows) in the order of a file; the rows of one model come in one or several pages.

        Raises `ExportFailed`. Whoever stops reading before the end leaves nothing behind.
        """
        pages = self._pages()
        self._stack.callback(pages.close)
        return pages

    def _pages(self) -> Generator[tuple[str, Page], None, None]:
        with _telling():
            self._progress.start("exporting", self._total())
        try:
            for declaration in self._graph:
                yield from self._told(declaration.wire.model, self._of(declaration))
            for model, pages in self._leftovers().models():
                yield from self._told(model, pages)
        finally:
            self._progress.finish()

    def rows(self) -> Iterator[tuple[str, int, dict[str, object]]]:
        """(wire name, pk, fields) in the order of a file."""
        for model, page in self.pages():
            for pk, fields in page:
                yield model, pk, fields

    def _told(self, model: str, pages: Iterable[Page]) -> Iterator[tuple[str, Page]]:
        with _telling(model):
            for page in pages:
                if page:
                    self.counts[model] = self.counts.get(model, 0) + len(page)
                    self._progress.advance(model, len(page))
                    yield model, page

    def _of(self, declaration: Declaration) -> Iterator[Page]:
        wire = declaration.wire
        if not self.options.allowed & {*wire.scopes_in(self.options.generation)}:
            self._ledger.narrowed.add(wire.model)
            return
        if not self._is_known(wire):
            self._ledger.narrowed.add(wire.model)
            self._tell_of_unknown(declaration)
            return
        unwritten = frozenset(wire.foreign_keys) - {*wire.names_in(self.options.generation)}
        gate = Gate(self._graph, wire, self._ledger, self.findings.add, unwritten)
        rule = RULES.get(wire.model, Rule)(self._context, wire.model)
        if wire.model in self._context.chosen or rule.narrows or gate.inherits():
            self._ledger.narrowed.add(wire.model)
        self._ledger.exported[wire.model] = PkSet()
        try:
            source = self._source(declaration, rule)
            yield from self._leaving(wire.model, source.pages(self._condition(declaration, gate)), gate, rule)
            yield from rule.more()
        finally:
            rule.close()

    def _leaving(self, model: str, pages: Iterator[Page], gate: Gate, rule: Rule) -> Iterator[Page]:
        chosen = self._context.chosen.get(model)
        exported = self._ledger.exported[model] if model in self._targets else None
        for page in pages:
            if chosen is not None:
                page = [row for row in page if row[0] in chosen]
            leaving = [row for row in rule.select(page) if gate.admits(*row)] if page else page
            if not self._keys_only:
                self._finish(leaving, rule)
            if exported is not None:
                for pk, _ in leaving:
                    exported.add(pk)
            yield leaving

    def _finish(self, rows: Page, rule: Rule) -> None:
        if type(rule).finish is not Rule.finish:
            for pk, fields in rows:
                rule.finish(pk, fields)
        if self.options.withholds:
            for _, fields in rows:
                withhold(rule.model, fields)
        if self.options.generation < max(Generation):
            self._without_unknown_fields(rows, rule.model)

    def _without_unknown_fields(self, rows: Page, model: str) -> None:
        """One field that an older Sentry does not know makes the whole file unreadable for it."""
        known = frozenset(self._graph[model].wire.names_in(self.options.generation))
        for _, fields in rows:
            for name in fields.keys() - known:
                value = fields.pop(name)
                if value is not None and (model, name) not in self._told_of:
                    self._told_of.add((model, name))
                    reason = f"not written, because Sentry did not know the field in {self.options.generation:d}"
                    self.findings.add(note(FindingKind.UNKNOWN_FIELD, reason, model=model, field=name))

    def _is_known(self, wire: Relocation) -> bool:
        if wire.exists_in(self.options.generation):
            return True
        return not self.options.only_known and wire.since <= self.options.generation

    def _tell_of_unknown(self, declaration: Declaration) -> None:
        rows = self._source(declaration, Rule(self._context, declaration.wire.model)).count(Q())
        if rows:
            reason = f"{rows} rows were left out, because Sentry did not know the model in {self.options.generation:d}"
            self.findings.add(warning(FindingKind.UNKNOWN_MODEL, reason, model=declaration.wire.model))

    def _source(self, declaration: Declaration, rule: Rule) -> Source:
        wire = declaration.wire
        if declaration.table is None:
            return PreservedSource(_PRESERVED[wire.silo], wire.model)
        names = wire.names_in(max(Generation))  # keys that are not written are looked at
        if self._keys_only:
            names = tuple(name for name in names if name in wire.foreign_keys or name in rule.needs)
        return TableSource(declaration, names)

    def _condition(self, declaration: Declaration, gate: Gate) -> Q:
        """What the query itself can leave out, where few rows are asked for and nobody has to be told."""
        if declaration.table is None:
            return preserved_condition(self._context, declaration.wire.silo)
        condition = Q()
        chosen = self._context.chosen.get(declaration.wire.model)
        if chosen is not None and (few := chosen.if_few(FEW)) is not None:
            condition &= Q(pk__in=few)
        for key, pks in gate.narrow(FEW):
            column = declaration.column(key)
            if column is not None:
                condition &= Q(**{f"{column}__in": pks}) | Q(**{column: None})
        return condition

    def _total(self) -> int | None:
        """How many rows there will be; None where nobody can tell before."""
        if self._context.chosen:
            return None
        total = 0
        for declaration in self._graph:
            scopes = {*declaration.wire.scopes_in(self.options.generation)}
            if self.options.allowed & scopes and self._is_known(declaration.wire):
                total += self._source(declaration, Rule(self._context, declaration.wire.model)).count(Q())
        return total + self._leftovers().count()

    def _leftovers(self) -> Leftovers:
        return Leftovers(self._context, self._graph)


_PRESERVED: dict[Silo, type[PreservedRegionRow] | type[PreservedControlRow]] = {
    Silo.REGION: PreservedRegionRow,
    Silo.CONTROL: PreservedControlRow,
}


def export_rows(
    stream: BinaryIO, options: ExportOptions, *, work_dir: Path, progress: Progress | None = None
) -> ExportResult:
    """Write an export into `stream`, which stays open. `work_dir` is a directory for scratch files and the findings.

    Raises `ExportFailed`; what was written until then is no complete file, and cannot be taken for one.
    """
    with Export(options, work_dir=work_dir, progress=progress) as export, _writing(export, stream) as writer:
        for model, page in export.pages():
            for pk, fields in page:
                writer.write(model, pk, fields)
    return ExportResult(export.counts, export.findings)


def plan(options: ExportOptions, *, work_dir: Path, progress: Progress | None = None) -> ExportResult:
    """What `export_rows` would write, as rows by model and findings, without writing. Raises `ExportFailed`."""
    with Export(options, work_dir=work_dir, progress=progress, keys_only=True) as export:
        for _ in export.pages():
            pass
    return ExportResult(export.counts, export.findings)


@contextmanager
def _telling(model: str | None = None) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise ExportFailed(export_error(FindingKind.DATABASE_ERROR, str(error), model=model)) from error
    except sqlite3.Error as error:
        reason = f"the scratch file cannot be written: {error}"
        raise ExportFailed(export_error(FindingKind.UNKNOWN, reason, model=model)) from error


@contextmanager
def _writing(export: Export, stream: BinaryIO) -> Iterator[RowWriter]:
    try:
        with RowWriter(stream, export.options.indent) as writer:
            yield writer
    except BrokenPipeError:  # nobody reads any more; the command line knows what to do
        raise
    except OSError as error:
        reason = f"the export cannot be written: {error.strerror or error}"
        raise ExportFailed(export_error(FindingKind.UNKNOWN, reason)) from error
