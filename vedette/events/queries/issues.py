"""Issues seen through their events: numbers, series, and the ranking behind the stream.

Source: the search specification, sections 11 and 12.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from vedette.events.client import EventStore
from vedette.events.filters import (
    AggregateFilter,
    Sql,
    TagFilter,
    in_time,
    in_window,
    with_levels,
    with_tags,
    with_text,
)
from vedette.events.queries.series import bucket_count, bucket_starts
from vedette.events.rows import IssueNumbers, IssueStats, RankedIssue, Window

Order = Literal["last_seen", "first_seen", "new", "count", "users"]

# Names of aggregates never repeat a column's: ClickHouse would filter on the alias instead of the column.
_MEASURES = {
    "last_seen": "toUnixTimestamp64Milli(max(timestamp))",
    "first_seen": "toUnixTimestamp64Milli(min(timestamp))",
    "new": "toUnixTimestamp64Milli(min(timestamp))",
    "count": "toInt64(count())",
    "times_seen": "toInt64(count())",
    "users": "toInt64(uniqIf(user, user != ''))",
}
_COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">="))


def issue_stats(
    store: EventStore,
    window: Window,
    group_ids: Sequence[int],
    *,
    tags: Sequence[TagFilter] = (),
    text: str | None = None,
) -> dict[int, IssueStats]:
    """The numbers of these issues in the window. An issue without events in it is missing."""
    if not group_ids:
        return {}
    sql = in_window(window, group_ids=group_ids)
    with_tags(sql, tags)
    with_text(sql, text)
    rows = store.rows(
        "SELECT group_id, count(), uniqIf(user, user != ''), min(timestamp), max(timestamp) FROM errors"
        + sql.clause
        + " GROUP BY group_id",
        sql.params,
    )
    return {row[0]: IssueStats(*row) for row in rows}


def frequent_issues(store: EventStore, window: Window, least: int, limit: int) -> dict[int, int]:
    """How many events each issue has in the window, of those with `least` or more; of too many the youngest."""
    sql = in_window(window)
    rows = store.rows(
        f"SELECT group_id, count() FROM errors{sql.clause} GROUP BY group_id HAVING count() >= {least:d}"
        f" ORDER BY group_id DESC LIMIT {limit:d}",
        sql.params,
    )
    return {row[0]: row[1] for row in rows}


def issue_numbers(
    store: EventStore,
    window: Window,
    group_ids: Sequence[int],
    *,
    ever: Window | None = None,
    series: tuple[Window, int] | None = None,
) -> dict[int, IssueNumbers]:
    """All that a list shows of each of these issues, in one reading of their rows: what takes time is to find them.

    The numbers of `window`, those of the longer window `ever`, and the events per interval of (window, seconds), oldest
    first, zeros filled in; buckets as in `bucket_starts`. Projects and environments are those of `window`.
    """
    empty = (0,) * bucket_count(*series) if series else ()
    if not group_ids:
        return {}
    windows = [window, *([ever] if ever else []), *([series[0]] if series else [])]
    widest = replace(window, start=min(one.start for one in windows), end=max(one.end for one in windows))
    sql = in_window(widest, group_ids=group_ids)
    inside = in_time(sql, window)
    columns = [*_stats_where(inside), f"countIf({inside} AND ifNull(handled, true) = false)"]
    columns += _stats_where(in_time(sql, ever)) if ever else ()
    if series:
        span, interval = series
        starts = bucket_starts(span, interval)
        edges = f"{starts[0]}, {starts[-1] + interval}, {interval}" if starts else "0, 1, 1"
        columns.append(f"countResampleIf({edges})(toUnixTimestamp64Second(timestamp), {in_time(sql, span)})")
    rows = store.rows(f"SELECT group_id, {', '.join(columns)} FROM errors{sql.clause} GROUP BY group_id", sql.params)
    found = dict.fromkeys(group_ids, IssueNumbers(series=empty))
    for group_id, *values in rows:
        found[group_id] = IssueNumbers(
            stats=_stats_of(group_id, values[:4]),
            ever=_stats_of(group_id, values[5:9]) if ever else None,
            unhandled=values[4] > 0,
            series=tuple(values[-1]) if empty else (),
        )
    return found


def _stats_where(condition: str) -> tuple[str, ...]:
    """The columns that `_stats_of` reads, of the events for which the condition holds."""
    return (
        f"countIf({condition})",
        f"uniqIf(user, user != '' AND {condition})",
        f"minIf(timestamp, {condition})",
        f"maxIf(timestamp, {condition})",
    )


def _stats_of(group_id: int, values: Sequence[Any]) -> IssueStats | None:
    return IssueStats(group_id, *values) if values[0] else None


def rank_issues(
    store: EventStore,
    window: Window,
    by: Order = "last_seen",
    *,
    candidates: Sequence[int] | None = None,
    tags: Sequence[TagFilter] = (),
    text: str | None = None,
    levels: Sequence[str] = (),
    aggregates: Sequence[AggregateFilter] = (),
    before: tuple[int, int] | None = None,
    after: tuple[int, int] | None = None,
    limit: int = 25,
) -> list[RankedIssue]:
    """Issues with an event in the window that passes every filter, best score first, ties by id.

    Moments score in milliseconds, `count` and `users` as counts ("first_seen" and "new" are the same). `candidates`
    None means any issue; an empty list means none. `before` (score, offset) continues a list: scores up to it,
    `offset` rows skipped. `after` goes the other way: the `limit` issues that stand just above it, still best first.
    """
    if candidates is not None and not candidates:
        return []
    if before and after:
        raise ValueError("a page lies before or after a cursor, not both")
    sql = _matching(window, candidates, tags, text, levels)
    having = _having(sql, aggregates)
    cursor = after or before
    if cursor:
        having.append(f"score {'>=' if after else '<='} {sql.bind(cursor[0], 'Int64')}")
    direction = "ASC" if after else "DESC"
    offset = sql.bind(cursor[1] if cursor else 0, "UInt64")
    rows = store.rows(
        f"SELECT group_id, {_MEASURES[by]} AS score FROM errors{sql.clause} GROUP BY group_id{_all_of(having)}"
        f" ORDER BY score {direction}, group_id {direction} LIMIT {sql.bind(limit, 'UInt64')} OFFSET {offset}",
        sql.params,
    )
    ranked = [RankedIssue(group_id, score) for group_id, score in rows]
    return ranked[::-1] if after else ranked


def count_issues(
    store: EventStore,
    window: Window,
    *,
    candidates: Sequence[int] | None = None,
    tags: Sequence[TagFilter] = (),
    text: str | None = None,
    levels: Sequence[str] = (),
    aggregates: Sequence[AggregateFilter] = (),
) -> int:
    """How many issues `rank_issues` would list in all."""
    if candidates is not None and not candidates:
        return 0
    sql = _matching(window, candidates, tags, text, levels)
    having = _having(sql, aggregates)
    inner = f"SELECT group_id FROM errors{sql.clause} GROUP BY group_id{_all_of(having)}"
    return int(store.value(f"SELECT count() FROM ({inner})", sql.params))


def _matching(
    window: Window,
    candidates: Sequence[int] | None,
    tags: Sequence[TagFilter],
    text: str | None,
    levels: Sequence[str],
) -> Sql:
    sql = in_window(window, group_ids=candidates)
    with_tags(sql, tags)
    with_text(sql, text)
    with_levels(sql, levels)
    return sql


def _having(sql: Sql, aggregates: Sequence[AggregateFilter]) -> list[str]:
    conditions = []
    for each in aggregates:
        if each.op not in _COMPARISONS:
            raise ValueError(f"{each.op!r} compares nothing")
        conditions.append(f"{_MEASURES[each.what]} {each.op} {sql.bind(each.value, 'Int64')}")
    return conditions


def _all_of(conditions: Sequence[str]) -> str:
    return " HAVING " + " AND ".join(conditions) if conditions else ""
