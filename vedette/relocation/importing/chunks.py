"""Chunks: what one batch of one import wrote, kept in the same transaction, so that no batch is written twice.

Source: the relocation specification, 4.4 and 4.7.
"""

from typing import Any

from vedette.core.relocation import Silo
from vedette.relocation.importing import silos
from vedette.relocation.importing.result import Counts, Rename
from vedette.relocation.importing.rules.base import Kind, Written
from vedette.relocation.models import (
    ControlImportChunk,
    ControlImportChunkReplica,
    ImportChunk,
    RegionImportChunk,
)

_MAPS = {Kind.INSERTED: "inserted_map", Kind.EXISTING: "existing_map", Kind.OVERWRITE: "overwrite_map"}
_COPIED = [field.name for field in ImportChunk._meta.get_fields() if field.name != "id"]


def chunk_table(silo: Silo) -> type[ImportChunk]:
    """Where chunks of this silo's models are."""
    return ControlImportChunk if silo is Silo.CONTROL else RegionImportChunk


def chunk_of(
    import_uuid: str,
    silo: Silo,
    model: str,
    min_ordinal: int,
    written: dict[int, Written],
    outcome: dict[str, Any],
) -> ImportChunk:
    """The chunk of a batch, not saved yet. `written` goes by pks of the file, ascending; it is not empty."""
    maps: dict[str, dict[str, Any]] = {"inserted_map": {}, "existing_map": {}, "overwrite_map": {}}
    slugs: dict[str, str] = {}
    for old, row in written.items():
        maps[_MAPS[row.kind]][str(old)] = row.pk
        if row.slug is not None and row.kind is Kind.INSERTED:
            slugs[str(old)] = row.slug
    inserted = maps["inserted_map"].values()
    return chunk_table(silo)(
        import_uuid=import_uuid,
        model=model,
        min_ordinal=min_ordinal,
        max_ordinal=min_ordinal - 1 + len(written),
        min_source_pk=min(written),
        max_source_pk=max(written),
        min_inserted_pk=min(inserted, default=None),
        max_inserted_pk=max(inserted, default=None),
        inserted_identifiers=slugs,
        outcome=outcome,
        **maps,
    )


def written_by(chunk: ImportChunk) -> dict[int, Written]:
    """The rows of a chunk, by their pks in the file."""
    slugs = chunk.inserted_identifiers
    return {
        int(old): Written(new, kind, slugs.get(old))
        for kind, name in _MAPS.items()
        for old, new in getattr(chunk, name).items()
    }


def outcome_of(
    rows: int, counts: Counts, renames: list[Rename], findings: list[dict[str, Any]], skipped: list[int], source: str
) -> dict[str, Any]:
    """What a chunk keeps beside its maps. `source` is the digest of the file and of what was chosen."""
    return {
        "rows": rows,
        "counts": counts.as_dict(),
        "renames": [[one.model, one.old, one.new] for one in renames],
        "findings": findings,
        "skipped": skipped,
        "source": source,
    }


class Chunks:
    """The chunks of one import."""

    def __init__(self, import_uuid: str) -> None:
        self.import_uuid = import_uuid

    def source(self) -> str | None:
        """The digest of what this import was begun with; None if nothing of it is here."""
        for silo in (Silo.REGION, Silo.CONTROL):
            rows = self._of(silo).order_by("id").values_list("outcome", flat=True)
            for outcome in rows[:1]:
                return str(outcome.get("source", ""))
        return None

    def find(self, silo: Silo, model: str, min_ordinal: int) -> ImportChunk | None:
        """The chunk of a batch, if it was written."""
        found: ImportChunk | None = self._of(silo).filter(model=model, min_ordinal=min_ordinal).first()
        return found

    def save(self, chunk: ImportChunk) -> None:
        """Keep it; inside of the batch's transaction. Raises `IntegrityError` if another process was faster."""
        chunk.save(using=silos.alias(_silo(chunk)), force_insert=True)

    def copy_to_region(self, chunk: ImportChunk) -> None:
        """Keep the region's copy of a control chunk, unless it is there. Of two who race, one succeeds for both."""
        if not isinstance(chunk, ControlImportChunk):
            return
        copy = ControlImportChunkReplica(**{name: getattr(chunk, name) for name in _COPIED})
        ControlImportChunkReplica.objects.using(silos.alias(Silo.REGION)).bulk_create([copy], ignore_conflicts=True)

    def _of(self, silo: Silo) -> Any:
        rows = chunk_table(silo)._default_manager.using(silos.alias(silo))
        return rows.filter(import_uuid=self.import_uuid)


def _silo(chunk: ImportChunk) -> Silo:
    return Silo.CONTROL if isinstance(chunk, ControlImportChunk) else Silo.REGION
