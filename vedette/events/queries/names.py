"""Which releases and environments the stored events, transactions and sessions name."""

from collections.abc import Sequence
from typing import Literal

from vedette.events.client import EventStore
from vedette.events.filters import in_projects

_TABLES = ("errors", "transactions", "sessions")


def names_in_use(store: EventStore, projects: Sequence[int], column: Literal["release", "environment"]) -> set[str]:
    """Every name that anything stored of these projects has."""
    sql = in_projects(projects)
    tables = " UNION ALL ".join(f"SELECT DISTINCT {column} FROM {table}{sql.clause}" for table in _TABLES)
    return {row[0] for row in store.rows(f"SELECT DISTINCT {column} FROM ({tables})", sql.params)}
