"""Ids that hide in JSON, in texts and in plain integers, which no foreign key declares.

`shapes` finds them; imports remap them and comparisons look through them. Source: the relocation specification, 5.6.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vedette.core import json

Path = tuple[str | int, ...]


class Missing(StrEnum):
    """What becomes of a reference that leads nowhere."""

    EMPTY = "empty"  # null; "" where a text was
    REMOVE = "remove"  # out of its list
    KEEP = "keep"  # nobody knows what it means
    DROP_ROW = "drop"


@dataclass(frozen=True, slots=True)
class Reference:
    """An id at `path` (the field, then what leads into its JSON) that is the pk of a row of `target`.

    `target` is "" where nobody knows it. `is_text` says that the digits stand in a string; with `span` they are only
    this part of it, as in a search.
    """

    path: Path
    target: str
    pk: int
    is_text: bool = False
    missing: Missing = Missing.EMPTY
    span: tuple[int, int] | None = None


Fields = Mapping[str, Any]


def with_references(fields: Fields, found: Iterable[tuple[Reference, int | str | None]]) -> dict[str, Any]:
    """A copy of `fields` in which each reference has this pk (or another name of its row), or what `missing` says where
    that is None."""
    changed = dict(fields)
    texts: set[str] = set()
    pairs = sorted(found, key=lambda pair: ([str(part) for part in pair[0].path], pair[0].span or (0, 0)), reverse=True)
    for name in {str(reference.path[0]) for reference, _ in pairs if len(reference.path) > 1}:
        value = changed[name]
        if isinstance(value, str):
            texts.add(name)
        changed[name] = json.loads(value if isinstance(value, str) else json.dumps(value))
    removals: list[tuple[list[Any], int]] = []
    for reference, new in pairs:
        _put(changed, reference, new, removals)
    for listed, place in sorted(removals, key=lambda pair: -pair[1]):
        del listed[place]
    for name in texts:
        changed[name] = json.dump_text(changed[name])
    return changed


def _put(document: Any, reference: Reference, new: int | str | None, removals: list[tuple[list[Any], int]]) -> None:
    *way, last = reference.path
    for part in way:
        document = document[part]
    if reference.span is not None:  # the later ones of a text come first: their places stay true
        if new is not None:
            begin, end = reference.span
            document[last] = f"{document[last][:begin]}{new}{document[last][end:]}"
    elif new is not None:
        document[last] = str(new) if reference.is_text else new
    elif reference.missing is Missing.REMOVE:
        removals.append((document, int(last)))
    elif reference.missing is Missing.EMPTY:
        document[last] = "" if reference.is_text else None


def number_of(value: Any) -> int | None:
    """The pk that a number, or a text of digits, may be."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 < value < 2**63 else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def at(path: Path, target: str, value: Any, missing: Missing = Missing.EMPTY) -> Iterator[Reference]:
    """The reference that `value` is, if it is one."""
    number = number_of(value)
    if number is not None:
        yield Reference(path, target, number, isinstance(value, str), missing)
