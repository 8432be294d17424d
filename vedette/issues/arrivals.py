"""Events arriving at issues: found by hash or made, counted, regressed. For a whole batch, in the caller's transaction.

The hash rows are the lock of an issue's creation; counters grow in the database, never from a value read before; rows
are touched in the order of their ids, so that two nodes with the same issues wait for each other and never deadlock.
Source: the ingest specification, 14.11 to 14.17; the issue workflow specification, section 6.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from vedette.core import clock, sql
from vedette.core.errors import TryAgain
from vedette.core.pieces import pieces
from vedette.issues import inbox, regressions
from vedette.issues.beginnings import CULPRIT_LENGTH, TITLE_LENGTH, first_data, first_priority, take_short_ids
from vedette.issues.models import (
    LEVELS,
    Group,
    GroupHash,
    GroupSplit,
    GroupStatus,
    GroupSubStatus,
    InboxReason,
)
from vedette.issues.presence import record_presence

_GONE = (GroupStatus.PENDING_DELETION, GroupStatus.DELETION_IN_PROGRESS, GroupStatus.PENDING_MERGE)


class IssueGone(TryAgain):
    """An issue was deleted, merged or split while a batch with events of it was related: the same batch will make a
    new one, or find the one that it was merged into or that was split off."""

    code = "issue-gone"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as far as an issue is concerned. `release_id` and `environment_id` are rows that exist.

    `replaces` is the issue in which an earlier event was counted whose place this one takes. `secondary_hashes` are
    those of the project's previous grouping configuration while the transition from it lasts.
    """

    organization_id: int
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
    replaces: int | None = None
    secondary_hashes: tuple[str, ...] = ()


def receive(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Find or make the issue of every arrival, and count it; gives them in order (None: discarded by a tombstone). Call
    it once per batch, inside a transaction.

    An arrival that replaces an event of the same issue is not counted again; one that replaces an event of another
    issue takes it away there. Raises `IssueGone` when one of the issues was deleted since its hash was read; then
    nothing of it may be kept.
    """
    groups, new = _find_or_create(arrivals)
    seen = [(arrival, group) for arrival, group in zip(arrivals, groups, strict=True) if group is not None]
    back = [(arrival, group) for arrival, group in seen if arrival.replaces != group and group not in new]
    resolved = regressions.candidates(sorted({group for _, group in back}), {one.project_id for one, _ in back})
    losses = Counter(one.replaces for one, group in seen if one.replaces is not None and one.replaces != group)
    if losses:
        _lock({*losses, *(group for _, group in seen)})
    _count(arrivals, groups)
    uncount(losses)
    _refuse_gone({group for _, group in seen} - new)
    _refuse_split_off([(arrival, group) for arrival, group in seen if group not in new])
    now = clock.now()
    returned = regressions.regress(resolved, back, now)
    record_presence((arrival, group, group in new) for arrival, group in seen)
    _let_wait(seen, new, returned, now)
    return groups


def _let_wait(seen: Sequence[tuple[Arrival, int]], new: set[int], returned: set[int], now: datetime) -> None:
    """New issues and those that came back wait for somebody to look at them."""
    for groups, reason in ((new, InboxReason.NEW), (returned, InboxReason.REGRESSION)):
        if groups:
            inbox.add({(one.organization_id, one.project_id, pk) for one, pk in seen if pk in groups}, reason, now)


def _lock(groups: set[int]) -> None:
    """Two passes over issues follow, each in the order of ids: together they would not be."""
    if connection.features.has_select_for_update:
        list(Group.objects.filter(pk__in=groups).order_by("pk").select_for_update().values_list("pk"))


def _refuse_gone(groups: set[int]) -> None:
    """Whoever gives an issue up, or merges it, takes its hashes away. Its row is locked by now, so that it stays what
    it is here."""
    if Group.objects.filter(pk__in=groups, status__in=_GONE).exists():
        raise IssueGone("an issue was deleted or merged while events of it arrived")


def _refuse_split_off(seen: Sequence[tuple[Arrival, int]]) -> None:
    """Of an issue that is being split, events that were counted in it have to lead to it still: whoever splits it locks
    its row before its hashes, so that nothing is counted there any more once the hashes lead elsewhere."""
    unsettled = GroupSplit.objects.filter(source__in={group for _, group in seen}, settled_at=None)
    split = set(unsettled.values_list("source_id", flat=True))
    if not split:
        return
    mine = [(arrival, group) for arrival, group in seen if group in split]
    rows = _hash_rows({(arrival.project_id, value) for arrival, _ in mine for value in arrival.hashes})
    if any(_first_group(arrival.project_id, arrival.hashes, rows) != group for arrival, group in mine):
        raise IssueGone("an issue was split while events of it arrived")


def uncount(losses: Mapping[int, int]) -> None:
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
    is_adopted: bool = False


Rows = dict[tuple[int, str], _HashRow]
_KEYS = 10_000  # of one statement, which takes only so many values; a usual batch needs one


def _hash_rows(wanted: set[tuple[int, str]], *, lock: bool = False) -> Rows:
    found: Rows = {}
    for keys in pieces(wanted, _KEYS):
        rows = GroupHash.objects.filter(
            project_id__in={project for project, _ in keys}, hash__in={value for _, value in keys}
        ).order_by("id")
        if lock and connection.features.has_select_for_update:
            rows = rows.select_for_update()
        columns = rows.values_list("project_id", "hash", "pk", "group_id", "group_tombstone_id")
        found |= {(project, value): _HashRow(pk, group, tombstone) for project, value, pk, group, tombstone in columns}
    return found


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


def _decisive(project: int, hashes: Iterable[str], rows: Rows) -> _HashRow | None:
    """The first row in order that leads anywhere."""
    found = (rows.get((project, value)) for value in hashes)
    return next((row for row in found if row and (row.group_id or row.group_tombstone_id)), None)


def _discarded(arrival: Arrival, rows: Rows) -> bool:
    row = _decisive(arrival.project_id, arrival.hashes, rows)
    return row is not None and row.group_id is None


def _find_or_create(arrivals: Sequence[Arrival]) -> tuple[list[int | None], set[int]]:
    wanted = {(arrival.project_id, value) for arrival in arrivals for value in arrival.hashes}
    rows = _hash_rows(wanted)
    unlinked = {key for key in wanted if key not in rows or not (rows[key].group_id or rows[key].group_tombstone_id)}
    new: set[int] = set()
    if unlinked:
        rows = _locked_rows(wanted, unlinked, rows)
        _adopt(arrivals, rows)
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
    found = {**_hash_rows(wanted), **{k: v for k, v in _hash_rows(unlinked, lock=True).items() if k in unlinked}}
    if found.keys() != wanted:
        raise IssueGone("an issue was deleted while events of it arrived")
    return found


def _adopt(arrivals: Sequence[Arrival], rows: Rows) -> None:
    """Let arrivals without an issue join the one that the hashes of the previous configuration lead to, or share the
    tombstone that they lead to. Of those hashes no rows are made (grouping specification, 9.4)."""
    lost = [one for one in arrivals if one.secondary_hashes and not _decisive(one.project_id, one.hashes, rows)]
    if not lost:
        return
    before = _hash_rows({(one.project_id, value) for one in lost for value in one.secondary_hashes})
    for arrival in lost:
        found = _decisive(arrival.project_id, arrival.secondary_hashes, before)
        for value in arrival.hashes if found else ():
            row = rows[arrival.project_id, value]
            if found and not row.group_id and not row.group_tombstone_id:
                row.group_id, row.group_tombstone_id = found.group_id, found.group_tombstone_id
                row.is_adopted = True
    sql.run_many(
        "UPDATE issues_grouphash SET group_id = %s, group_tombstone_id = %s "
        "WHERE id = %s AND group_id IS NULL AND group_tombstone_id IS NULL",
        [(row.group_id, row.group_tombstone_id, row.pk) for row in _by_id(rows) if row.is_adopted],
    )


def _by_id(rows: Rows) -> list[_HashRow]:
    return sorted(rows.values(), key=lambda row: row.pk)


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
            priority=first_priority(arrival.level),
            platform=arrival.platform,
            logger=arrival.logger,
            culprit=arrival.culprit[:CULPRIT_LENGTH],
            title=arrival.title[:TITLE_LENGTH],
            message=arrival.message,
            data=first_data(arrival.data, arrival.level),
            times_seen=0,
            first_seen=arrival.timestamp,
            last_seen=arrival.timestamp,
            active_at=arrival.timestamp,
            first_release_id=arrival.release_id,
        )
        for arrival, number in zip(makers, numbers, strict=True)
    ]


def _short_ids(makers: Sequence[Arrival]) -> list[int]:
    """A fresh number for each, per project."""
    needed = Counter(arrival.project_id for arrival in makers)
    following = {project: iter(take_short_ids(project, count)) for project, count in sorted(needed.items())}
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


def _count(arrivals: Sequence[Arrival], groups: Sequence[int | None]) -> None:
    """Add a batch to its issues: one statement per issue, in the order of ids.

    The newest event gives title, level, culprit and message; its data are merged into the issue's, so that what only
    the first event or somebody else wrote there stays.
    """
    tallies: dict[int, _Tally] = {}
    for arrival, group in zip(arrivals, groups, strict=True):
        if group is None:
            continue
        tally = tallies.setdefault(group, _Tally(arrival.timestamp, arrival))
        tally.first = min(tally.first, arrival.timestamp)
        tally.count += arrival.replaces != group
        if arrival.timestamp >= tally.newest.timestamp:
            tally.newest = arrival
    newer = "CASE WHEN %s >= last_seen THEN {1} ELSE {0} END"
    columns = dict.fromkeys(("level", "culprit", "title", "message"), "%s") | {"data": _merged()}
    assignments = ", ".join(f"{name} = {newer.format(name, value)}" for name, value in columns.items())
    sql.run_many(
        f"UPDATE issues_group SET times_seen = times_seen + %s, first_seen = {sql.least()}(first_seen, %s), "  # noqa: S608
        f"{assignments}, last_seen = {sql.greatest()}(last_seen, %s) WHERE id = %s",
        [_counted(group, tally) for group, tally in sorted(tallies.items())],
    )


def _merged() -> str:
    """The issue's data with those of a newer event merged into them, `metadata` one level deeper."""
    if connection.vendor == "postgresql":
        return (
            "data || %s::jsonb || jsonb_build_object('metadata', COALESCE(data -> 'metadata', '{}'::jsonb) || "
            "COALESCE(%s::jsonb -> 'metadata', '{}'::jsonb))"
        )
    return "json_patch(data, %s)"


def _counted(group: int, tally: _Tally) -> tuple[Any, ...]:
    newest = tally.newest
    at = sql.moment(newest.timestamp)
    values = (
        LEVELS.get(newest.level, LEVELS["error"]),
        newest.culprit[:CULPRIT_LENGTH],
        newest.title[:TITLE_LENGTH],
        newest.message,
    )
    pairs = [part for value in values for part in (at, value)]
    documents = [sql.document(newest.data)] * _merged().count("%s")
    return (tally.count, sql.moment(tally.first), *pairs, at, *documents, at, group)
