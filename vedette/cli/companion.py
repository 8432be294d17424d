"""Vedette's own archive, for commands: where its events and files come from and go to."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from vedette.relocation.exporting.options import ExportOptions
    from vedette.relocation.files.findings import FindingLog
    from vedette.relocation.importing.options import ImportOptions
    from vedette.relocation.importing.result import ImportResult
    from vedette.relocation.progress import Progress


def export_archive(
    stream: BinaryIO, options: "ExportOptions", *, with_events: bool, work_dir: Path, progress: "Progress"
) -> "tuple[dict[str, int], FindingLog]":
    """Write an archive, and count its rows by model or table. Events come through the running server, or from the
    event store, which is opened for as long as that takes. Raises `ExportFailed` and `TryAgain`."""
    from django.conf import settings

    from vedette.cli.stores import open_event_store
    from vedette.core.files import FileStore
    from vedette.events.migrate import migrate
    from vedette.relocation.companion.exporting import export_full

    own = settings.VEDETTE
    opened: Any = open_event_store(own) if with_events else nullcontext()
    with opened as store:
        if store is not None:
            migrate(store)  # no server may have started yet
        result = export_full(
            stream,
            options,
            store=store,
            files=FileStore(own.files_dir),
            work_dir=work_dir,
            progress=progress,
            with_events=with_events,
        )
    counts = {**result.counts, **result.more}
    return (counts | {"files": result.files} if result.files else counts), result.findings


def import_archive(
    stream: BinaryIO, options: "ImportOptions", *, work_dir: Path, progress: "Progress"
) -> "ImportResult":
    """Import an archive; its rows beside Sentry's part, its events and files stand in the plan like models.

    Raises `BadFile`, `ImportFailed` and `TryAgain`.
    """
    from django.conf import settings

    from vedette.cli.stores import open_event_store
    from vedette.core.files import FileStore
    from vedette.events.migrate import migrate
    from vedette.relocation.companion.importing import import_full
    from vedette.relocation.importing.result import Counts

    own = settings.VEDETTE
    opened: Any = nullcontext() if options.dry_run else open_event_store(own, announced=options.wipe)
    with opened as store:
        if store is not None:
            migrate(store)
        full = import_full(
            stream, options, store=store, files=FileStore(own.files_dir), work_dir=work_dir, progress=progress
        )
    result = full.sentry
    result.plan.update(full.plan)
    for name, told in full.events.items():
        dropped = sum(told.values()) - told["inserted"] - told["existing"]
        result.plan[f"events.{name}"] = Counts(inserted=told["inserted"], existing=told["existing"], dropped=dropped)
    if full.files:
        result.plan["files"] = Counts(inserted=full.files)
    return result
