"""Rows of an archive, read and checked, in batches: where and what is wrong is said of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from vedette.relocation.companion.declarations import Travels
from vedette.relocation.companion.pieces import read_lines
from vedette.relocation.companion.unpacking import Unpacked
from vedette.relocation.companion.values import MOST_KEY, Read, reader_of
from vedette.relocation.files.findings import BadFile, FindingKind, refuse

AT_ONCE = 2_000
Note = Callable[[str, str], None]  # of a field of a model that this Vedette does not know


@dataclass(slots=True)
class Incoming:
    """One row: its key in the archive, its place among the rows of its model from one on, and its columns' values;
    foreign keys are still those of the archive."""

    pk: int
    ordinal: int
    values: dict[str, Any]


def batches_of(archive: Unpacked, one: Travels, after: int = 0, note: Note | None = None) -> Iterator[list[Incoming]]:
    """The rows of a model that come after the ordinal `after`, in batches. Raises `BadFile`."""
    folder = archive.folder_of(one.label)
    ordinal = 0
    batch: list[Incoming] = []
    for name, path in archive.pieces(folder) if folder else ():
        lines = read_lines(path, name)
        parse = _parser(one, name, next(lines, b""), note)
        for line in lines:
            ordinal += 1
            if ordinal <= after:
                continue
            batch.append(parse(line, ordinal))
            if len(batch) >= AT_ONCE:
                yield batch
                batch = []
    if batch:
        yield batch


def _parser(one: Travels, name: str, head: bytes, note: Note | None) -> Callable[[bytes, int], Incoming]:
    columns = _columns(one, name, head)
    fields = {field.attname: field for field in one.fields()}
    readers: list[tuple[str, Read | None]] = []
    for column in columns[1:]:
        readers.append((column, reader_of(fields[column]) if column in fields else None))
        if column not in fields and note:
            note(one.label, column)
    missing = [field for column, field in fields.items() if column not in columns]

    def parse(line: bytes, ordinal: int) -> Incoming:
        try:
            row = orjson.loads(line)
        except ValueError as error:
            raise _wrong(one, ordinal, f"the line is no JSON: {error}", FindingKind.MALFORMED_ROW) from error
        if (
            not isinstance(row, list)
            or len(row) != len(columns)
            or type(row[0]) is not int
            or not 0 < row[0] <= MOST_KEY
        ):
            raise _wrong(one, ordinal, "the line is no row of its piece", FindingKind.MALFORMED_ROW)
        values = {field.attname: field.get_default() for field in missing}
        for (column, read), value in zip(readers, row[1:], strict=True):
            if read is not None:
                try:
                    values[column] = read(value)
                except (ValueError, OverflowError) as error:
                    reason = f"the value {error}"
                    raise _wrong(one, ordinal, reason, FindingKind.BAD_VALUE, row[0], column) from error
        return Incoming(row[0], ordinal, values)

    return parse


def _columns(one: Travels, name: str, head: bytes) -> Sequence[str]:
    try:
        columns = orjson.loads(head)
    except ValueError:
        columns = None
    if (
        not isinstance(columns, list)
        or not all(isinstance(column, str) and len(column) <= 63 for column in columns)
        or columns[:1] != ["pk"]
        or len(set(columns)) != len(columns)
    ):
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{name} does not begin with its columns", model=one.label)
    return columns


def _wrong(
    one: Travels, ordinal: int, reason: str, kind: FindingKind, pk: int | None = None, field: str | None = None
) -> BadFile:
    return refuse(kind, reason, model=one.label, ordinal=ordinal, left_pk=pk, field=field)
