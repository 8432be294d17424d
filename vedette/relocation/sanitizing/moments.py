"""Dates that move a little and never change places.

All moments of the file are sorted; each moves to a drawn instant between the midpoints to its neighbours, the first
and the last within their own half, so that the order of any two stays what it was. Milliseconds, as in the files.
Source: the relocation specification, 8.1.
"""

import re
import sqlite3
from datetime import UTC, datetime, timedelta

from vedette.relocation.sanitizing.drawing import Drawing

_IN_MEMORY = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?([zZ]|[+-]\d\d(:?\d\d)?)?")
_DAY_SHAPE = re.compile(r"\d{4}-\d\d-\d\d")


def as_milliseconds(text: str) -> int | None:
    """Milliseconds since 1970 of a date and time of any ISO notation (UTC unless it says so); None for others."""
    if not (_SHAPE.fullmatch(text) or _DAY_SHAPE.fullmatch(text)):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def as_text(milliseconds: int) -> str:
    """As files write it: UTC, three decimals, `Z`. What is beyond the years 1 to 9999 becomes their nearest end."""
    least, most = -62_135_596_800_000, 253_402_300_799_999
    moment = _EPOCH + timedelta(milliseconds=min(max(milliseconds, least), most))
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


class Moments:
    """Every moment of one file. Note them all, `settle` once, then ask where each went."""

    def __init__(self, db: sqlite3.Connection, drawing: Drawing, days_offset: int) -> None:
        self._db = db
        self._draw = drawing
        self._offset = timedelta(days=days_offset) // _MILLISECOND
        self._noted: set[int] = set()
        self._moved: dict[int, str] = {}
        db.execute("CREATE TABLE moment (old INTEGER PRIMARY KEY, new INTEGER) WITHOUT ROWID")

    def note(self, milliseconds: int) -> None:
        """The file holds this moment."""
        self._noted.add(milliseconds)
        if len(self._noted) >= _IN_MEMORY:
            self._write()

    def settle(self) -> None:
        """All are noted: decide where each goes."""
        self._write()
        self._db.execute("BEGIN")
        self._db.create_function("moved", 3, self._between, deterministic=True)
        self._db.execute(
            "CREATE TABLE settled AS SELECT old, moved(old, before, after) AS new FROM (SELECT old,"
            " lag(old) OVER (ORDER BY old) AS before, lead(old) OVER (ORDER BY old) AS after FROM moment)"
        )
        self._db.execute("DELETE FROM moment")
        self._db.execute("INSERT INTO moment SELECT old, new FROM settled ORDER BY old")
        self._db.execute("DROP TABLE settled")
        self._db.execute("COMMIT")

    def moved(self, text: str) -> str | None:
        """Where the moment that `text` names went; None if it is none, or was never noted."""
        milliseconds = as_milliseconds(text)
        if milliseconds is None:
            return None
        known = self._moved.get(milliseconds)
        if known is None:
            found = self._db.execute("SELECT new FROM moment WHERE old = ?", (milliseconds,)).fetchone()
            if found is None:
                return None
            if len(self._moved) >= _IN_MEMORY:
                self._moved.clear()
            known = self._moved[milliseconds] = as_text(found[0] + self._offset)
        return known

    def _write(self) -> None:
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO moment (old) VALUES (?)", ((old,) for old in sorted(self._noted)))
        self._db.execute("COMMIT")
        self._noted.clear()

    def _between(self, old: int, before: int | None, after: int | None) -> int:
        """Above the midpoint to the one before, at most at the midpoint to the one after: no two can meet."""
        least = old if before is None else (before + old) // 2 + 1
        most = old if after is None else (old + after) // 2
        return least + int((most - least + 1) * self._draw.fraction("moment", str(old)))
