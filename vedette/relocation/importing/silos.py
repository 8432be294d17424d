"""Which database a model is in, and transactions over what an import writes.

Control and region may share one database or not; which it is, Django's router says. Source: the relocation
specification, 4.1 and 4.3.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from django.db import models, router, transaction

from vedette.core.relocation import Silo
from vedette.relocation.graph import Declaration
from vedette.relocation.models import (
    ControlImportChunk,
    PreservedControlRow,
    PreservedRegionRow,
    RegionImportChunk,
)

_PRESERVED: dict[Silo, type[models.Model]] = {Silo.CONTROL: PreservedControlRow, Silo.REGION: PreservedRegionRow}
_CHUNKS: dict[Silo, type[models.Model]] = {Silo.CONTROL: ControlImportChunk, Silo.REGION: RegionImportChunk}


def alias(of: Silo | Declaration) -> str:
    """The database that rows of a silo, or of a model, are written to."""
    if isinstance(of, Declaration):
        return router.db_for_write(of.table) if of.table is not None else alias(of.wire.silo)
    return router.db_for_write(_CHUNKS[of])


def preserved_table(silo: Silo) -> type[models.Model]:
    """Where rows of models without a table are kept."""
    return _PRESERVED[silo]


def share_a_database() -> bool:
    """Whether one transaction holds for both silos."""
    return alias(Silo.CONTROL) == alias(Silo.REGION)


def aliases() -> tuple[str, ...]:
    """The databases of both silos, each once, the region's first."""
    return tuple(dict.fromkeys((alias(Silo.REGION), alias(Silo.CONTROL))))


@contextmanager
def atomic_over(names: Iterable[str]) -> Iterator[None]:
    """A transaction on each of the databases. They end one after the other: of two, one may be committed alone."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(transaction.atomic(using=name))
        yield
