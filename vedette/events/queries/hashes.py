"""The events of an issue by the hash that put them there: which there are, and where those of some of them were seen.

Hashes are 32 hex digits. An event counts under its first hash only, whatever others it has.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vedette.core import json
from vedette.events.client import EventStore
from vedette.events.filters import Sql, in_projects
from vedette.events.queries.events import _SUMMARY, _summary
from vedette.events.rows import EventSummary


@dataclass(frozen=True, slots=True)
class HashEvents:
    """The events of an issue that one hash put there; `latest_id` is the newest of them."""

    hash: str
    count: int
    first_seen: datetime
    last_seen: datetime
    latest_id: str


@dataclass(frozen=True, slots=True)
class Presence:
    """When an issue was first and last seen in a release and an environment, by name ("" for none)."""

    release: str
    environment: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Newest:
    """What the newest event of an issue, or of some of its hashes, gives the issue. `metadata` is empty where the event
    has no body."""

    timestamp: datetime
    received_at: datetime
    type: str
    platform: str
    level: str
    logger: str
    title: str
    culprit: str
    location: str
    message: str
    sdk_name: str
    handled: bool | None
    metadata: dict[str, Any]


def hashes_of_issue(
    store: EventStore, project_id: int, group_id: int, *, limit: int = 100, offset: int = 0
) -> list[HashEvents]:
    """The hashes of an issue's events, that of the newest event first."""
    sql = _of_issue(project_id, group_id)
    rows = store.rows(
        "SELECT primary_hash, count(), min(timestamp), max(timestamp), argMax(event_id, (timestamp, event_id))"
        f" FROM errors{sql.clause} GROUP BY primary_hash ORDER BY max(timestamp) DESC, primary_hash"
        f" LIMIT {sql.bind(limit, 'UInt64')} OFFSET {sql.bind(offset, 'UInt64')}",
        sql.params,
    )
    return [HashEvents(value.hex, count, first, last, latest.hex) for value, count, first, last, latest in rows]


def has_several(store: EventStore, project_id: int, group_id: int, hashes: Collection[str]) -> bool:
    """Whether more than one of these hashes put events into an issue. Cheap: pages ask it of nearly every issue."""
    sql = of_hashes(project_id, group_id, hashes)
    return len(store.rows(f"SELECT DISTINCT primary_hash FROM errors{sql.clause} LIMIT 2", sql.params)) > 1


def latest_of(
    store: EventStore, project_id: int, group_id: int, found: Sequence[HashEvents]
) -> dict[str, EventSummary]:
    """The newest event of each of these hashes of an issue, by the hash."""
    if not found:
        return {}
    sql = _of_issue(project_id, group_id, [one.hash for one in found])
    sql.add(f"event_id IN {sql.bind([one.latest_id for one in found], 'Array(UUID)')}")
    rows = store.rows(f"SELECT {_SUMMARY}, primary_hash FROM errors{sql.clause} ORDER BY timestamp", sql.params)
    return {row[-1].hex: _summary(row[:-1]) for row in rows}


def count_of_hashes(
    store: EventStore, project_id: int, group_id: int, hashes: Collection[str], without_batches: Sequence[int] = ()
) -> int:
    """How many events of an issue these hashes put there, those of some batches left aside."""
    sql = of_hashes(project_id, group_id, hashes, without_batches)
    return int(store.rows(f"SELECT count() FROM errors{sql.clause}", sql.params)[0][0])


def hashes_beside(store: EventStore, project_id: int, group_id: int, limit: int) -> dict[str, frozenset[str]]:
    """Which hashes the newest event with a body of each hash of an issue has, by that hash: as the digest wrote it into
    the event."""
    sql = _of_issue(project_id, group_id)
    newest = (
        f"SELECT argMax(event_id, (timestamp, event_id)) FROM errors{sql.clause} AND has_body GROUP BY primary_hash"
        f" LIMIT {sql.bind(limit, 'UInt64')}"
    )
    rows = store.rows(
        "SELECT primary_hash, JSONExtractRaw(payload, 'grouping', 'variants') AS variants"
        f" FROM errors{sql.clause} AND event_id IN ({newest})",
        sql.params,
    )
    return {value.hex: _hashes_in(variants) for value, variants in rows}


def _hashes_in(variants: str) -> frozenset[str]:
    try:
        found: Any = json.loads(variants.encode()) if variants else {}
    except json.JSONDecodeError:
        found = {}
    entries = found.values() if isinstance(found, Mapping) else ()
    hashes = (entry.get("hash") for entry in entries if isinstance(entry, Mapping))
    return frozenset(value for value in hashes if isinstance(value, str))


def presence_of(store: EventStore, project_id: int, group_id: int, hashes: Collection[str] = ()) -> list[Presence]:
    """Where and when an issue was seen, as far as its events are kept, the earliest first; by some hashes only, if any
    are given."""
    sql = _of_issue(project_id, group_id, hashes)
    rows = store.rows(
        f"SELECT release, environment, min(timestamp), max(timestamp) FROM errors{sql.clause}"
        " GROUP BY release, environment ORDER BY min(timestamp), release, environment",
        sql.params,
    )
    return [Presence(*row) for row in rows]


def newest_of(store: EventStore, project_id: int, group_id: int, hashes: Collection[str] = ()) -> Newest | None:
    """What the newest event of an issue says, or that of some of its hashes; None where there is none."""
    sql = _of_issue(project_id, group_id, hashes)
    rows = store.rows(
        "SELECT timestamp, received_at, type, platform, level, logger, title, culprit, location, message, sdk_name,"
        f" handled, JSONExtractRaw(payload, 'metadata') AS metadata FROM errors{sql.clause}"
        " ORDER BY timestamp DESC, event_id DESC LIMIT 1",
        sql.params,
    )
    return Newest(*(*rows[0][:-1], _object(rows[0][-1]))) if rows else None


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text.encode()) if text else {}
    except json.JSONDecodeError:
        found = {}
    return found if isinstance(found, dict) else {}


def of_hashes(project_id: int, group_id: int, hashes: Collection[str], without_batches: Sequence[int] = ()) -> Sql:
    """The events of an issue that these hashes put there, those of some batches left aside."""
    if not hashes:
        raise ValueError("the hashes of events are named: none must never mean all")
    sql = _of_issue(project_id, group_id, hashes)
    if without_batches:
        sql.add(f"batch_id NOT IN {sql.bind(list(without_batches), 'Array(UInt64)')}")
    return sql


def _of_issue(project_id: int, group_id: int, hashes: Collection[str] = ()) -> Sql:
    sql = in_projects([project_id])
    sql.add(f"group_id = {sql.bind(group_id, 'UInt64')}")
    if hashes:
        sql.add(f"primary_hash IN {sql.bind(sorted(hashes), 'Array(UUID)')}")
    return sql
