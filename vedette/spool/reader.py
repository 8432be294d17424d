"""Reading a stream: in order, in bounds, and past whatever is broken.

Where a reader stands is kept by whoever digests; a stream only knows positions. One thread at a time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from vedette.spool.files import (
    consumed_position,
    decode_receipt,
    file_numbers,
    note_consumed,
    open_for_reading,
    position_of,
    remove_file,
    set_aside,
    split_position,
)
from vedette.spool.records import SpooledEnvelope

_ROWS = "select id, receipt, body from items where id between ? and ? order by id limit ?"
_LAST_ROW = 2**32 - 1
_Row = tuple[int, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits behind a position. `oldest_received_at` is a Unix time in seconds; None when nothing waits."""

    items: int
    bytes: int
    oldest_received_at: float | None


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that could not be read: a row, with what is left of it, or (`position` 0) the rest of a file."""

    file: str
    position: int
    reason: str
    receipt: bytes = b""
    body: bytes = b""


class SpoolReader:
    """Reads the stream in `directory`, whether or not a writer is at work on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._open: tuple[int, sqlite3.Connection] | None = None
        self._ends: dict[int, tuple[int, int]] = {}  # of files that nobody writes to any more: last row, bytes
        self._damage: dict[tuple[int, int], Damage] = {}
        self._reported: set[tuple[int, int]] = set()

    def read(self, after: int = 0, max_items: int = 500, max_bytes: int = 64 * 1024 * 1024) -> list[SpooledEnvelope]:
        """The next items behind a position: at most `max_items`, and no further one once `max_bytes` are reached."""
        return self._collect(after + 1, None, max_items, max_bytes)

    def read_range(self, first: int, last: int) -> list[SpooledEnvelope]:
        """The items from one position to another, both included: the same each time, for a replay."""
        return self._collect(first, last, None, None)

    def depth(self, after: int) -> Depth:
        """How much waits behind a position. Cheap: two look-ups in each file that is not yet behind."""
        items = size = 0
        oldest: float | None = None
        start, row = split_position(after)
        numbers = file_numbers(self.directory)
        for number in numbers:
            if number < start:
                continue
            behind = row if number == start else 0
            with suppress(sqlite3.DatabaseError):
                last_row, stored = self._end(number, final=number != numbers[-1])
                if last_row <= behind:
                    continue
                items += last_row - behind
                size += stored - (self._stored_up_to(number, behind) if behind else 0)
                if oldest is None:
                    oldest = self._received_at(number, behind + 1)
        return Depth(items, size, oldest)

    def last_position(self) -> int:
        """The position of the newest item; 0 in an empty stream."""
        for number in reversed(file_numbers(self.directory)):
            with suppress(sqlite3.DatabaseError):
                row, _ = self._end(number, final=False)
                if row:
                    return position_of(number, row)
        return 0

    def forget(self, upto: int) -> int:
        """Everything up to this position is digested: remove the files that lie behind it, and say how many.

        The newest file stays, because the writer may be at work on it. A file that could not be read in whole is set
        aside, not removed.
        """
        current, row = split_position(upto)
        gone = 0
        for number in file_numbers(self.directory)[:-1]:
            if number > current or (number == current and not self._is_behind(number, row)):
                break
            self._close(number)
            self._ends.pop(number, None)
            if any(damaged == number for damaged, _ in self._reported):
                set_aside(self.directory, number)
            else:
                remove_file(self.directory, number)
            gone += 1
        # Last, because on a full disk the note may have no room before the files are gone.
        if upto > consumed_position(self.directory):
            note_consumed(self.directory, upto)
        return gone

    def take_damage(self) -> list[Damage]:
        """What could not be read since the last call; each thing is told once."""
        found = list(self._damage.values())
        self._damage.clear()
        return found

    def close(self) -> None:
        """Let go of the open file."""
        if self._open:
            self._open[1].close()
            self._open = None

    def _collect(
        self, first: int, last: int | None, max_items: int | None, max_bytes: int | None
    ) -> list[SpooledEnvelope]:
        found: list[SpooledEnvelope] = []
        size = 0
        start, row = split_position(first)
        end, end_row = split_position(last) if last is not None else (None, _LAST_ROW)
        # Listed before anything is read: a file that has a successor in this list gets no more rows.
        for number in file_numbers(self.directory):
            if number < start or (end is not None and number > end):
                continue
            first_row = row if number == start else 1
            last_row = end_row if number == end else _LAST_ROW
            for envelope in self._envelopes(number, first_row, last_row, max_items and max_items - len(found)):
                found.append(envelope)
                size += len(envelope.body)
                if (max_items and len(found) >= max_items) or (max_bytes is not None and size >= max_bytes):
                    return found
        return found

    def _envelopes(self, number: int, first: int, last: int, limit: int | None) -> Iterator[SpooledEnvelope]:
        for row, receipt, body in self._rows(number, first, last, -1 if limit is None else limit):
            position = position_of(number, row)
            try:
                yield SpooledEnvelope(position, decode_receipt(receipt), body)
            except msgspec.MsgspecError as error:
                self._note(number, row, f"receipt: {error}", receipt, body)

    def _rows(self, number: int, first: int, last: int, limit: int) -> Iterator[_Row]:
        try:
            with closing(self._connection(number).execute(_ROWS, (first, last, limit))) as cursor:
                for row in cursor:
                    first = row[0] + 1
                    yield row
        except sqlite3.DatabaseError as error:
            if not _has_no_table(error):
                yield from self._salvage(number, first, last, limit, error)

    def _salvage(self, number: int, first: int, last: int, limit: int, why: sqlite3.Error) -> Iterator[_Row]:
        """Row by row: what lies on healthy pages is still found."""
        try:
            last = min(last, self._end(number, final=False)[0])
        except sqlite3.DatabaseError:
            self._note(number, 0, str(why))
            return
        given = 0
        for row in range(first, last + 1):
            if given == limit:
                return
            try:
                found = self._connection(number).execute(_ROWS, (row, row, 1)).fetchone()
            except sqlite3.DatabaseError as error:
                self._note(number, row, str(error))
                continue
            if found:
                given += 1
                yield found

    def _note(self, number: int, row: int, reason: str, receipt: bytes = b"", body: bytes = b"") -> None:
        if (number, row) not in self._reported:
            self._reported.add((number, row))
            position = position_of(number, row) if row else 0
            self._damage[number, row] = Damage(f"{number:010d}", position, reason, receipt, body)

    def _end(self, number: int, *, final: bool) -> tuple[int, int]:
        """(last row, bytes in all) of a file; kept in mind once it is `final`."""
        if number not in self._ends:
            try:
                end = self._one(number, "select id, stored_bytes from items order by id desc limit 1")
            except sqlite3.DatabaseError as error:
                if not _has_no_table(error):
                    raise
                end = None
            if not final:
                return end or (0, 0)
            self._ends[number] = end or (0, 0)
        return self._ends[number]

    def _stored_up_to(self, number: int, row: int) -> int:
        found = self._one(number, "select stored_bytes from items where id <= ? order by id desc limit 1", row)
        return found[0] if found else 0

    def _received_at(self, number: int, row: int) -> float | None:
        found = self._one(number, "select receipt from items where id >= ? order by id limit 1", row)
        try:
            return decode_receipt(found[0]).received_at if found else None
        except msgspec.MsgspecError:
            return None

    def _one(self, number: int, sql: str, *values: int) -> Any:
        return self._connection(number).execute(sql, values).fetchone()

    def _is_behind(self, number: int, row: int) -> bool:
        try:
            return self._end(number, final=True)[0] <= row
        except sqlite3.DatabaseError as error:
            self._note(number, 0, str(error))
            return False

    def _connection(self, number: int) -> sqlite3.Connection:
        if self._open and self._open[0] == number:
            return self._open[1]
        self.close()
        connection = open_for_reading(self.directory, number)
        self._open = (number, connection)
        return connection

    def _close(self, number: int) -> None:
        if self._open and self._open[0] == number:
            self.close()


def _has_no_table(error: sqlite3.Error) -> bool:
    """A writer was killed between making the file and making its table: the file is empty, not broken."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("no such table")
