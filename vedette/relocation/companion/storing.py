"""Events of an archive, table by table: what was stored is noted batch by batch, so that a repetition goes on there."""

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings

from vedette.core import clock
from vedette.core.pieces import pieces
from vedette.core.relocation import Silo
from vedette.events.arrivals import arriving
from vedette.events.carrying import CARRIED
from vedette.events.client import EventStore
from vedette.orgs.options import options_of
from vedette.projects.models import Project
from vedette.relocation.companion.declarations import PROJECT
from vedette.relocation.companion.eventing import EventRows
from vedette.relocation.companion.keymap import KeyMap
from vedette.relocation.companion.unpacking import Unpacked
from vedette.relocation.importing import silos
from vedette.relocation.models import RegionImportChunk
from vedette.relocation.progress import Progress

PREFIX = "vedette."  # of the models in our chunks: none of the wire's is called so
FATES = {  # what can become of a row beside that it is there, and how people are told
    "too_old": "are older than is kept here, and were left out",
    "homeless": "are of projects or issues that were not imported, and were left out",
    "implausible": "are from the future, and were left out",
}


def import_events(
    archive: Unpacked, store: EventStore, keys: KeyMap, *, import_uuid: str, repeated: bool, progress: Progress
) -> dict[str, Counter[str]]:
    """Store what an archive has of each table; what became of the rows, by table. `repeated`: an earlier import of it
    may have been broken off. Raises `BadFile` and `StoreUnavailable`: the same call again goes on."""
    if not any(archive.pieces(f"events/{table.name}") for table in CARRIED):
        return {}
    with arriving(store):
        return _import(archive, store, keys, import_uuid=import_uuid, repeated=repeated, progress=progress)


def _import(
    archive: Unpacked, store: EventStore, keys: KeyMap, *, import_uuid: str, repeated: bool, progress: Progress
) -> dict[str, Counter[str]]:
    total = sum(archive.contents.counts.get(f"events.{table.name}", 0) for table in CARRIED)
    progress.start("importing events", total)
    now = clock.now()
    oldest = _oldest(keys, now)
    found: dict[str, Counter[str]] = {}
    chunks = RegionImportChunk.objects.using(silos.alias(Silo.REGION)).filter(import_uuid=import_uuid)
    for table in CARRIED:
        label = f"events.{table.name}"
        noted = chunks.filter(model=PREFIX + label).order_by("-max_ordinal").values_list("max_ordinal", flat=True)
        last = next(iter(noted[:1]), 0)
        fates = Counter(existing=last)
        rows = EventRows(table, store, keys, oldest, now, import_uuid=import_uuid, repeated=repeated or last > 0)
        for batch in rows.batches(archive, last):
            fates += rows.write(batch).as_counter()
            chunks.create(
                import_uuid=import_uuid, model=PREFIX + label, min_ordinal=batch.first, max_ordinal=batch.last
            )
            progress.advance(label, len(batch.rows))
        found[table.name] = fates
    return found


def _oldest(keys: KeyMap, now: datetime) -> dict[int, datetime]:
    """From which moment on the events of each new project are kept."""
    oldest: dict[int, datetime] = {}
    for some in pieces(new for _, new in keys.all_of(PROJECT)):
        owners = dict(Project.objects.filter(pk__in=some).values_list("pk", "organization_id"))
        options = options_of(set(owners.values()))
        for project, owner in owners.items():
            days = options[owner]["retentionDays"] or settings.VEDETTE.retention_days
            oldest[project] = now - timedelta(days=days)
    return oldest
