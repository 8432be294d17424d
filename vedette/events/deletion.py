"""Rows out of the event store: of issues, of projects, and of times gone by.

Whole weeks of everybody go as partitions, which costs nothing. Everything else writes patches beside the parts (tens of
milliseconds at a million rows), so each statement is preceded by a count: a patch for nothing is a part too many. All
of it may be repeated without harm.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from vedette.core.clock import EPOCH
from vedette.events.client import EventStore
from vedette.events.filters import Sql, at_moment, in_projects
from vedette.events.tables import KEPT, Table
from vedette.events.writer import PATCH_DELETE

_WEEK = timedelta(days=7)
_PARTITION_ID = re.compile(r"(\d{4})(\d{2})(\d{2})")


def delete_groups(store: EventStore, project_id: int, group_ids: Sequence[int], *, dry_run: bool = False) -> int:
    """Delete the events of these issues; how many there were."""
    if not group_ids:
        return 0
    sql = in_projects([project_id])
    sql.add(f"group_id IN {sql.bind(list(group_ids), 'Array(UInt64)')}")
    return _delete(store, KEPT[0], sql, dry_run)


def delete_project(store: EventStore, project_id: int, *, dry_run: bool = False) -> int:
    """Delete everything that a project has sent; how many rows that was."""
    return sum(_delete(store, table, in_projects([project_id]), dry_run) for table in KEPT)


def delete_before(
    store: EventStore, project_ids: Sequence[int], moment: datetime, *, dry_run: bool = False
) -> dict[str, int]:
    """Delete what these projects sent before `moment` (aware); the number of rows, by table."""
    deleted = {}
    for table in KEPT if project_ids else ():
        sql = in_projects(sorted(project_ids))
        sql.add(f"{table.moment} < {at_moment(sql, moment)}")
        deleted[table.name] = _delete(store, table, sql, dry_run)
    return deleted


def drop_before(store: EventStore, moment: datetime, *, dry_run: bool = False) -> list[str]:
    """Drop the weeks that ended by `moment` (aware); what was dropped, as `table/YYYYMMDD` of each week's Monday.

    A week that `moment` lies in stays whole: this is exact to a week, and costs nothing. With `dry_run` it only says
    what it would drop.
    """
    dropped = []
    for table in KEPT:
        partitions = store.rows(
            "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase()"
            " AND table = {table:String} ORDER BY partition_id",
            {"table": table.name},
        )
        for (partition_id,) in partitions:
            match = _PARTITION_ID.fullmatch(partition_id)  # patches live in partitions with longer names
            if match and datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=EPOCH.tzinfo) + _WEEK <= moment:
                if not dry_run:
                    store.run(f"ALTER TABLE {table.name} DROP PARTITION ID '{match[0]}'")
                dropped.append(f"{table.name}/{match[0]}")
    return dropped


def _delete(store: EventStore, table: Table, sql: Sql, dry_run: bool) -> int:
    count = int(store.rows(f"SELECT count() FROM {table.name}{sql.clause}", sql.params)[0][0])
    if count and not dry_run:
        store.run(f"DELETE FROM {table.name}{sql.clause}", sql.params, PATCH_DELETE if table.takes_patches else {})
    return count
