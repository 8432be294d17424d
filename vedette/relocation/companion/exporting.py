"""Writing a companion archive: Sentry's array, the rows beside it, events and files, in one stream.

Rows are read in one view of the database, together with Sentry's part; whoever writes meanwhile is not held up. Events
come after them, as far as they had been received when the export began: each belongs to an issue that is in the rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from vedette import __version__
from vedette.core import clock, runtime
from vedette.core.files import FileStore
from vedette.core.relocation import RelocationScope
from vedette.core.runtime import EngineAway
from vedette.events.carrying import CARRIED, pages_of
from vedette.events.client import EventStore
from vedette.orgs.models import Organization
from vedette.relocation.companion.container import EXPORT, ArchiveWriter, Writable
from vedette.relocation.companion.declarations import ORGANIZATION, PROJECT, Travels, in_order
from vedette.relocation.companion.keymap import KeyMap
from vedette.relocation.companion.pieces import PieceWriter
from vedette.relocation.companion.values import as_json
from vedette.relocation.exporting.options import ExportFailed, ExportOptions
from vedette.relocation.exporting.run import Export
from vedette.relocation.files.findings import FindingKind, FindingLog, export_error, note, warning
from vedette.relocation.files.writer import RowWriter
from vedette.relocation.graph import graph
from vedette.relocation.progress import Progress, Silent

AT_ONCE = 2_000
FEW = 500  # organizations that a query may name
FLUSH_SECONDS = 10.0
_SCOPES = (RelocationScope.ORGANIZATION, RelocationScope.GLOBAL)


@dataclass(frozen=True, slots=True)
class FullExportResult:
    """What was written: rows of Sentry's part by model, all other rows by model or `events.` table, and files."""

    counts: dict[str, int]
    more: dict[str, int]
    files: int
    findings: FindingLog


def export_full(
    stream: Writable,
    options: ExportOptions,
    *,
    store: EventStore | None,
    files: FileStore,
    work_dir: Path,
    progress: Progress | None = None,
    with_events: bool = False,
) -> FullExportResult:
    """Write an archive of organizations into `stream`, which stays open (sealing is the caller's).

    `store` is only needed `with_events`. `work_dir` is a directory for scratch files, as large as Sentry's part; the
    findings stay in it. Raises `ExportFailed`, and `StoreUnavailable` when the event store goes away; what was written
    until then is no archive, and is not taken for one.
    """
    if options.scope not in _SCOPES:
        reason = f"an archive holds organizations or everything, not scope {options.scope}"
        raise ExportFailed(export_error(FindingKind.UNSPECIFIED_SCOPE, reason))
    if with_events and store is None:
        raise ValueError("events come from an event store")
    _digest_what_waits(with_events)
    began = clock.now()
    manifest = {
        "vedette": __version__,
        "scope": str(options.scope),
        "made_at": began.isoformat(),
        "with_events": with_events,
    }
    with KeyMap(work_dir / "exported-keys.sqlite3") as known:
        archive = ArchiveWriter(stream, manifest)
        writing = _Writing(archive, known, work_dir, progress or Silent(), with_events=with_events)
        with Export(options, work_dir=work_dir, progress=progress) as export:
            writing.sentry_part(export)
            writing.rows(export)
        findings = FindingLog(export.findings.path)  # goes on where Sentry's part ended
        writing.tell(findings)
        if with_events and store is not None:
            writing.events(store, began)
        writing.files(files, findings)
        archive.close()
        findings.flush()
    return FullExportResult(export.counts, archive.contents.counts, archive.contents.files, findings)


def _digest_what_waits(with_events: bool) -> None:
    """Let a running server finish what it has accepted; without one, or when it is late, what is digested counts."""
    where = runtime.read(settings.VEDETTE.runtime_file) if with_events else None
    if where is not None:
        with suppress(EngineAway):
            runtime.ask_engine(where, "flush", {"timeout": FLUSH_SECONDS}, timeout_seconds=FLUSH_SECONDS + 2)


class _Writing:
    """An archive that is being written."""

    def __init__(
        self, archive: ArchiveWriter, known: KeyMap, work_dir: Path, progress: Progress, *, with_events: bool
    ) -> None:
        self._archive, self._known, self._work_dir, self._progress = archive, known, work_dir, progress
        self._with_events = with_events
        self._left_out: dict[str, int] = {}
        self._only: list[int] | None = None  # organizations; None for all of them
        self._wanted = {target for one in in_order() for target in one.targets().values()}

    def sentry_part(self, export: Export) -> None:
        """Write the array, and remember the keys that it has."""
        tables = {one.wire.model: one.table._meta.label_lower for one in graph() if one.table is not None}
        path = self._work_dir / EXPORT
        try:
            with path.open("wb") as file, RowWriter(file, None) as writer:
                for model, page in export.pages():
                    for pk, fields in page:
                        writer.write(model, pk, fields)
                    label = tables.get(model, "")
                    if label in self._wanted:
                        self._known.add(label, ((pk, pk) for pk, _ in page))
            self._archive.add_file(EXPORT, path, sum(export.counts.values()))
        finally:
            path.unlink(missing_ok=True)
        organizations = [pk for pk, _ in self._known.all_of(ORGANIZATION)]
        self._only = organizations if len(organizations) <= FEW else None
        slugs = Organization.objects.filter(pk__in=organizations[:FEW]).order_by("slug").values_list("slug", flat=True)
        self._archive.contents.organizations = list(slugs)

    def rows(self, export: Export) -> None:
        """Write the rows of every model that travels."""
        self._progress.start("exporting what Sentry leaves behind", None)
        projects = export.options.project_slugs is not None
        for number, one in enumerate(in_order(), 1):
            if one.with_events and not self._with_events:
                continue
            head = orjson.dumps(["pk", *(field.attname for field in one.fields())]) + b"\n"
            folder = f"rows/{number:02d}-{one.label}"
            with PieceWriter(self._archive, folder, self._work_dir, head) as pieces:
                for batch in self._batches(one, of_projects=projects):
                    pieces.add(orjson.dumps(row, default=as_json) + b"\n" for row in batch)
                    self._progress.advance(one.label, len(batch))
            if pieces.rows:
                self._archive.contents.counts[one.label] = pieces.rows

    def _batches(self, one: Travels, *, of_projects: bool) -> Iterator[Sequence[tuple[Any, ...]]]:
        names = [field.attname for field in one.fields()]
        rows = one.table._base_manager.exclude(**(one.leave or {})) if one.leave else one.table._base_manager.all()
        if one.within and self._only is not None:
            rows = rows.filter(**{f"{one.within}__in": self._only})
        if one.of_projects and of_projects:
            mine = [pk for pk, _ in self._known.all_of(PROJECT)]
            rows = rows.filter(pk__in=rows.filter(**{f"{one.of_projects}__in": mine}).values("pk"))
        listed = iter(rows.order_by("pk").values_list("pk", *names).iterator(chunk_size=AT_ONCE))
        while batch := list(islice(listed, AT_ONCE)):
            if one.else_in_sentry:
                there = self._known.find(one.label, (row[0] for row in batch))
                batch = [row for row in batch if row[0] not in there]
            kept = self._closed(one, names, batch)
            if len(kept) < len(batch):
                self._left_out[one.label] = self._left_out.get(one.label, 0) + len(batch) - len(kept)
            if one.label in self._wanted:
                self._known.add(one.label, ((row[0], row[0]) for row in kept))
            if one.stands_for:
                place = names.index(one.gone[0]) + 1
                self._known.add(one.stands_for, ((row[place], row[place]) for row in kept))
            if one.blob:
                place = names.index(one.blob) + 1
                self._known.note((row[place], "") for row in kept)
            if kept:
                yield kept

    def _closed(self, one: Travels, names: list[str], batch: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows all of whose necessary keys lead to something in the archive."""
        targets = one.targets()
        nullable = {field.attname: field.null for field in one.fields()}
        for name, target in targets.items():
            if nullable[name] and name not in one.needed:
                continue
            place = names.index(name) + 1
            known = self._known.find(target, (row[place] for row in batch if row[place]))
            batch = [row for row in batch if not row[place] or row[place] in known]
        return batch

    def events(self, store: EventStore, until: datetime) -> None:
        """Write the events that the exported projects had by then."""
        self._progress.start("exporting events", None)
        projects = sorted(pk for pk, _ in self._known.all_of(PROJECT))
        for table in CARRIED:
            head = orjson.dumps(list(table.columns)) + b"\n"
            with PieceWriter(self._archive, f"events/{table.name}", self._work_dir, head) as pieces:
                for project in projects:
                    for page in pages_of(store, table, project, until):
                        pieces.add(page)
                        self._progress.advance(f"events.{table.name}", len(page))
            if pieces.rows:
                self._archive.contents.counts[f"events.{table.name}"] = pieces.rows

    def files(self, files: FileStore, findings: FindingLog) -> None:
        """Write the files that rows name."""
        self._progress.start("exporting files", None)
        missing = 0
        for name, _ in self._known.noted():
            missing += not self._archive.add_blob(name, files.path(name))
            self._progress.advance("files", 1)
        if missing:
            reason = f"{missing} files that rows name are not in the file store of this server"
            findings.add(warning(FindingKind.DROPPED_ROW, reason))
        self._progress.finish()

    def tell(self, findings: FindingLog) -> None:
        """Say what does not travel."""
        for label, count in sorted(self._left_out.items()):
            reason = f"{count} rows belong to something that is not in the archive, and were left out"
            findings.add(note(FindingKind.SKIPPED_ROW, reason, model=label))
