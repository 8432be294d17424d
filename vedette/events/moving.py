"""Events that belong to another issue from now on: its own was merged into that one, or they were split off.

A small patch beside the parts: `group_id` is in no key. May be repeated without harm.
"""

from collections.abc import Collection, Sequence

from vedette.events.client import EventStore
from vedette.events.filters import Sql, in_projects
from vedette.events.queries.hashes import of_hashes


def move_events(store: EventStore, project_id: int, group_ids: Sequence[int], to: int) -> int:
    """Let the events of these issues be those of the issue `to` of the same project; how many there were."""
    if not group_ids:
        return 0
    sql = in_projects([project_id])
    sql.add(f"group_id IN {sql.bind(list(group_ids), 'Array(UInt64)')}")
    return _move(store, sql, to)


def move_hashes(
    store: EventStore,
    project_id: int,
    group_id: int,
    hashes: Collection[str],
    to: int,
    without_batches: Sequence[int] = (),
) -> int:
    """Let the events that these hashes put into an issue be those of the issue `to` of the same project, those of some
    batches left aside; how many there were."""
    return _move(store, of_hashes(project_id, group_id, hashes, without_batches), to)


def _move(store: EventStore, sql: Sql, to: int) -> int:
    count = int(store.rows(f"SELECT count() FROM errors{sql.clause}", sql.params)[0][0])
    if count:  # a patch for nothing is a part too many
        target = sql.bind(to, "UInt64")
        store.run(f"UPDATE errors SET group_id = {target}{sql.clause}", sql.params)
    return count
