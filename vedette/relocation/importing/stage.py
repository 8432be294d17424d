"""The scratch database of an import: every row of the file by model and pk, and the primary key map.

Two SQLite files in a directory that only its owner reads. `rows` is written while the file is read and never again;
`map` is made anew by each run, from the chunks of the runs before it. Neither is ever in memory as a whole, and keys
are remapped by joining the two. Source: the relocation specification, 4.1, 4.5 and 9 (#1, #14).
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import IntEnum
from pathlib import Path
from typing import Any

from vedette.core import json
from vedette.core.errors import TryAgain
from vedette.relocation.importing.rules.base import Kind

ROWS_FILE, MAP_FILE = "rows.sqlite3", "map.sqlite3"
_CACHE_KIB = 16 * 1024  # for each of the two files
_AT_ONCE = 2000

KINDS = (Kind.INSERTED, Kind.EXISTING, Kind.OVERWRITE)
SKIPPED = len(KINDS)  # in the map's `kind`: left out because that was asked for, and so is what hangs on it


class State(IntEnum):
    """What is known of a row before anything is written."""

    WANTED = 0
    OUT = 1  # another scope, or filtered out: what hangs on it is, too
    LOST = 2  # one of its keys leads nowhere


class StageBroken(TryAgain):
    """The scratch database cannot be written: the disk is full, or somebody else's."""

    code = "stage-broken"
    hint = "The directory for scratch files needs about twice the size of the file, unencrypted."


class Stage:
    """The scratch database in `directory`. Positions number models; whoever opens it knows which."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._told():
            self._db = self._open()
        self._inserts: dict[int, str] = {}
        self._wanted: dict[int, int] = {}

    def _open(self) -> sqlite3.Connection:
        for name in (ROWS_FILE, MAP_FILE):
            os.close(os.open(self.directory / name, os.O_CREAT | os.O_RDWR, 0o600))
        (self.directory / MAP_FILE).write_bytes(b"")
        db = sqlite3.connect(self.directory / ROWS_FILE, isolation_level=None, check_same_thread=False)
        db.execute("ATTACH DATABASE ? AS map", [str(self.directory / MAP_FILE)])
        for schema in ("main", "map"):
            # Whatever interrupts the work, `rows` is only believed once it says that it is complete, and `map` never.
            db.execute(f"PRAGMA {schema}.journal_mode = OFF")
            db.execute(f"PRAGMA {schema}.synchronous = OFF")
            db.execute(f"PRAGMA {schema}.cache_size = -{_CACHE_KIB}")
        db.execute("PRAGMA temp_store = FILE")
        db.execute("CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        db.execute("CREATE TABLE IF NOT EXISTS finding (number INTEGER PRIMARY KEY, shape TEXT)")
        db.execute("CREATE TABLE IF NOT EXISTS named (place TEXT, owner INTEGER, name TEXT)")
        return db

    # ------------------------------------------------------------ facts

    def fact(self, name: str) -> Any:
        """What was noted under `name`; None if nothing was."""
        found = self.one("SELECT value FROM fact WHERE name = ?", [name])
        return json.loads(found) if found is not None else None

    def note(self, name: str, value: Any) -> None:
        """Note a JSON value."""
        self.run("INSERT OR REPLACE INTO fact VALUES (?, ?)", [name, json.dump_text(value)])

    def seal(self) -> None:
        """Put `rows` on the disk for good."""
        with (self.directory / ROWS_FILE).open("rb") as file:
            os.fsync(file.fileno())

    # ------------------------------------------------------------ rows

    def prepare(self, position: int, keys: int) -> None:
        """Make the tables of a model with so many foreign keys, unless they are there."""
        columns = "".join(f", k{place} INTEGER" for place in range(keys))
        self.run(
            f"CREATE TABLE IF NOT EXISTS rows_{position} (pk INTEGER PRIMARY KEY, number INTEGER, line INTEGER, "
            f"state INTEGER, why INTEGER, fields BLOB{columns})"
        )
        for state in (State.OUT, State.LOST):  # SQLite takes a partial index only for the very words of its condition
            name = f"rows_{position}_{state.name}"
            self.run(f"CREATE INDEX IF NOT EXISTS {name} ON rows_{position} (pk) WHERE state = {state:d}")
        self.prepare_map(position)
        marks = ", ".join("?" * (6 + keys))
        self._inserts[position] = f"INSERT OR IGNORE INTO rows_{position} VALUES ({marks})"  # noqa: S608

    def prepare_map(self, position: int) -> None:
        """Make the map of a model, unless it is there. `organization`, `project` and `user` are our pks of those that
        the row goes with."""
        self.run(
            f"CREATE TABLE IF NOT EXISTS map.map_{position} (old INTEGER PRIMARY KEY, new INTEGER, kind INTEGER, "
            "slug TEXT, organization INTEGER, project INTEGER, user INTEGER)"
        )

    def has_rows(self, position: int) -> bool:
        """Whether the file holds the model at all."""
        return self.one("SELECT 1 FROM main.sqlite_master WHERE name = ?", [f"rows_{position}"]) is not None

    def put(self, position: int, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Add (pk, number, line, state, why, fields, *keys) each; False if a pk among them was there already."""
        with self._told():
            return self._db.executemany(self._inserts[position], rows).rowcount == len(rows)

    def first_of(self, position: int, pk: int) -> tuple[int, int]:
        """(number, line) of the row with that pk."""
        found = self.all(f"SELECT number, line FROM rows_{position} WHERE pk = ?", [pk])  # noqa: S608
        return found[0][0], found[0][1]

    def settled(self, position: int) -> tuple[int, int]:
        """How many rows of a model are out, and how many are lost."""
        return self._count(position, State.OUT), self._count(position, State.LOST)

    def wanted(self, position: int) -> int:
        """How many rows of a model are to be written."""
        if position not in self._wanted:  # it takes a look at every row
            self._wanted[position] = self._count(position, State.WANTED)
        return self._wanted[position]

    def leaves_out(self, position: int) -> bool:
        """Whether any row of a model is out."""
        return self.one(f"SELECT 1 FROM rows_{position} WHERE state = {State.OUT:d} LIMIT 1") is not None  # noqa: S608

    def _count(self, position: int, state: State) -> int:
        return int(self.one(f"SELECT COUNT(*) FROM rows_{position} WHERE state = {state:d}"))  # noqa: S608

    def keep_findings(self, shapes: Iterable[dict[str, Any]]) -> None:
        """Keep the findings of reading, for a run that does not read again."""
        self.many("INSERT INTO finding (shape) VALUES (?)", ([json.dump_text(shape)] for shape in shapes))

    def findings(self) -> Iterator[dict[str, Any]]:
        """Those that were kept, in their order."""
        after = 0
        while found := self.all(
            "SELECT number, shape FROM finding WHERE number > ? ORDER BY number LIMIT 500", [after]
        ):
            yield from (json.loads(shape) for _, shape in found)
            after = found[-1][0]

    # ------------------------------------------------------------ the map

    def remember(self, position: int, entries: Iterable[tuple[Any, ...]]) -> None:
        """Map (old, new, kind, slug, organization, project, user) each."""
        statement = f"INSERT OR REPLACE INTO map.map_{position} VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        with self._told():
            self._db.execute("BEGIN")
            self._db.executemany(statement, entries)
            self._db.execute("COMMIT")

    def mapped(self, position: int, olds: Iterable[int]) -> dict[int, int]:
        """Our pks of those rows of a model that have one."""
        found: dict[int, int] = {}
        wanted = sorted(set(olds))
        for start in range(0, len(wanted), _AT_ONCE):
            some = json.dump_text(wanted[start : start + _AT_ONCE])
            found.update(
                self.all(
                    f"SELECT old, new FROM map.map_{position} "  # noqa: S608
                    "WHERE old IN (SELECT value FROM json_each(?)) AND new IS NOT NULL",
                    [some],
                )
            )
        return found

    # ------------------------------------------------------------ plain statements

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; how many rows it changed."""
        with self._told():
            return self._db.execute(statement, parameters).rowcount

    def all(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._told():
            return self._db.execute(statement, parameters).fetchall()

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        with self._told():
            found = self._db.execute(statement, parameters).fetchone()
        return found[0] if found else None

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters, all of them at once."""
        with nullcontext() if self._db.in_transaction else self.at_once(), self._told():
            self._db.executemany(statement, rows)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Many statements in one transaction, for speed: without a journal nothing is undone."""
        with self._told():
            self._db.execute("BEGIN")
        try:
            yield
        finally:
            with self._told():
                self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the files. They stay."""
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StageBroken(f"the scratch database in {self.directory} cannot be used: {error}") from error
