"""Both files in one scratch database, so that a comparison of any size needs little memory.

Each side is a table of rows in the order of its file. `ordinal` says which rows belong together: it is the position
among the rows of a model, and is filled in here for models that go by their pk, where the file has them in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

import orjson

from vedette.relocation.files.reader import MOST_PK, read_rows
from vedette.relocation.graph import Graph
from vedette.relocation.progress import Progress
from vedette.relocation.scratch import open_scratch

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

_BATCH = 2000
_CACHE_KIB = 48 * 1024
_CACHED_ORDINALS = 200_000

_TABLES = """
CREATE TABLE left_row (id INTEGER PRIMARY KEY, model INTEGER, pk INTEGER, line INTEGER, ordinal INTEGER, fields BLOB);
CREATE TABLE right_row (id INTEGER PRIMARY KEY, model INTEGER, pk INTEGER, line INTEGER, ordinal INTEGER, fields BLOB);
CREATE TABLE disorder (side TEXT, model INTEGER, pk INTEGER, line INTEGER, before INTEGER);
"""
_INDEXES = """
CREATE INDEX left_pk ON left_row (model, pk, ordinal);
CREATE INDEX right_pk ON right_row (model, pk, ordinal);
CREATE INDEX left_ordinal ON left_row (model, ordinal);
CREATE INDEX right_ordinal ON right_row (model, ordinal);
"""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that at least one side has. `known` says whether the graph has it under this name."""

    number: int
    name: str
    known: bool


class Scratch:
    """The database. Its file is removed when the `with` block ends."""

    def __init__(self, path: Path, graph: Graph) -> None:
        self._path = path
        self._graph = graph
        self._numbers: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._cached: dict[tuple[Side, int, int], int | None] = {}
        self.counts: dict[tuple[Side, int], int] = {}
        self.db = open_scratch(path, _CACHE_KIB)
        self.db.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.db.close()
        self._path.unlink(missing_ok=True)

    def read(self, side: Side, stream: BinaryIO, progress: Progress) -> None:
        """Take one file in. Raises `BadFile` for what is no export."""
        self.db.execute("BEGIN")
        last: dict[int, int] = {}
        batch: list[tuple[int, int, int, int, bytes]] = []
        disorder: list[tuple[str, int, int, int, int]] = []
        counts: dict[int, int] = {}
        row = None
        for row in read_rows(stream):
            number = self._numbers.get(row.model) or self._number(row.model)
            counts[number] = ordinal = counts.get(number, 0) + 1
            before = last.get(number)
            if before is not None and row.pk <= before:
                disorder.append((side, number, row.pk, row.line, before))
            last[number] = row.pk
            batch.append((number, row.pk, row.line, ordinal, orjson.dumps(row.fields)))
            if len(batch) >= _BATCH:
                self._write(side, batch, disorder)
                progress.advance(row.model, _BATCH)
        rest = len(batch)
        self._write(side, batch, disorder)
        self.db.execute("COMMIT")
        if row is not None and rest:
            progress.advance(row.model, rest)
        self.counts |= {(side, number): found for number, found in counts.items()}

    def finish_reading(self) -> None:
        """Both sides are in: make them searchable."""
        self.db.executescript(_INDEXES)

    def models(self) -> list[Model]:
        """The models of both sides: known ones in canonical order, then the others by name."""
        present = {name: number for name, number in self._numbers.items() if self._names[name] == name}
        known = [Model(present[name], name, True) for name in self._graph.order if name in present]
        others = [Model(present[name], name, False) for name in sorted(present) if name not in self._graph]
        return known + others

    def number_of(self, model: str) -> int | None:
        """The number of a model by its canonical name; None if neither side has it."""
        return self._numbers.get(model)

    def count(self, side: Side, model: Model) -> int:
        """How many rows of the model a side has."""
        return self.counts.get((side, model.number), 0)

    def ordinal(self, side: Side, model: str, pk: int) -> int | None:
        """Which row of `model` has this pk, None if none has. To be asked once the model's rows are paired."""
        number = self._numbers.get(model)
        if number is None or not 0 <= pk <= MOST_PK:
            return None
        asked = (side, number, pk)
        if asked in self._cached:
            return self._cached[asked]
        if len(self._cached) >= _CACHED_ORDINALS:
            self._cached.clear()
        found = self.db.execute(
            f"SELECT ordinal FROM {side}_row WHERE model = ? AND pk = ? LIMIT 1",  # noqa: S608
            (number, pk),
        ).fetchone()
        self._cached[asked] = answer = None if found is None else int(found[0])
        return answer

    def settle(self) -> None:
        """All rows are paired: ordinals that were asked for before are asked for again."""
        self._cached.clear()

    def rows(self, side: Side, model: Model) -> Iterator[tuple[int, int, bytes]]:
        """(id, pk, fields) of a side's rows of a model: in the order of the file, until the model is paired."""
        return self.db.execute(
            f"SELECT id, pk, fields FROM {side}_row WHERE model = ? ORDER BY ordinal",  # noqa: S608
            (model.number,),
        )

    def unpaired(self, side: Side, model: Model) -> Iterator[tuple[int, int, bytes]]:
        """The same of those rows that no row of the other side belongs to, while rows of the right are being paired."""
        alone = "own.ordinal IS NULL"
        if side == "left":
            alone = "NOT EXISTS (SELECT 1 FROM right_row WHERE model = own.model AND ordinal = own.ordinal)"
        return self.db.execute(
            f"SELECT id, pk, fields FROM {side}_row AS own WHERE model = ? AND {alone} ORDER BY id",  # noqa: S608
            (model.number,),
        )

    def pairs(self, model: Model) -> Iterator[tuple[int, int, int, bytes, int, bytes]]:
        """(ordinal, left pk, left line, left fields, right pk, right fields) of the rows that belong together."""
        return self.db.execute(
            "SELECT l.ordinal, l.pk, l.line, l.fields, r.pk, r.fields FROM left_row l JOIN right_row r"
            " ON r.model = l.model AND r.ordinal = l.ordinal WHERE l.model = ? ORDER BY l.ordinal",
            (model.number,),
        )

    def disorder(self, side: Side, model: Model) -> Iterator[tuple[int, int, int]]:
        """(pk, line, pk of the row before) where a model's pks do not ascend in the file."""
        return self.db.execute(
            "SELECT pk, line, before FROM disorder WHERE side = ? AND model = ? ORDER BY rowid", (side, model.number)
        )

    def _number(self, name: str) -> int:
        """Models that moved to another app label share the number of their canonical name."""
        declared = self._graph.find(name)
        canonical = declared.wire.model if declared else name
        if canonical not in self._numbers:
            self._numbers[canonical] = len(set(self._numbers.values())) + 1
            self._names[canonical] = canonical
        self._numbers[name] = self._numbers[canonical]
        self._names[name] = canonical
        return self._numbers[name]

    def _write(
        self, side: Side, batch: list[tuple[int, int, int, int, bytes]], disorder: list[tuple[str, int, int, int, int]]
    ) -> None:
        self.db.executemany(
            f"INSERT INTO {side}_row (model, pk, line, ordinal, fields) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            batch,
        )
        self.db.executemany("INSERT INTO disorder VALUES (?, ?, ?, ?, ?)", disorder)
        batch.clear()
        disorder.clear()
