"""Repairs a payload that breaks the schema: what is wrong goes, with an error; everything else stays.

The repairers are made from the declarations in `vedette.wire.event`, so that what comes out of here decodes into them.

Source: the ingest specification, 7.1 and 7.2.
"""

from collections.abc import Callable
from typing import Any

from msgspec import inspect

from vedette.digest import trim
from vedette.digest.notes import Notes, Path
from vedette.wire.event import Event, Frame

Repair = Callable[[Any, Path, Notes], Any]
_structs: dict[type, Repair] = {}


def repair_event(event: dict[str, Any], notes: Notes) -> Any:
    """A copy of `event` that decodes into `Event`; what had to go is in `notes`."""
    return _repair_of(inspect.type_info(Event))(event, (), notes)


def _repair_of(kind: inspect.Type, limit: int | None = None) -> Repair:
    if isinstance(kind, inspect.Metadata):
        extra = kind.extra or {}
        return _object if extra.get("shape") == "object" else _repair_of(kind.type, extra.get("limit"))
    if isinstance(kind, inspect.UnionType):
        return _union(tuple(_repair_of(option) for option in kind.types if not isinstance(option, inspect.NoneType)))
    if isinstance(kind, inspect.StructType):
        return _struct(kind)
    if isinstance(kind, inspect.ListType):
        return _list(_repair_of(kind.item_type), _empty_element(kind.item_type))
    if isinstance(kind, inspect.DictType):
        return _object
    if isinstance(kind, inspect.StrType):
        return _text(limit, kind.max_length)
    if isinstance(kind, inspect.IntType):
        return _integer(kind.ge, kind.le)
    if isinstance(kind, inspect.FloatType):
        return _number
    if isinstance(kind, inspect.BoolType):
        return _boolean
    return _anything


def _anything(value: Any, path: Path, notes: Notes) -> Any:
    return value


def _wrong(path: Path, notes: Notes, reason: str) -> None:
    notes.error("invalid_data", path, reason=reason)


def _object(value: Any, path: Path, notes: Notes) -> Any:
    return value if isinstance(value, dict) else _wrong(path, notes, "expected an object")


def _boolean(value: Any, path: Path, notes: Notes) -> Any:
    return value if isinstance(value, bool) else _wrong(path, notes, "expected a boolean")


def _number(value: Any, path: Path, notes: Notes) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < 2**63 else _wrong(path, notes, "expected a number")


def _integer(least: int | None, most: int | None) -> Repair:
    lowest, highest = -(2**63) if least is None else least, 2**63 - 1 if most is None else most

    def repair(value: Any, path: Path, notes: Notes) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        return _wrong(path, notes, "expected an unsigned integer" if least == 0 else "expected an integer")

    return repair


def _text(limit: int | None, longest: int | None) -> Repair:
    def repair(value: Any, path: Path, notes: Notes) -> Any:
        if not isinstance(value, str):
            return _wrong(path, notes, "expected a string")
        if limit is None or longest is None:
            return value
        return trim.text(value, limit, longest - limit, path, notes)

    return repair


def _union(options: tuple[Repair, ...]) -> Repair:
    """The first option that keeps the value; if none does, the first one's complaint."""
    if len(options) == 1:
        return options[0]

    def repair(value: Any, path: Path, notes: Notes) -> Any:
        for option in options:
            trial = Notes()
            kept = option(value, path, trial)
            if kept is not None:
                return option(value, path, notes)
        return options[0](value, path, notes)

    return repair


def _empty_element(kind: inspect.Type) -> Any:
    """What takes the place of null in a list: an empty line, an empty frame; None drops the element."""
    if isinstance(kind, inspect.StrType):
        return ""
    return {} if isinstance(kind, inspect.StructType) and kind.cls is Frame else None


def _list(repair_element: Repair, empty: Any) -> Repair:
    def repair(value: Any, path: Path, notes: Notes) -> Any:
        if not isinstance(value, list):
            return _wrong(path, notes, "expected an array")
        if repair_element is _anything:
            return value
        kept, places = [], []
        for index, element in enumerate(value):
            repaired = None if element is None else repair_element(element, (*path, str(index)), notes)
            if repaired is None:
                repaired = empty
            if repaired is not None:
                kept.append(repaired)
                places.append(index)
        if len(kept) < len(value):
            notes.renumber(path, places)
        return kept

    return repair


def _struct(kind: inspect.StructType) -> Repair:
    known = _structs.get(kind.cls)
    if known is not None:
        return known
    members: dict[str, tuple[Repair, bool]] = {}

    def repair(value: Any, path: Path, notes: Notes) -> Any:
        if not isinstance(value, dict):
            return _wrong(path, notes, "expected an object")
        kept: dict[str, Any] = {}
        for name, member in value.items():
            if name not in members:
                if kind.forbid_unknown_fields:
                    notes.error("invalid_attribute", (*path, name))
            elif member is not None:
                repaired = members[name][0](member, (*path, name), notes)
                if repaired is not None:
                    kept[name] = repaired
        for name, (_, required) in members.items():
            if required and name not in kept:
                return notes.error("missing_attribute", (*path, name))
        return kept

    _structs[kind.cls] = repair
    for member in kind.fields:
        members[member.encode_name] = (_repair_of(member.type), member.required)
    return repair
