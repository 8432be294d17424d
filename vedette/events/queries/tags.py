"""Which tags events carry, and with which values."""

from collections.abc import Sequence
from typing import Literal

from vedette.events.client import EventStore
from vedette.events.filters import TagFilter, in_window, like_pattern, tag_column, tag_name, with_tags
from vedette.events.rows import TagFacet, TagValue, Window

MAX_TOP = 1000
MAX_KEYS = 1000  # that are listed: senders may make up two hundred in every event

_ORDERS = {
    "-count": "events DESC, last DESC, value ASC",
    "count": "events ASC, value ASC",
    "-last_seen": "last DESC, value ASC",
    "last_seen": "last ASC, value ASC",
    "-first_seen": "first DESC, value ASC",
    "first_seen": "first ASC, value ASC",
    "value": "value ASC",
}
ValueOrder = Literal["-count", "count", "-last_seen", "last_seen", "-first_seen", "first_seen", "value"]


def facets(
    store: EventStore,
    window: Window,
    group_id: int | None = None,
    top: int = 10,
    *,
    keys: Sequence[str] = (),
    tags: Sequence[TagFilter] = (),
) -> list[TagFacet]:
    """The tag keys in the window, most carried first, each with its `top` most frequent values; at most `MAX_KEYS`.

    Of one issue, or of all events; `keys` restricts it to these. The values of a key are held in bounded memory.
    """
    if not 0 < top <= MAX_TOP:
        raise ValueError(f"between 1 and {MAX_TOP} values of a tag, not {top}")
    sql = in_window(window, group_ids=None if group_id is None else [group_id])
    with_tags(sql, tags)
    only = f" WHERE key IN {sql.bind(list(keys), 'Array(String)')}" if keys else ""
    rows = store.rows(
        # groupArraySorted takes the smallest: hence the negative count, and the value breaks ties.
        f"SELECT key, sum(events), count(), groupArraySorted({int(top)})((-events, value, first, last)) FROM ("
        "  SELECT key, value, toInt64(count()) AS events, min(timestamp) AS first, max(timestamp) AS last"
        "  FROM (SELECT arrayJoin(tags) AS pair, pair.1 AS key, pair.2 AS value, timestamp"
        f"   FROM errors{sql.clause}){only}"
        "  GROUP BY key, value"
        f") GROUP BY key ORDER BY sum(events) DESC, key LIMIT {MAX_KEYS}",
        sql.params,
    )
    return [
        TagFacet(key, total, unique, tuple(TagValue(value, -count, first, last) for count, value, first, last in best))
        for key, total, unique, best in rows
    ]


def tag_values(
    store: EventStore,
    window: Window,
    key: str,
    group_id: int | None = None,
    *,
    contains: str = "",
    sort: ValueOrder = "-count",
    limit: int = 100,
    offset: int = 0,
) -> list[TagValue]:
    """The values of one key: of a column (`user.email`, `release` …) or of a tag. Empty values are left out.

    `contains` keeps the values that contain it, whatever the letter case.
    """
    sql = in_window(window, group_ids=None if group_id is None else [group_id])
    expression = tag_column(key) or f"tags[{sql.bind(tag_name(key), 'String')}]"
    sql.add(f"{expression} != ''")
    if contains:
        sql.add(f"lowerUTF8({expression}) LIKE lowerUTF8({sql.bind('%' + like_pattern(contains) + '%', 'String')})")
    rows = store.rows(
        f"SELECT {expression} AS value, count() AS events, min(timestamp) AS first, max(timestamp) AS last"
        f" FROM errors{sql.clause} GROUP BY value ORDER BY {_ORDERS[sort]}"
        f" LIMIT {sql.bind(limit, 'UInt64')} OFFSET {sql.bind(offset, 'UInt64')}",
        sql.params,
    )
    return [TagValue(*row) for row in rows]


def tag_keys(store: EventStore, window: Window, group_id: int | None = None) -> dict[str, int]:
    """The tag keys in the window with the number of events that carry them, most carried first; at most `MAX_KEYS`."""
    sql = in_window(window, group_ids=None if group_id is None else [group_id])
    rows = store.rows(
        f"SELECT arrayJoin(mapKeys(tags)) AS key, count() AS events FROM errors{sql.clause}"
        f" GROUP BY key ORDER BY events DESC, key LIMIT {MAX_KEYS}",
        sql.params,
    )
    return {row[0]: row[1] for row in rows}
