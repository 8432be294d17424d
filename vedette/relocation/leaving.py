"""What goes when something goes: preserved rows of people, extra fields of rows, and chunks of imports long past.

Most goes by foreign key. The rest has plain ids, because it belongs to the other silo or to rows of any table.
"""

from datetime import datetime, timedelta
from typing import Any

from vedette.accounts.models import User
from vedette.relocation.graph import graph
from vedette.relocation.importing import silos
from vedette.relocation.models import (
    ControlImportChunk,
    ControlImportChunkReplica,
    ExtraFields,
    PreservedRegionRow,
    RegionImportChunk,
)

CHUNKS_KEPT = timedelta(days=90)  # until then a repeated import is known to be done


def on_deleted_user(instance: User, **_: Any) -> None:
    """Delete what was kept for this user; in the transaction that deletes the account, where there is one."""
    PreservedRegionRow.objects.filter(user_id=instance.pk).delete()


def forget_orphans(now: datetime) -> int:
    """Delete extra fields of rows that are gone, and chunks of imports that nobody repeats any more; how many.

    Safe to repeat, and while an import runs: it writes extra fields after their rows, in one transaction.
    """
    forgotten = 0
    for declaration in graph():
        if declaration.table is not None:
            using = silos.alias(declaration)
            there = declaration.table._base_manager.using(using).values("pk")
            fields = ExtraFields.objects.using(using).filter(model=declaration.wire.model)
            forgotten += fields.exclude(pk_of_row__in=there).delete()[0]
    for chunks in (RegionImportChunk, ControlImportChunk, ControlImportChunkReplica):
        forgotten += chunks.objects.filter(date_added__lt=now - CHUNKS_KEPT).delete()[0]
    return forgotten
