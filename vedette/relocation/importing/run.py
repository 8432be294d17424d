"""One import from beginning to end: read and check, resolve, write, and say what became of every row.

Without a word to the contrary everything is one transaction, chunks included. Where control and region are in two
databases, or batches were asked for, each batch is a transaction of its own, and the same uuid goes on where an import
was interrupted. Source: the relocation specification, 4.
"""

import gc
import hashlib
import re
import secrets
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.db import DatabaseError, IntegrityError

from vedette.core import json
from vedette.core.errors import VedetteError
from vedette.relocation.files.findings import BadFile, Finding, FindingKind, FindingLog, Origin, Severity, import_error
from vedette.relocation.files.reader import read_rows
from vedette.relocation.graph import graph
from vedette.relocation.importing import scratch, silos
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportOptions
from vedette.relocation.importing.plans import Plans
from vedette.relocation.importing.reading import Digesting, Reading
from vedette.relocation.importing.resolving import Resolving
from vedette.relocation.importing.result import ImportResult
from vedette.relocation.importing.stage import MAP_FILE, ROWS_FILE, Stage, StageBroken
from vedette.relocation.importing.writing import Writing
from vedette.relocation.progress import Progress, Silent

_FOUND_AT_ONCE = 500
_DEADLOCK = "40P01"  # PostgreSQL's code
_UUID = re.compile(r"[0-9a-f]{32}")


class _Undone(Exception):
    """Ends the transaction of a dry run."""


def import_rows(
    stream: BinaryIO,
    options: ImportOptions,
    *,
    work_dir: Path,
    progress: Progress | None = None,
    later: list[Callable[[], None]] | None = None,
) -> ImportResult:
    """Import the plain export in `stream`. Scratch files (twice its size, at most) lie below `work_dir` meanwhile.

    Findings of any severity are in the result's log, `work_dir/UUID.findings`, which is the caller's to delete. Raises
    `ImportFailed` after rolling everything back (in batches: the failed batch), with the log in its `findings`. Within
    a transaction of the caller's, `later` takes what can be done only when that has ended well.
    """
    progress = progress or Silent()
    import_uuid = _checked_uuid(options)
    scratch.remove_abandoned(work_dir)
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_path = work_dir / f"{import_uuid}.findings"
    try:
        with scratch.directory_of(work_dir, import_uuid) as directory:
            log_path.unlink(missing_ok=True)
            log = FindingLog(log_path)
            result = ImportResult(import_uuid, log, dry_run=options.dry_run)
            run = _Import(stream, options, directory, result, progress, later)
            try:
                run.run()
            except ImportFailed as failure:
                log.add(failure.finding)
                log.close()
                failure.findings = log
                if not run.can_be_resumed:
                    scratch.remove(directory)
                raise
            finally:
                progress.finish()
                log.flush()
            scratch.remove(directory)
            return result
    except scratch.UnderWay as error:
        reason = "another process works on this import"
        raise ImportFailed(import_error(FindingKind.UNKNOWN, reason)) from error


class _Found:
    """The findings of reading, kept in the scratch database: there may be one for every row."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._some: list[Finding] = []

    def add(self, finding: Finding) -> None:
        self._some.append(finding)
        if len(self._some) >= _FOUND_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        self._stage.keep_findings(finding.as_dict() for finding in self._some)
        self._some.clear()


def _checked_uuid(options: ImportOptions) -> str:
    import_uuid = (options.import_uuid or secrets.token_hex(16)).replace("-", "").lower()
    if not _UUID.fullmatch(import_uuid):
        reason = "an import is named by 32 hexadecimal digits"
        raise ImportFailed(import_error(FindingKind.MISSING_IMPORT_UUID, reason))
    return import_uuid


class _Import:
    def __init__(
        self,
        stream: BinaryIO,
        options: ImportOptions,
        directory: Path,
        result: ImportResult,
        progress: Progress,
        later: list[Callable[[], None]] | None,
    ) -> None:
        self._later = later
        self._stream = Digesting(stream)
        self._options = options
        self._directory = directory
        self._result = result
        self._progress = progress
        self._is_one_transaction = options.dry_run or not (options.in_batches or not silos.share_a_database())
        self.can_be_resumed = False

    def run(self) -> None:
        with _as_failures(), _rare_collections():
            stage = self._open_stage()
            try:
                plans = self._read(stage)
                self._count_settled(stage, plans)
                writing = Writing(stage, plans, self._options, self._result, self._progress, self._source(stage))
                self._refuse_what_strictness_forbids(stage)
                self.can_be_resumed = not self._is_one_transaction  # from here on something may be written
                self._write(writing)
            finally:
                stage.close()

    # ------------------------------------------------------------ reading

    def _open_stage(self) -> Stage:
        """What an earlier run has read, if it came to the end of that."""
        stage = Stage(self._directory)
        if stage.fact("is_settled"):
            return stage
        stage.close()
        for name in (ROWS_FILE, MAP_FILE):
            (self._directory / name).unlink(missing_ok=True)
        return Stage(self._directory)

    def _read(self, stage: Stage) -> Plans:
        plans = Plans(graph(), self._options)
        if stage.fact("is_settled"):
            for name in stage.fact("unknown"):
                plans.add_unknown(name)
            self._compare(stage)
        else:
            self._read_all(stage, plans)
        for shape in stage.findings():
            self._result.findings.add(Finding.from_dict(shape))
        return plans

    def _compare(self, stage: Stage) -> None:
        if stage.fact("digest") != self._stream.digest() or stage.fact("options") != _told(self._options):
            reason = "this import was begun with another file, or other options: give it another uuid"
            raise ImportFailed(import_error(FindingKind.UNKNOWN, reason))

    def _read_all(self, stage: Stage, plans: Plans) -> None:
        found = _Found(stage)
        reading = Reading(stage, plans, found.add)
        reading.run(read_rows(self._stream), self._progress)  # type: ignore[arg-type]  # it only reads
        Resolving(stage, plans, self._options, found.add).run()
        found.flush()
        stage.note("unknown", plans.unknown)
        stage.note("excluded", reading.excluded)
        stage.note("digest", self._stream.digest())
        stage.note("options", _told(self._options))
        stage.note("is_settled", True)
        stage.seal()

    def _source(self, stage: Stage) -> str:
        told = f"{stage.fact('digest')} {stage.fact('options')}"
        return hashlib.blake2b(told.encode(), digest_size=20).hexdigest()

    def _count_settled(self, stage: Stage, plans: Plans) -> None:
        """Rows that nobody has to write."""
        plan = self._result.plan
        for model, count in stage.fact("excluded").items():
            plan[model].out_of_scope += count
        for one in plans:
            if stage.has_rows(one.position):
                out, lost = stage.settled(one.position)
                plan[one.model].out_of_scope += out
                plan[one.model].dropped += lost

    def _refuse_what_strictness_forbids(self, stage: Stage) -> None:
        if not self._options.strict:
            return
        for shape in stage.findings():
            if shape["kind"] == FindingKind.DROPPED_ROW:
                finding = Finding.from_dict(shape)
                raise ImportFailed(finding.located(finding=Origin.IMPORT, severity=Severity.ERROR))

    # ------------------------------------------------------------ writing

    def _write(self, writing: Writing) -> None:
        around = partial(silos.atomic_over, silos.aliases()) if self._is_one_transaction else nullcontext
        try:
            with around():
                writing.run()
                if self._options.dry_run:
                    raise _Undone
        except _Undone:
            return
        if self._later is None:
            writing.after_commit()
        else:
            self._later.append(writing.after_commit)


def _told(options: ImportOptions) -> str:
    """What decides about the outcome, as text."""
    wanted = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name in ("scope", "org_slugs", "usernames", "project_slugs", "merge_users", "overwrite_configs")
        if (value := getattr(options, name)) is not None
    }
    more = {
        "hide": options.hide_organizations,
        "users": sorted(options.map_users.items()),
        "organizations": sorted(options.rename_orgs.items()),
        "wipe": options.wipe,
    }
    return json.dump_text(wanted | more)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage less often: rows come by the thousand and go as a whole, and looking at them all again and again
    takes a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _as_failures() -> Iterator[None]:
    """The error kinds of 4.4."""
    try:
        yield
    except (ImportFailed, _Undone):
        raise
    except BadFile as error:
        raise ImportFailed(error.finding) from error
    except StageBroken as error:
        raise ImportFailed(import_error(FindingKind.UNKNOWN, f"{error}. {error.hint}")) from error
    except IntegrityError as error:
        raise ImportFailed(import_error(FindingKind.INTEGRITY_ERROR, str(error))) from error
    except DatabaseError as error:
        waited = getattr(error.__cause__, "sqlstate", "") == _DEADLOCK
        reason = "somebody wrote the same rows in another order at the same moment: import the file again"
        raise ImportFailed(import_error(FindingKind.DATABASE_ERROR, reason if waited else str(error))) from error
    except VedetteError as error:
        raise ImportFailed(import_error(FindingKind.UNKNOWN, str(error))) from error
    except Exception as error:
        reason = "".join(traceback.format_exception(error))
        raise ImportFailed(import_error(FindingKind.UNKNOWN, reason)) from error
