"""Events arriving at issues: found by hash or made, counted, regressed. For a whole batch, in the caller's transaction.

The hash rows are the lock of an issue's creation; counters grow in the database, never from a value read before; rows
are touched in the order of their ids, so that two nodes with the same issues wait for each other and never deadlock.
Source: the ingest specification, 14.11 to 14.17; the issue workflow specification, section 6.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from vedette.core import sql
from vedette.issues.models import (
    LEVELS,
    PRIORITY_HIGH,
    PRIORITY_LOW,
    PRIORITY_MEDIUM,
    Activity,
    ActivityType,
    Group,
    GroupHash,
    GroupStatus,
    GroupSubStatus,
)
from vedette.issues.presence import record_presence

TITLE_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as far as an issue is concerned. `release_id` and `environment_id` are rows that exist.

    `counted` is False for an event that takes the place of one already counted in the same issue.
    """

    project_id: int
    hashes: tuple[str, ...]
    event_id: str
    timestamp: datetime
    level: str
    logger: str
    platform: str
    title: str
    culprit: str
    message: str
    data: dict[str, Any]
    release_id: int | None
    version: str
    environment_id: int
    environment: str
    counted: bool = True


@dataclass(slots=True)
class Received:
    """What became of a batch: the issue of each arrival, in order (None: discarded by a tombstone), and which issues
    are new or came back."""

    groups: list[int | None]
    new: set[int] = field(default_factory=set)
    regressed: set[int] = field(default_factory=set)


def receive(arrivals: Sequence[Arrival]) -> Received:
    """Find or make the issue of every arrival, and count it. Call it once per batch, inside a transaction."""
    groups, new = _find_or_create(arrivals)
    _count(arrivals, groups, new)
    regressed = _regress(arrivals, groups, new)
    record_presence(
        (arrival, group, group in new) for arrival, group in zip(arrivals, groups, strict=True) if group is not None
    )
    return Received(groups, new, regressed)


def look_up(wanted: Sequence[tuple[int, tuple[str, ...]]]) -> list[int | None]:
    """The issue that each (project, hashes) leads to now, best hash first; None where none does."""
    rows = _hash_rows({(project, value) for project, hashes in wanted for value in hashes})
    return [_first_group(project, hashes, rows) for project, hashes in wanted]


def uncount(losses: dict[int, int]) -> None:
    """Take events away from issues that lost them to another issue, when a later event with the same id replaced
    theirs."""
    sql.run_many(
        f"UPDATE issues_group SET times_seen = {sql.greatest()}(times_seen - %s, 0) WHERE id = %s",  # noqa: S608
        [(lost, group) for group, lost in sorted(losses.items())],
    )


@dataclass(slots=True)
class _HashRow:
    """A row of GroupHash without the cost of a model: a batch reads a thousand of them."""

    pk: int
    group_id: int | None
    group_tombstone_id: int | None


Rows = dict[tuple[int, str], _HashRow]


def _hash_rows(wanted: set[tuple[int, str]], *, lock: bool = False) -> Rows:
    if not wanted:
        return {}
    rows = GroupHash.objects.filter(
        project_id__in={project for project, _ in wanted}, hash__in={value for _, value in wanted}
    ).order_by("id")
    if lock and connection.features.has_select_for_update:
        rows = rows.select_for_update()
    columns = rows.values_list("project_id", "hash", "pk", "group_id", "group_tombstone_id")
    return {(project, value): _HashRow(pk, group, tombstone) for project, value, pk, group, tombstone in columns}


def _first_group(project: int, hashes: Iterable[str], rows: Rows) -> int | None:
    """The first hash in order that has a group wins; a tombstone met before it discards the event."""
    for value in hashes:
        row = rows.get((project, value))
        if row is None:
            continue
        if row.group_id is not None:
            return row.group_id
        if row.group_tombstone_id is not None:
            return None
    return None


def _discarded(arrival: Arrival, rows: Rows) -> bool:
    found = (rows.get((arrival.project_id, value)) for value in arrival.hashes)
    decisive = next((row for row in found if row and (row.group_id or row.group_tombstone_id)), None)
    return decisive is not None and decisive.group_id is None


def _find_or_create(arrivals: Sequence[Arrival]) -> tuple[list[int | None], set[int]]:
    wanted = {(arrival.project_id, value) for arrival in arrivals for value in arrival.hashes}
    rows = _hash_rows(wanted)
    unlinked = {key for key in wanted if key not in rows or rows[key].group_id is None}
    new: set[int] = set()
    if unlinked:
        rows = _locked_rows(wanted, unlinked, rows)
        new = _create_groups(arrivals, rows)
        _link_hashes(arrivals, rows)
    groups = [
        None if _discarded(arrival, rows) else _first_group(arrival.project_id, arrival.hashes, rows)
        for arrival in arrivals
    ]
    return groups, new


def _locked_rows(wanted: set[tuple[int, str]], unlinked: set[tuple[int, str]], rows: Rows) -> Rows:
    """The rows of every wanted hash, those without a group locked, as they are after the lock was had."""
    GroupHash.objects.bulk_create(
        [GroupHash(project_id=project, hash=value) for project, value in sorted(unlinked - rows.keys())],
        ignore_conflicts=True,
    )
    return {**_hash_rows(wanted), **{k: v for k, v in _hash_rows(unlinked, lock=True).items() if k in unlinked}}


def _create_groups(arrivals: Sequence[Arrival], rows: Rows) -> set[int]:
    """Make an issue for every arrival that no hash leads to one; the first of a batch makes it for the later ones."""
    makers: list[Arrival] = []
    pending: dict[tuple[int, str], int] = {}  # hash -> index of its maker
    for arrival in arrivals:
        keys = [(arrival.project_id, value) for value in arrival.hashes]
        if _discarded(arrival, rows) or _first_group(arrival.project_id, arrival.hashes, rows) is not None:
            continue
        index = next((pending[key] for key in keys if key in pending), None)
        if index is None:
            index = len(makers)
            makers.append(arrival)
        for key in keys:
            pending.setdefault(key, index)
    if not makers:
        return set()
    made = Group.objects.bulk_create(_new_groups(makers))
    links = []
    for key, index in pending.items():
        row = rows[key]
        if row.group_id is None and row.group_tombstone_id is None:
            row.group_id = made[index].pk
            links.append((row.group_id, row.pk))
    sql.run_many("UPDATE issues_grouphash SET group_id = %s WHERE id = %s AND group_id IS NULL", sorted(links))
    return {group.pk for group in made}


def _new_groups(makers: Sequence[Arrival]) -> list[Group]:
    numbers = _short_ids(makers)
    return [
        Group(
            project_id=arrival.project_id,
            short_id=number,
            status=GroupStatus.UNRESOLVED,
            substatus=GroupSubStatus.NEW,
            level=LEVELS.get(arrival.level, LEVELS["error"]),
            priority=_priority(arrival.level),
            platform=arrival.platform,
            logger=arrival.logger,
            culprit=arrival.culprit[:200],
            title=arrival.title[:TITLE_LENGTH],
            message=arrival.message,
            data=arrival.data,
            times_seen=0,
            first_seen=arrival.timestamp,
            last_seen=arrival.timestamp,
            active_at=arrival.timestamp,
            first_release_id=arrival.release_id,
        )
        for arrival, number in zip(makers, numbers, strict=True)
    ]


def _priority(level: str) -> int:
    if level in ("fatal", "error"):
        return PRIORITY_HIGH
    return PRIORITY_MEDIUM if level == "warning" else PRIORITY_LOW


def _short_ids(makers: Sequence[Arrival]) -> list[int]:
    """A fresh number for each, per project, by one atomic increment per project."""
    needed: dict[int, int] = defaultdict(int)
    for arrival in makers:
        needed[arrival.project_id] += 1
    following = {}
    for project, count in sorted(needed.items()):
        [(last,)] = sql.run(
            "INSERT INTO projects_projectcounter (project_id, value) VALUES (%s, %s) ON CONFLICT (project_id) "
            "DO UPDATE SET value = projects_projectcounter.value + excluded.value RETURNING value",
            [project, count],
        )
        following[project] = iter(range(last - count + 1, last + 1))
    return [next(following[arrival.project_id]) for arrival in makers]


def _link_hashes(arrivals: Sequence[Arrival], rows: Rows) -> None:
    """Every hash of an event that has an issue leads to it from now on; a hash that leads elsewhere stays."""
    links = {}
    for arrival in arrivals:
        group = _first_group(arrival.project_id, arrival.hashes, rows)
        if group is None:
            continue
        for value in arrival.hashes:
            row = rows[arrival.project_id, value]
            if row.group_id is None and row.group_tombstone_id is None:
                row.group_id = group
                links[row.pk] = group
    sql.run_many(
        "UPDATE issues_grouphash SET group_id = %s WHERE id = %s AND group_id IS NULL",
        [(group, pk) for pk, group in sorted(links.items())],
    )


@dataclass(slots=True)
class _Tally:
    first: datetime
    newest: Arrival
    count: int = 0


def _count(arrivals: Sequence[Arrival], groups: Sequence[int | None], new: set[int]) -> None:
    """Add a batch to its issues: one statement per issue, in the order of ids. The newest event gives the title."""
    tallies: dict[int, _Tally] = {}
    for arrival, group in zip(arrivals, groups, strict=True):
        if group is None:
            continue
        tally = tallies.setdefault(group, _Tally(arrival.timestamp, arrival))
        tally.first = min(tally.first, arrival.timestamp)
        tally.count += arrival.counted
        if arrival.timestamp >= tally.newest.timestamp:
            tally.newest = arrival
    newer = "CASE WHEN %s >= last_seen THEN %s ELSE {0} END"
    columns = ("level", "culprit", "title", "message", "data")
    assignments = ", ".join(f"{name} = {_cast(name, newer.format(name))}" for name in columns)
    sql.run_many(
        f"UPDATE issues_group SET times_seen = times_seen + %s, first_seen = {sql.least()}(first_seen, %s), "  # noqa: S608
        f"{assignments}, last_seen = {sql.greatest()}(last_seen, %s) WHERE id = %s",
        [_counted(group, tally) for group, tally in sorted(tallies.items())],
    )


def _cast(name: str, expression: str) -> str:
    """PostgreSQL has to be told that a text parameter is a document."""
    if name == "data" and connection.vendor == "postgresql":
        return expression.replace("THEN %s", "THEN %s::jsonb")
    return expression


def _counted(group: int, tally: _Tally) -> tuple[Any, ...]:
    newest = tally.newest
    at = sql.moment(newest.timestamp)
    values = (
        LEVELS.get(newest.level, LEVELS["error"]),
        newest.culprit[:200],
        newest.title[:TITLE_LENGTH],
        newest.message,
        sql.document(newest.data),
    )
    pairs = [part for value in values for part in (at, value)]
    return (tally.count, sql.moment(tally.first), *pairs, at, group)


def _regress(arrivals: Sequence[Arrival], groups: Sequence[int | None], new: set[int]) -> set[int]:
    """Resolved issues that got an event younger than their resolution are open again, each by one conditional update.

    An event that happened before the resolution and only arrives after it reopens nothing (6.4 [V]).
    """
    latest: dict[int, Arrival] = {}
    for arrival, group in zip(arrivals, groups, strict=True):
        if group is None or group in new or not arrival.counted:
            continue
        if group not in latest or arrival.timestamp > latest[group].timestamp:
            latest[group] = arrival
    resolved = Group.objects.filter(pk__in=latest.keys(), status=GroupStatus.RESOLVED).order_by("pk")
    regressed = set()
    for issue in resolved:
        arrival = latest[issue.pk]
        if issue.resolved_at is not None and arrival.timestamp <= issue.resolved_at:
            continue
        changed = Group.objects.filter(pk=issue.pk, status=GroupStatus.RESOLVED, resolved_at=issue.resolved_at).update(
            status=GroupStatus.UNRESOLVED,
            substatus=GroupSubStatus.REGRESSED,
            active_at=arrival.timestamp,
            resolved_at=None,
        )
        if changed:
            regressed.add(issue.pk)
            Activity.objects.create(
                project_id=issue.project_id,
                group_id=issue.pk,
                type=ActivityType.SET_REGRESSION,
                datetime=arrival.timestamp,
                data={"event_id": arrival.event_id, "version": arrival.version},
            )
    return regressed
