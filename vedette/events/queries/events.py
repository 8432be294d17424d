"""Single events: by id, at the edges of an issue, beside each other, in a list; and which ids are known already."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from vedette.core import json
from vedette.core.ids import as_event_id
from vedette.events.client import EventStore
from vedette.events.filters import (
    Sql,
    TagFilter,
    at_moment,
    in_environments,
    in_projects,
    in_window,
    with_tags,
    with_text,
)
from vedette.events.rows import EventPlace, EventSummary, KnownEvent, StoredEvent, Window

_SUMMARY = (
    "event_id, project_id, group_id, timestamp, received_at, type, platform, level, title, culprit, location, message,"
    " environment, release, dist, user, user_id, user_email, user_name, user_ip, tags, has_body"
)
# What an event without a body is shown by.
_REST = "logger, transaction, sdk_name, sdk_version, trace_id, span_id, handled, exception_types, exception_values"


def get_event(
    store: EventStore, projects: Sequence[int], event_id: str, group_id: int | None = None
) -> StoredEvent | None:
    """The event with this id in these projects, and in this issue if one is given; None also for what is no id.

    The newest batch wins: an event that was sent again on another day exists twice.
    """
    sql = _with_id(projects, event_id)
    if sql is None:
        return None
    if group_id is not None:
        sql.add(f"group_id = {sql.bind(group_id, 'UInt64')}")
    return _one_stored(store, sql, "batch_id DESC, received_at DESC, timestamp DESC")


def edge_event(
    store: EventStore,
    scope: Window | Sequence[int],
    group_id: int,
    which: Literal["latest", "oldest"] = "latest",
    environments: Sequence[str] = (),
) -> StoredEvent | None:
    """The latest or oldest event of an issue: in a window, or in these projects at any time."""
    sql = in_window(scope) if isinstance(scope, Window) else in_projects(scope)
    in_environments(sql, environments)
    sql.add(f"group_id = {sql.bind(group_id, 'UInt64')}")
    direction = "DESC" if which == "latest" else "ASC"
    return _one_stored(store, sql, f"timestamp {direction}, event_id {direction}")


def nearest_with_body(store: EventStore, event: EventSummary) -> str | None:
    """The id of the event of the same issue that has a body and happened nearest to this one."""
    sql = in_projects([event.project_id])
    sql.add(f"group_id = {sql.bind(event.group_id, 'UInt64')}")
    sql.add("has_body")
    away = f"abs(dateDiff('microsecond', timestamp, {at_moment(sql, event.timestamp)}))"
    rows = store.rows(f"SELECT event_id FROM errors{sql.clause} ORDER BY {away}, event_id LIMIT 1", sql.params)
    return rows[0][0].hex if rows else None


def neighbours(
    store: EventStore, event: EventSummary, environments: Sequence[str] = ()
) -> tuple[str | None, str | None]:
    """(older, newer): the ids of the events beside this one in its issue, by moment and then id; None at an edge."""
    sql = in_projects([event.project_id])
    in_environments(sql, environments)
    sql.add(f"group_id = {sql.bind(event.group_id, 'UInt64')}")
    here = f"({at_moment(sql, event.timestamp)}, {sql.bind(event.event_id, 'UUID')})"
    place = "(timestamp, event_id)"
    rows = store.rows(
        f"SELECT countIf({place} < {here}), maxIf({place}, {place} < {here}).2,"
        f" countIf({place} > {here}), minIf({place}, {place} > {here}).2 FROM errors{sql.clause}",
        sql.params,
    )
    older_count, older, newer_count, newer = rows[0]
    return (older.hex if older_count else None, newer.hex if newer_count else None)


def list_events(
    store: EventStore,
    window: Window,
    group_id: int | None = None,
    *,
    text: str | None = None,
    tags: Sequence[TagFilter] = (),
    limit: int = 100,
    offset: int = 0,
) -> list[EventSummary]:
    """Events of the window that pass every filter, newest first; of one issue, or of all."""
    sql = in_window(window, group_ids=None if group_id is None else [group_id])
    with_text(sql, text)
    with_tags(sql, tags)
    rows = store.rows(
        f"SELECT {_SUMMARY} FROM errors{sql.clause} ORDER BY timestamp DESC, event_id DESC"
        f" LIMIT {sql.bind(limit, 'UInt64')} OFFSET {sql.bind(offset, 'UInt64')}",
        sql.params,
    )
    return [_summary(row) for row in rows]


def payloads(store: EventStore, events: Sequence[EventSummary]) -> dict[str, bytes]:
    """The payloads of these events of one project by their ids, without those that have none. Ask for few at once: each
    may have 2 MB."""
    if not events:
        return {}
    sql = in_projects(sorted({event.project_id for event in events}))
    moments = [event.timestamp for event in events]
    sql.add(f"timestamp >= {at_moment(sql, min(moments))}")
    sql.add(f"timestamp <= {at_moment(sql, max(moments))}")
    sql.add(f"event_id IN {sql.bind(sorted(event.event_id for event in events), 'Array(UUID)')}")
    sql.add("has_body")
    rows = store.rows(
        f"SELECT event_id, payload FROM errors{sql.clause} ORDER BY batch_id", sql.params, as_bytes=("payload",)
    )
    return {event_id.hex: payload for event_id, payload in rows}


def known_events(store: EventStore, ids: Sequence[tuple[int, str, datetime]]) -> list[KnownEvent]:
    """Which of these (project, event id, moment) are stored already: same project, same UTC day, same id.

    Made for a batch: one query, which reads only the weeks of the batch. Several rows of one event all come back.
    """
    if not ids:
        return []
    asked, sql = days_of(ids)
    rows = store.rows(
        f"SELECT project_id, event_id, toString(toDate(timestamp)), group_id, batch_id FROM errors{sql.clause}"
        " ORDER BY batch_id",
        sql.params,
    )
    found = [KnownEvent(project_id, event_id.hex, *rest) for project_id, event_id, *rest in rows]
    return [event for event in found if (event.project_id, event.event_id, event.day) in asked]


def days_of(ids: Sequence[tuple[int, str, datetime]]) -> tuple[set[tuple[int, str, str]], Sql]:
    """(project, event id, day) of each, and conditions that hold for them and for few others: ids on their days."""
    asked = {(project_id, event_id.lower(), _day(moment)) for project_id, event_id, moment in ids}
    sql = in_projects(sorted({project_id for project_id, _, _ in asked}))
    days = sorted({day for _, _, day in asked})
    mondays = f"arrayMap(d -> toMonday(d), {sql.bind(days, 'Array(Date)')})"
    sql.add(f"toMonday(timestamp) IN {mondays}")  # prunes partitions
    sql.add(f"timestamp >= toDateTime64({sql.bind(days[0], 'Date')}, 6, 'UTC')")
    sql.add(f"timestamp < addDays(toDateTime64({sql.bind(days[-1], 'Date')}, 6, 'UTC'), 1)")
    sql.add(f"event_id IN {sql.bind(sorted({event_id for _, event_id, _ in asked}), 'Array(UUID)')}")
    return asked, sql


def places_of_events(store: EventStore, ids: Sequence[tuple[int, str]]) -> dict[tuple[int, str], EventPlace]:
    """Where each of these (project, event id) that is stored belongs: one query for all of them."""
    if not ids:
        return {}
    sql = in_projects(sorted({project_id for project_id, _ in ids}))
    sql.add(f"event_id IN {sql.bind(sorted({event_id for _, event_id in ids}), 'Array(UUID)')}")
    columns = "project_id, event_id, group_id, environment"
    rows = store.rows(f"SELECT {columns} FROM errors{sql.clause} ORDER BY batch_id", sql.params)
    return {(project_id, event_id.hex): EventPlace(*place) for project_id, event_id, *place in rows}


def event_project(store: EventStore, projects: Sequence[int], event_id: str) -> tuple[int, int] | None:
    """(project id, group id) of the event with this id in one of these projects; None if there is none."""
    sql = _with_id(projects, event_id)
    if sql is None:
        return None
    rows = store.rows(
        f"SELECT project_id, group_id FROM errors{sql.clause} ORDER BY batch_id DESC, received_at DESC LIMIT 1",
        sql.params,
    )
    return (rows[0][0], rows[0][1]) if rows else None


def _with_id(projects: Sequence[int], event_id: str) -> Sql | None:
    known = as_event_id(event_id)
    if known is None:
        return None
    sql = in_projects(projects)
    sql.add(f"event_id = {sql.bind(known, 'UUID')}")
    return sql


def _one_stored(store: EventStore, sql: Sql, order: str) -> StoredEvent | None:
    rows = store.rows(
        f"SELECT {_SUMMARY}, {_REST}, payload FROM errors{sql.clause} ORDER BY {order} LIMIT 1",
        sql.params,
        as_bytes=("payload",),
    )
    if not rows:
        return None
    *columns, payload = rows[0]
    rest = len(_REST.split(", "))
    summary = _summary(columns[:-rest])
    return StoredEvent(summary, payload if summary.has_body else _bare_payload(summary, columns[-rest:]))


def _bare_payload(event: EventSummary, rest: Sequence[Any]) -> bytes:
    """An event as far as its row knows it, in the words of the protocol."""
    logger, transaction, sdk_name, sdk_version, trace_id, span_id, handled, types, values = rest
    mechanism = {"type": "generic", "handled": handled} if handled is not None else None
    known = {
        "event_id": event.event_id,
        "type": event.type,
        "timestamp": event.timestamp.timestamp(),
        "received": event.received_at.timestamp(),
        "platform": event.platform,
        "level": event.level,
        "logger": logger,
        "title": event.title,
        "culprit": event.culprit,
        "location": event.location,
        "transaction": transaction,
        "release": event.release,
        "dist": event.dist,
        "environment": event.environment,
        "tags": [list(tag) for tag in event.tags],
        "user": {
            "id": event.user_id,
            "email": event.user_email,
            "username": event.user_name,
            "ip_address": event.user_ip,
        },
        "sdk": {"name": sdk_name, "version": sdk_version},
        "contexts": {"trace": {"trace_id": trace_id, "span_id": span_id}} if trace_id else {},
        "exception": {
            "values": [
                {"type": kind, "value": value, "mechanism": mechanism}
                for kind, value in zip(types, values, strict=False)
            ]
        }
        if types
        else {},
        "logentry": {} if types else {"formatted": event.message},
    }
    return json.dumps({name: _filled(value) for name, value in known.items() if _filled(value)})


def _filled(value: Any) -> Any:
    return {key: each for key, each in value.items() if each} if isinstance(value, dict) else value


def _summary(row: Sequence[Any]) -> EventSummary:
    event_id, *middle, tags, has_body = row
    return EventSummary(*(event_id.hex, *middle, tuple(sorted(tags.items())), bool(has_body)))


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
