"""What an import left behind."""

from typing import Any

from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.result import ImportResult
from vedette.relocation.models import (
    ControlImportChunk,
    ImportChunk,
    PreservedControlRow,
    PreservedRegionRow,
    RegionImportChunk,
)

SUFFIX = r"-[a-z0-79]{2,12}"  # what a taken name gets


def chunk_of(model: str, import_uuid: str | None = None) -> ImportChunk | None:
    """The newest chunk of a model, of one import where that is named."""
    tables: tuple[type[ImportChunk], ...] = (ControlImportChunk, RegionImportChunk)
    rows = [row for table in tables for row in table._default_manager.filter(model=f"sentry.{model}").order_by("-pk")]
    return next((row for row in rows if import_uuid in (None, row.import_uuid)), None)


def preserved(model: str) -> list[dict[str, Any]]:
    """The fields of the preserved rows of a model."""
    tables = (PreservedControlRow, PreservedRegionRow)
    return [row.fields for table in tables for row in table.objects.filter(model=f"sentry.{model}").order_by("pk")]


def kinds_of(result: ImportResult) -> set[FindingKind]:
    """Which kinds of findings an import had."""
    return {finding.kind for finding in result.findings}
