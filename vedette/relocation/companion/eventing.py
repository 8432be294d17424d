"""Events of an archive into the event store: given to the new projects and issues, once, and no older than is kept.

What was stored is looked up by event id and day before each insert, so that a repetition adds nothing and one that was
broken off is completed. Rows are only stored: nothing in them is believed but types and lengths, and whose they are is
what this import mapped.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError

from vedette.core.clock import EPOCH
from vedette.core.pieces import pieces
from vedette.events.carrying import (
    ERRORS,
    SESSIONS,
    SPANS,
    Carried,
    carried_minutes,
    count_rows,
    present_of,
    write_carried,
)
from vedette.events.client import EventStore, StoreShortOfMemory, StoreUnavailable
from vedette.relocation.companion.declarations import GROUP, PROJECT
from vedette.relocation.companion.eventlines import event_rows
from vedette.relocation.companion.keymap import KeyMap
from vedette.relocation.companion.unpacking import Unpacked
from vedette.relocation.files.findings import FindingKind, refuse

AT_ONCE = 5_000
MOST_BYTES = 16 * 2**20  # of lines in a batch
_IDS_AT_ONCE = 500
TRIES, PATIENCE_SECONDS = 6, 1.0  # with a store that is away: an engine that restarts is back after seconds
_AHEAD = timedelta(days=1)
_MICROSECONDS = 1_000_000


@dataclass(slots=True)
class Fate:
    """What became of the rows of one table."""

    inserted: int = 0
    existing: int = 0
    too_old: int = 0
    homeless: int = 0  # of a project or an issue that was not imported
    implausible: int = 0  # from the future

    def as_counter(self) -> Counter[str]:
        """For JSON, and to be added up."""
        return Counter(
            inserted=self.inserted,
            existing=self.existing,
            too_old=self.too_old,
            homeless=self.homeless,
            implausible=self.implausible,
        )


@dataclass(slots=True)
class _Batch:
    """Rows as the archive has them, and the ordinals of the first and the last one."""

    first: int
    last: int
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class EventRows:
    """The rows of one table of an archive on their way into the event store.

    `oldest` tells for each new project what is not kept any more. `repeated` says that an earlier import of the same
    archive may have been broken off in the middle of an insert.
    """

    def __init__(
        self,
        table: Carried,
        store: EventStore,
        keys: KeyMap,
        oldest: Mapping[int, datetime],
        now: datetime,
        *,
        import_uuid: str,
        repeated: bool,
    ) -> None:
        self.table, self._store, self._keys = table, store, keys
        self._oldest = {project: _micros(moment) for project, moment in oldest.items()}
        self._newest = _micros(now + _AHEAD)
        self._token = f"{import_uuid}-{table.name}"
        self._repeated = repeated
        # Where nothing is, nothing has to be looked for; but applications may report at any moment from now on.
        self._lately = _micros(now - _AHEAD)
        self._is_empty = not repeated and not any(count_rows(store, table, some) for some in pieces(oldest))
        self._names = list(table.columns)
        self._project = self._names.index("project_id")
        self._moment = self._names.index("timestamp")
        self._scale = _MICROSECONDS if table is SESSIONS else 1

    def batches(self, archive: Unpacked, after: int) -> Iterator[_Batch]:
        """The rows behind the ordinal `after`. Rows of one transaction's spans stay together. Raises `BadFile`."""
        size = 0
        batch: _Batch | None = None
        for ordinal, length, row in event_rows(archive, self.table, after):
            if batch and (len(batch.rows) >= AT_ONCE or size >= MOST_BYTES) and not self._belongs(row, batch):
                yield batch
                batch, size = None, 0
            batch = batch or _Batch(ordinal, ordinal)
            batch.rows.append(row)
            batch.last = ordinal
            size += length
        if batch:
            yield batch

    def write(self, batch: _Batch) -> Fate:
        """Store what of a batch belongs there and is not there yet. Raises `StoreUnavailable`."""
        fate = Fate()
        rows = self._given(batch.rows, fate)
        fresh = self._missing(rows)
        fate.existing = len(rows) - len(fresh)
        fate.inserted = len(fresh)
        token = f"{self._token}-{batch.first}"
        self._insert(fresh, token)
        if self._repeated and fresh:  # a kill may have noted the token, and lost the rows
            self._insert(self._missing(fresh), f"{token}-again")
        return fate

    def _belongs(self, row: tuple[Any, ...], batch: _Batch) -> bool:
        if self.table is not SPANS or len(batch.rows) >= 10 * AT_ONCE:
            return False
        place = self._names.index("event_id")
        return bool(row[place] == batch.rows[-1][place])

    def _given(self, rows: Sequence[tuple[Any, ...]], fate: Fate) -> list[list[Any]]:
        """The rows of what was imported, with its new keys, and neither too old nor from the future."""
        projects = self._keys.find(PROJECT, {row[self._project] for row in rows})
        at = self._names.index("group_id") if self.table is ERRORS else -1
        groups = self._keys.find(GROUP, {row[at] for row in rows}) if at >= 0 else {}
        given = []
        for row in rows:
            project = projects.get(row[self._project])
            group = groups.get(row[at]) if at >= 0 else 1
            if project is None or group is None:
                fate.homeless += 1
                continue
            moment = row[self._moment] * self._scale
            if moment < self._oldest[project]:
                fate.too_old += 1
                continue
            if moment > self._newest:
                fate.implausible += 1
                continue
            new = list(row)
            new[self._project] = project
            if at >= 0:
                new[at] = group
            given.append(new)
        return given

    def _missing(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Those that are not stored yet, each once."""
        if not rows:
            return rows
        if self._is_empty:
            lately = [row for row in rows if row[self._moment] * self._scale >= self._lately]
            there = self._events_there(lately) if self.table is not SESSIONS else set()
            return [row for row in rows if self._event(row) not in there] if there else rows
        identify = self._minute if self.table is SESSIONS else self._event
        there = self._minutes_there(rows) if self.table is SESSIONS else self._events_there(rows)
        if self.table is SPANS:  # a transaction is written whole or not at all
            return [row for row in rows if identify(row) not in there]
        missing = {}
        for row in rows:
            if identify(row) not in there:
                missing[identify(row)] = row
        return list(missing.values())

    def _event(self, row: Sequence[Any]) -> tuple[Any, ...]:
        moment = EPOCH + timedelta(microseconds=row[self._moment])
        event_id = row[self._names.index("event_id")].replace("-", "")
        return (row[self._project], event_id, moment.astimezone(UTC).date().isoformat())

    def _minute(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return (row[self._project], *(row[self._names.index(name)] for name in self.table.order))

    def _events_there(self, rows: Sequence[Sequence[Any]]) -> set[tuple[Any, ...]]:
        by_project: dict[int, set[str]] = {}
        for row in rows:
            project, event_id, _ = self._event(row)
            by_project.setdefault(project, set()).add(event_id)
        there: set[tuple[Any, ...]] = set()
        for project, ids in by_project.items():
            listed = sorted(ids)
            for start in range(0, len(listed), _IDS_AT_ONCE):
                some = listed[start : start + _IDS_AT_ONCE]
                found = self._patiently(partial(present_of, self._store, self.table, project, some))
                there |= {(project, event_id, day) for event_id, day in found}
        return there

    def _minutes_there(self, rows: Sequence[Sequence[Any]]) -> set[tuple[Any, ...]]:
        moments = [row[self._moment] for row in rows]
        projects = sorted({row[self._project] for row in rows})
        found: set[tuple[Any, ...]] = set()
        for start in range(0, len(projects), _IDS_AT_ONCE):
            some = projects[start : start + _IDS_AT_ONCE]
            found |= self._patiently(partial(carried_minutes, self._store, some, min(moments), max(moments)))
        return found

    def _insert(self, rows: list[list[Any]], token: str) -> None:
        """In halves where the store is short of memory; a row that is too much for it by itself is raised."""
        if not rows:
            return
        columns = [list(column) for column in zip(*rows, strict=True)]
        try:
            self._patiently(partial(write_carried, self._store, self.table, columns, token))
        except StoreShortOfMemory:
            if len(rows) == 1:
                raise
            middle = len(rows) // 2
            self._insert(rows[:middle], f"{token}0")
            self._insert(rows[middle:], f"{token}1")
        except (ClickHouseError, ValueError, OverflowError) as error:
            reason = f"the event store refuses rows: {error}"
            raise refuse(FindingKind.DATABASE_ERROR, reason, model=f"events.{self.table.name}") from error

    def _patiently(self, work: Callable[[], Any]) -> Any:
        """Try again while the store restarts. Every piece of work may be repeated."""
        for attempt in range(TRIES):
            try:
                return work()
            except StoreShortOfMemory:
                raise
            except StoreUnavailable:
                if attempt == TRIES - 1:
                    raise
                time.sleep(PATIENCE_SECONDS * attempt)
        raise AssertionError("unreachable")


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
