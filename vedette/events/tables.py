"""The tables of the event store that hold what projects sent: what a retention or a deletion must not forget.

Each has a `project_id`, and partitions of one week of its moment, named by their Monday (`toMonday`). A new table adds
a line; a test compares the lines with the tables that the migrations make.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `moment` is the column that its retention goes by.

    `takes_patches`: rows are deleted by patches. They name rows by their place, so a table whose merges sum rows up
    takes none, and rewrites the rows' marks instead.
    """

    name: str
    moment: str = "timestamp"
    takes_patches: bool = True


KEPT = (
    Table("errors"),
    Table("transactions"),
    Table("spans"),
    Table("sessions", takes_patches=False),
)
TABLES = tuple(table.name for table in KEPT)
