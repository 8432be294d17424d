"""Counts over time, counts per project, and the facts about the store itself."""

from vedette.core.clock import EPOCH
from vedette.events.client import EventStore
from vedette.events.filters import Sql, TagFilter, in_window, with_tags, with_text
from vedette.events.migrate import schema_version
from vedette.events.rows import StoreFacts, TableFacts, Window
from vedette.events.tables import TABLES

MAX_BUCKETS = 10_000


def bucket_starts(window: Window, interval_seconds: int) -> list[int]:
    """The Unix times at which the buckets of a series begin.

    Buckets are multiples of the interval since the epoch, in UTC; the first holds the window's start, the last its
    end. Events outside of the window are not counted, also where a bucket reaches beyond it. Raises `ValueError` for
    an interval that gives more than `MAX_BUCKETS`.
    """
    first = _first_bucket(window, interval_seconds)
    return [(first + index) * interval_seconds for index in range(bucket_count(window, interval_seconds))]


def bucket_count(window: Window, interval_seconds: int) -> int:
    """How many buckets `bucket_starts` has."""
    if interval_seconds <= 0:
        raise ValueError("an interval is at least one second")
    end = -((EPOCH - window.end).total_seconds() // interval_seconds)  # rounded up: the end is not included
    count = max(0, int(end) - _first_bucket(window, interval_seconds))
    if count > MAX_BUCKETS:
        raise ValueError(f"{count} buckets, the limit is {MAX_BUCKETS}")
    return count


def bucket_index(sql: Sql, window: Window, interval_seconds: int) -> str:
    """The expression for an event's place in the series: 0 is the first bucket."""
    interval = sql.bind(interval_seconds, "Int64")
    first = sql.bind(_first_bucket(window, interval_seconds), "Int64")
    return f"intDiv(toUnixTimestamp64Second(timestamp), {interval}) - {first}"


def series(
    store: EventStore,
    window: Window,
    interval_seconds: int,
    group_id: int | None = None,
    *,
    tags: tuple[TagFilter, ...] = (),
    text: str | None = None,
) -> list[int]:
    """Error events per interval, oldest first, zeros filled in; of one issue, or of all."""
    counts = [0] * bucket_count(window, interval_seconds)
    sql = in_window(window, group_ids=None if group_id is None else [group_id])
    with_tags(sql, tags)
    with_text(sql, text)
    bucket = bucket_index(sql, window, interval_seconds)
    rows = store.rows(f"SELECT {bucket} AS bucket, count() FROM errors{sql.clause} GROUP BY bucket", sql.params)
    for index, count in rows:
        counts[index] = count
    return counts


def project_counts(store: EventStore, window: Window) -> dict[int, int]:
    """Error events per project of the window; a project without any has 0."""
    sql = in_window(window)
    rows = store.rows(f"SELECT project_id, count() FROM errors{sql.clause} GROUP BY project_id", sql.params)
    return dict.fromkeys(window.projects, 0) | {row[0]: row[1] for row in rows}


def project_series(store: EventStore, window: Window, interval_seconds: int) -> dict[int, list[int]]:
    """Error events per interval for each project of the window, oldest first, zeros filled in."""
    counts = {project_id: [0] * bucket_count(window, interval_seconds) for project_id in window.projects}
    sql = in_window(window)
    bucket = bucket_index(sql, window, interval_seconds)
    rows = store.rows(
        f"SELECT project_id, {bucket} AS bucket, count() FROM errors{sql.clause} GROUP BY project_id, bucket",
        sql.params,
    )
    for project_id, index, count in rows:
        counts[project_id][index] = count
    return counts


def store_facts(store: EventStore) -> StoreFacts:
    """Version, schema, limits and sizes, for `vedette doctor`. Works on a store that has no schema yet."""
    version = str(store.value("SELECT version()"))
    limit = store.value("SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'")
    number = schema_version(store)
    tables = tuple(_table_facts(store, table) for table in TABLES) if number else ()
    return StoreFacts(version, number, int(limit or 0), tables)


def _table_facts(store: EventStore, table: str) -> TableFacts:
    size, parts, weeks = store.rows(
        "SELECT sum(bytes_on_disk), count(), uniqExact(partition_id) FROM system.parts"
        " WHERE active AND database = currentDatabase() AND table = {table:String} AND NOT startsWith(name, 'patch-')",
        {"table": table},
    )[0]
    count, oldest, newest = store.rows(f"SELECT count(), min(timestamp), max(timestamp) FROM {table}")[0]
    return TableFacts(table, count, size, parts, weeks, oldest if count else None, newest if count else None)


def _first_bucket(window: Window, interval_seconds: int) -> int:
    return int((window.start - EPOCH).total_seconds() // interval_seconds)
