"""Lines of events as an archive has them: every type and length is checked, and nothing else is believed."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import msgspec

from vedette.events.carrying import SESSIONS, Carried
from vedette.relocation.companion.pieces import read_lines
from vedette.relocation.companion.unpacking import Unpacked
from vedette.relocation.files.findings import FindingKind, refuse

_LONGEST_STATE = 2**20

_U64, _U32 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)], Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
_MICROS = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000_000)]  # until 2100
_UUID = Annotated[
    str, msgspec.Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", max_length=36)
]
_STATE = Annotated[str, msgspec.Meta(pattern="^([0-9A-F]{2})*$", max_length=_LONGEST_STATE)]
_TYPES: dict[str, Any] = {
    "UInt64": _U64,
    "UInt32": _U32,
    "UUID": _UUID,
    "String": str,
    "LowCardinality(String)": str,
    "DateTime64(6, 'UTC')": _MICROS,
    "DateTime('UTC')": _U32,
    "Nullable(Bool)": bool | None,
    "Bool": bool,
    "Float64": float,
    "Array(String)": list[str],
    "Array(LowCardinality(String))": list[str],
    "Map(LowCardinality(String), String)": dict[str, str],
    "Map(LowCardinality(String), Float64)": dict[str, float],
}
_EMPTY: dict[str, Any] = {"Nullable(Bool)": None, "Bool": True, "Float64": 0.0}


def event_rows(archive: Unpacked, table: Carried, after: int = 0) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """(ordinal, bytes, row) of the rows of a table behind the ordinal `after`; columns are in our order, whichever the
    archive has. Raises `BadFile`."""
    ordinal = 0
    for name, path in archive.pieces(f"events/{table.name}"):
        lines = read_lines(path, name)
        decode = _decoder(table, name, next(lines, b""))
        for line in lines:
            ordinal += 1
            if ordinal > after:
                yield ordinal, len(line), decode(line, ordinal)


def _decoder(table: Carried, name: str, head: bytes) -> Callable[[bytes, int], tuple[Any, ...]]:
    try:
        told = msgspec.json.decode(head, type=list[str])
    except msgspec.MsgspecError:
        told = []
    if len(set(told)) != len(told) or not {"project_id", "timestamp", *table.order} <= set(told):
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{name} does not begin with its columns")
    types = tuple(_type_of(table, column) if column in table.columns else Any for column in told)
    decoder = msgspec.json.Decoder(tuple[types])  # type: ignore[valid-type]
    places = [told.index(column) if column in told else None for column in table.columns]
    as_told = places == list(range(len(told)))
    empty = [_empty_of(kind) for kind in table.columns.values()]

    def decode(line: bytes, ordinal: int) -> tuple[Any, ...]:
        try:
            row: tuple[Any, ...] = decoder.decode(line)
        except msgspec.MsgspecError as error:
            where = {"model": f"events.{table.name}", "ordinal": ordinal}
            raise refuse(FindingKind.MALFORMED_ROW, f"{name}: {error}", **where) from error
        if as_told:
            return row
        return tuple(empty[at] if place is None else row[place] for at, place in enumerate(places))

    return decode


def _type_of(table: Carried, column: str) -> Any:
    kind = table.columns[column]
    return _STATE if table is SESSIONS and kind == "String" else _TYPES[kind]


def _empty_of(kind: str) -> Any:
    if kind in _EMPTY:
        return _EMPTY[kind]
    if kind.startswith("Array"):
        return []
    if kind.startswith("Map"):
        return {}
    return "" if "String" in kind else "00000000-0000-0000-0000-000000000000" if kind == "UUID" else 0
