"""Which old key became which new one, for all models of an archive: on the disk, because there may be millions."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_AT_ONCE = 500  # keys that one statement asks for


class KeyMap:
    """A scratch SQLite file of old and new keys by model. As a context manager it removes its file at the end.

    Nothing in it has to outlive the process: what was imported is known from the chunks of the import.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._models: dict[str, int] = {}
        self._base = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "PRAGMA locking_mode = EXCLUSIVE",
            "PRAGMA cache_size = -16000",
            "CREATE TABLE keys (model INTEGER, old INTEGER, new INTEGER, PRIMARY KEY (model, old)) WITHOUT ROWID",
            "CREATE TABLE names (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
        ):
            self._base.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._base.close()
        self._path.unlink(missing_ok=True)

    def add(self, model: str, pairs: Iterable[tuple[int, int]]) -> None:
        """Old keys of a model (`issues.group`) and what they became; the last word counts."""
        number = self._models.setdefault(model, len(self._models))
        self._base.execute("BEGIN")
        self._base.executemany(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", ((number, old, new) for old, new in pairs)
        )
        self._base.execute("COMMIT")

    def find(self, model: str, keys: Iterable[int]) -> dict[int, int]:
        """Those of the old keys that are known, with the new ones."""
        number = self._models.get(model)
        if number is None:
            return {}
        wanted, found = sorted(set(keys)), dict[int, int]()
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update(
                self._base.execute(f"SELECT old, new FROM keys WHERE model = ? AND old IN ({marks})", [number, *some])  # noqa: S608
            )
        return found

    def all_of(self, model: str) -> Iterator[tuple[int, int]]:
        """All keys of a model."""
        yield from self._base.execute("SELECT old, new FROM keys WHERE model = ?", [self._models.get(model, -1)])

    def note(self, names: Iterable[tuple[str, str]]) -> None:
        """Remember texts by names; the first word counts."""
        self._base.execute("BEGIN")
        self._base.executemany("INSERT OR IGNORE INTO names VALUES (?, ?)", names)
        self._base.execute("COMMIT")

    def noted(self) -> Iterator[tuple[str, str]]:
        """All names with their texts, in the order of the names."""
        yield from self._base.execute("SELECT name, value FROM names ORDER BY name")

    def noted_as(self, name: str) -> str | None:
        """The text of a name."""
        row = self._base.execute("SELECT value FROM names WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row[0])
