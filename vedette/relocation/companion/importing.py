"""Reading a companion archive: Sentry's part first, then everything beside it, under the keys that things got.

The whole archive is unpacked and checked before anything is written. Sentry's part is imported as any other export is;
what it wrote is known by its chunks. The rest goes batch by batch, each with a chunk of its own in the same
transaction, so that an import that was broken off is completed, and one that is repeated changes nothing: the uuid of
an import is that of the archive's content, unless somebody says otherwise.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from django.db import IntegrityError, router, transaction

from vedette.core.files import FileStore
from vedette.core.relocation import Silo
from vedette.events.carrying import CARRIED
from vedette.events.client import EventStore
from vedette.issues.models import GroupHash
from vedette.relocation.companion.declarations import AFTER, GROUP, PROJECT, TRAVELS, Travels, in_order
from vedette.relocation.companion.eventlines import event_rows
from vedette.relocation.companion.keymap import KeyMap
from vedette.relocation.companion.rows import Incoming, batches_of
from vedette.relocation.companion.rules import HOMES, RULES
from vedette.relocation.companion.storing import FATES, PREFIX, import_events
from vedette.relocation.companion.unpacking import Unpacked, unpack
from vedette.relocation.companion.writing import Batch, Done, Rule, find_same, set_late
from vedette.relocation.files.findings import BadFile, Finding, FindingKind, FindingLog, note, refuse, warning
from vedette.relocation.graph import graph
from vedette.relocation.importing import scratch, silos
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportOptions
from vedette.relocation.importing.result import Counts, ImportResult
from vedette.relocation.importing.run import import_rows
from vedette.relocation.models import ControlImportChunk, ImportChunk, RegionImportChunk
from vedette.relocation.progress import Progress, Silent

RACES = 3  # how often a batch is tried again before its rows are looked at one by one
FINDINGS_OF_A_KIND = 100  # rows of one model that are named one by one; the others are counted
_UNPACKED = "archive-"  # how directories of archives that are being imported are called
_CHECKED_AT_ONCE = 1000  # rows of events between two words about progress
_CONTROL_APPS = frozenset({"accounts", "mail"})


@dataclass(slots=True)
class FullImportResult:
    """What an import did, or would do. `sentry` tells of Sentry's part; `plan` of the rows beside it by model, `events`
    of the rows of each table of the event store by what became of them, `files` how many are in the archive. In a dry
    run all of them count as inserted, because nobody can tell before."""

    sentry: ImportResult
    plan: dict[str, Counts] = field(default_factory=dict)
    events: dict[str, Counter[str]] = field(default_factory=dict)
    files: int = 0

    @property
    def import_uuid(self) -> str:
        """What the import is called."""
        return self.sentry.import_uuid

    @property
    def findings(self) -> FindingLog:
        """What was met, in both parts."""
        return self.sentry.findings


def import_full(
    stream: BinaryIO,
    options: ImportOptions,
    *,
    store: EventStore | None,
    files: FileStore,
    work_dir: Path,
    progress: Progress | None = None,
) -> FullImportResult:
    """Import the archive in `stream` (plain: unsealing is the caller's).

    `store` is only needed for an archive with events; without it they are left out, and told of. `work_dir` is a
    directory for scratch files, as large as the archive. Raises `ImportFailed` for an archive that is none and where
    `import_rows` does, `StoreUnavailable` when the event store goes away: the same call again goes on.
    """
    told = progress or Silent()
    sentry: ImportResult | None = None
    try:
        with _scratch(work_dir) as directory, KeyMap(directory / "keys") as keys, KeyMap(directory / "files") as blobs:
            told.start("unpacking", None)
            archive = unpack(stream, directory / "members", blobs)
            _check_rows(archive, told)
            options = replace(options, import_uuid=options.import_uuid or archive.digest[:32])
            later: list[Callable[[], None]] = []
            with _all_or_nothing(options):
                with archive.export.open("rb") as array:
                    sentry = import_rows(array, options, work_dir=work_dir, progress=told, later=later)
                importing = _Importing(archive, options, FullImportResult(sentry), keys, told)
                if not options.dry_run:
                    importing.import_rows(files, blobs)
            for work in later:
                work()
            return importing.plan() if options.dry_run else importing.import_events(store)
    except BadFile as error:
        failure = ImportFailed(error.finding)
        if sentry is not None:
            sentry.findings.add(error.finding)
            sentry.findings.close()
            failure.findings = sentry.findings
        raise failure from error
    except BaseException:
        if sentry is not None:
            sentry.findings.close()
        raise
    finally:
        told.finish()


def _all_or_nothing(options: ImportOptions) -> AbstractContextManager[None]:
    """Strictly, no row stays of an archive of which one would be dropped: Sentry's part and the rows beside it are one
    transaction, unless batches were asked for. Events come after it, and files that no row names go by themselves."""
    if options.strict and not options.dry_run and not options.in_batches and silos.share_a_database():
        return silos.atomic_over(silos.aliases())
    return nullcontext()


@contextmanager
def _scratch(work_dir: Path) -> Iterator[Path]:
    """A directory for what is unpacked. Those of imports that were killed go first: nobody goes on with them."""
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in work_dir.glob(f"{_UNPACKED}*"):
        with suppress(scratch.UnderWay, OSError), scratch.directory_of(work_dir, left.name) as directory:
            scratch.remove(directory)
    with scratch.directory_of(work_dir, f"{_UNPACKED}{secrets.token_hex(8)}") as directory:
        try:
            yield directory
        finally:
            scratch.remove(directory)


def _check_rows(archive: Unpacked, progress: Progress) -> None:
    """Read every row before the first one is written. Raises `BadFile`."""
    progress.start("checking", sum(archive.contents.counts.values()))
    for one in in_order():
        for batch in batches_of(archive, one):
            progress.advance(one.label, len(batch))
    for table in CARRIED:
        for ordinal, _, _ in event_rows(archive, table):
            if not ordinal % _CHECKED_AT_ONCE:
                progress.advance(f"events.{table.name}", _CHECKED_AT_ONCE)


class _Importing:
    """The part of an import that is beside Sentry's."""

    def __init__(
        self,
        archive: Unpacked,
        options: ImportOptions,
        result: FullImportResult,
        keys: KeyMap,
        progress: Progress,
    ) -> None:
        self._archive, self._options, self._keys, self._progress = archive, options, keys, progress
        self._uuid, self._findings, self._result = result.import_uuid, result.findings, result
        self._told: Counter[tuple[str, FindingKind, str]] = Counter()
        self._repeated = False
        self._followed = {target for one in TRAVELS for target in one.targets().values()}
        self._followed |= {target for some in AFTER.values() for target in some}

    def import_rows(self, files: FileStore, blobs: KeyMap) -> None:
        """Files, then the rows that name them."""
        self._import_files(files, blobs)
        self._import_rows()

    def import_events(self, store: EventStore | None) -> FullImportResult:
        """What hangs on the rows, and the end."""
        if store is not None:
            fates = import_events(
                self._archive,
                store,
                self._keys,
                import_uuid=self._uuid,
                repeated=self._repeated,
                progress=self._progress,
            )
            self._result.events = fates
            self._tell_fates(fates)
        self._end(store)
        return self._result

    def plan(self) -> FullImportResult:
        """What there is to import, as far as it can be told without doing it."""
        for one in in_order():
            if count := self._archive.contents.counts.get(one.label, 0):
                self._result.plan[one.label] = Counts(inserted=count)
        for table in CARRIED:
            if count := self._archive.contents.counts.get(f"events.{table.name}", 0):
                self._result.events[table.name] = Counter(inserted=count)
        self._result.files = self._archive.contents.files
        return self._result

    # ------------------------------------------------------------ rows

    def _import_rows(self) -> None:
        """Import the rows of every model that travels, then the keys that lead in circles."""
        self._learn_keys()
        total = sum(self._archive.contents.counts.get(one.label, 0) for one in in_order())
        self._progress.start("importing what Sentry leaves behind", total)
        for one in in_order():
            self._import_model(one)
        for one in in_order():
            if one.late:
                self._set_late(one)

    def _learn_keys(self) -> None:
        """The keys that Sentry's part got, from its chunks."""
        tables = {one.wire.model: one.table._meta.label_lower for one in graph() if one.table is not None}
        for silo, table in ((Silo.REGION, RegionImportChunk), (Silo.CONTROL, ControlImportChunk)):
            chunks: Any = table._default_manager.using(silos.alias(silo))
            for chunk in chunks.filter(import_uuid=self._uuid).iterator(chunk_size=20):
                if chunk.model in tables:
                    self._keys.add(tables[chunk.model], _pairs(chunk))

    def _import_model(self, one: Travels) -> None:
        using = router.db_for_write(one.table)
        done_until = self._learn_chunks(one, using)
        self._repeated = self._repeated or done_until > 0
        if one.stands_for:
            self._learn_standing(one)
        if self._archive.folder_of(one.label) is None:
            return
        if one.label == GROUP:
            self._find_homes(using)
        rule = RULES.get(one.label, Rule)(one, self._keys, self._tell, using)
        writer = Batch(one, self._keys, rule, self._tell, using)
        counts = self._result.plan.setdefault(one.label, Counts())
        counts.existing += done_until
        for batch in batches_of(self._archive, one, done_until, self._tell_unknown):
            done = self._write(one, writer, batch, using)
            if one.label in self._followed:
                self._keys.add(one.label, done.keys.items())
            counts.add(Counts(inserted=len(done.inserted), existing=len(done.existing), dropped=done.dropped))
            self._progress.advance(one.label, len(batch))
        if one.stands_for:
            self._learn_standing(one)

    def _write(self, one: Travels, writer: Batch, batch: list[Incoming], using: str) -> Done:
        mark = self._findings.mark()
        for attempt in range(RACES + 1):
            try:
                with transaction.atomic(using=using):
                    done = writer.write(batch, one_by_one=attempt == RACES)
                    self._refuse_drops(one, batch, done)
                    self._chunk(one.label, batch[0], batch[-1], done, using)
                return done
            except IntegrityError as error:
                self._findings.rewind(mark)
                if attempt == RACES:
                    where = {"model": one.label, "ordinal": batch[0].ordinal}
                    raise refuse(FindingKind.INTEGRITY_ERROR, str(error), **where) from error
        raise AssertionError("unreachable")

    def _refuse_drops(self, one: Travels, batch: list[Incoming], done: Done) -> None:
        if self._options.strict and done.dropped:
            reason = f"{done.dropped} of the rows {batch[0].ordinal} to {batch[-1].ordinal} would be dropped"
            raise refuse(FindingKind.DROPPED_ROW, reason, model=one.label)

    def _chunk(self, label: str, first: Incoming, last: Incoming, done: Done, using: str) -> None:
        is_followed = label in self._followed
        table: type[ImportChunk] = ControlImportChunk if label.partition(".")[0] in _CONTROL_APPS else RegionImportChunk
        inserted = done.inserted.values()
        table(
            import_uuid=self._uuid,
            model=PREFIX + label,
            min_ordinal=first.ordinal,
            max_ordinal=last.ordinal,
            min_source_pk=first.pk,
            max_source_pk=last.pk,
            min_inserted_pk=min(inserted, default=None),
            max_inserted_pk=max(inserted, default=None),
            inserted_map={str(old): new for old, new in done.inserted.items()} if is_followed else {},
            existing_map={str(old): new for old, new in done.existing.items()} if is_followed else {},
        ).save(using=using, force_insert=True)

    def _learn_chunks(self, one: Travels, using: str, more: str = "") -> int:
        """The last ordinal of a model that was imported before; its keys are known afterwards."""
        last = 0
        control = one.label.partition(".")[0] in _CONTROL_APPS
        table: Any = ControlImportChunk if control else RegionImportChunk
        chunks = table._default_manager.using(using).filter(import_uuid=self._uuid, model=PREFIX + one.label + more)
        for chunk in chunks.order_by("min_ordinal").iterator(chunk_size=20):
            self._keys.add(one.label, _pairs(chunk))
            last = max(last, chunk.max_ordinal)
        return last

    def _learn_standing(self, one: Travels) -> None:
        """What led to rows that are no more leads to those that this model's rows lead to."""
        target = next(name for name, model in one.targets().items() if model == one.stands_for)
        for batch in batches_of(self._archive, one):
            found = self._keys.find(one.stands_for, (row.values[target] for row in batch))
            gone = {row.values[one.gone[0]]: found.get(row.values[target]) for row in batch}
            known = self._keys.find(one.stands_for, gone)
            self._keys.add(one.stands_for, ((old, new) for old, new in gone.items() if new and old not in known))

    def _find_homes(self, using: str) -> None:
        """Issues that are there already: an application reported to the new server before the archive came."""
        hashes = next(one for one in in_order() if one.label == "issues.grouphash")
        projects = [new for _, new in self._keys.all_of(PROJECT)]
        there = GroupHash.objects.using(using)
        if not any(
            there.filter(project_id__in=projects[at : at + 500]).exists() for at in range(0, len(projects), 500)
        ):
            return
        for batch in batches_of(self._archive, hashes):
            mapped = self._keys.find(PROJECT, (row.values["project_id"] for row in batch))
            places = [(row.pk, mapped.get(row.values["project_id"]), row.values["hash"]) for row in batch]
            same = find_same(GroupHash, ("project_id", "hash"), places, using)
            groups = dict(there.filter(pk__in=same.values(), group__isnull=False).values_list("pk", "group_id"))
            homes = ((row.values["group_id"], groups[same[row.pk]]) for row in batch if same.get(row.pk) in groups)
            self._keys.add(HOMES, (pair for pair in homes if pair[0]))

    def _set_late(self, one: Travels) -> None:
        using = router.db_for_write(one.table)
        done_until = self._learn_chunks(one, using, ".late")
        for batch in batches_of(self._archive, one, done_until):
            new = self._keys.find(one.label, (row.pk for row in batch))
            pairs = [(new[row.pk], row.values) for row in batch if row.pk in new]
            with transaction.atomic(using=using):
                set_late(one, self._keys, pairs, using)
                self._chunk(f"{one.label}.late", batch[0], batch[-1], Done(), using)

    # ------------------------------------------------------------ files and events

    def _import_files(self, files: FileStore, blobs: KeyMap) -> None:
        """Keep the files, before the rows that name them: what no row names is forgotten by the sweep of files."""
        self._progress.start("importing files", self._archive.contents.files)
        for name, number in blobs.noted():
            path = self._archive.directory / number
            files.keep(name, path)
            path.unlink()
            self._result.files += 1
            self._progress.advance("files", 1)

    # ------------------------------------------------------------ telling

    def _end(self, store: EventStore | None) -> None:
        """Say what was counted only."""
        for (label, kind, name), count in self._told.items():
            if count > FINDINGS_OF_A_KIND:
                reason = f"and {count - FINDINGS_OF_A_KIND} more rows likewise"
                self._findings.add(warning(kind, reason, model=label, field=name or None))
        without = sum(count for label, count in self._archive.contents.counts.items() if label.startswith("events."))
        if store is None and without:
            reason = f"{without} rows of events were left out, because there is no event store"
            self._findings.add(warning(FindingKind.SKIPPED_ROW, reason))
        self._findings.flush()

    def _tell(self, finding: Finding) -> None:
        self._told[finding.model or "", finding.kind, finding.field or ""] += 1
        if self._told[finding.model or "", finding.kind, finding.field or ""] <= FINDINGS_OF_A_KIND:
            self._findings.add(finding)

    def _tell_unknown(self, label: str, column: str) -> None:
        if not self._told[label, FindingKind.UNKNOWN_FIELD, column]:
            reason = "this Vedette does not know the column; its values were left out"
            self._tell(warning(FindingKind.UNKNOWN_FIELD, reason, model=label, field=column))

    def _tell_fates(self, fates: Mapping[str, Counter[str]]) -> None:
        for name, counted in fates.items():
            for fate, reason in FATES.items():
                if counted[fate]:
                    told = note(FindingKind.SKIPPED_ROW, f"{counted[fate]} rows {reason}", model=f"events.{name}")
                    self._findings.add(told)


def _pairs(chunk: ImportChunk) -> Iterator[tuple[int, int]]:
    maps = (chunk.inserted_map, chunk.existing_map, chunk.overwrite_map)
    return ((int(old), int(new)) for old, new in chain.from_iterable(one.items() for one in maps))
