"""Cutting what is too long, too deep or too much.

Source: the ingest specification, 7.2. Byte counts are those of compact JSON.
"""

from typing import Any

import msgspec
from msgspec import Raw

from vedette.digest.nesting import estimate
from vedette.digest.notes import Notes, Path
from vedette.wire.event import NOTHING

KIB = 1024
_dumps = msgspec.json.encode


def text(value: str, limit: int, allowance: int, path: Path, notes: Notes) -> str:
    """`value`, cut to `limit` characters (the last three are dots) if it is longer than `limit + allowance`."""
    if len(value) <= limit + allowance:
        return value
    notes.remark(path, "!limit", "s", limit - 3, limit, length=len(value))
    return value[: limit - 3] + "..."


def fits(raw: Raw, size: int, depth: int) -> bool:
    """Whether JSON text is within `size` bytes and (as far as a glance can tell) `depth` levels."""
    if len(raw) > size:
        return False
    as_json = bytes(raw)
    return as_json.count(b"{") + as_json.count(b"[") <= depth or estimate(as_json) <= depth


def fits_object(raw: Raw, size: int, depth: int) -> bool:
    """The same for a member that has to be an object; an absent one fits."""
    if len(raw) > size:
        return False
    as_json = bytes(raw)
    if as_json[:1] != b"{":
        return not as_json
    return as_json.count(b"{") + as_json.count(b"[") <= depth or estimate(as_json) <= depth


def tree(raw: Raw, size: int, depth: int, path: Path, notes: Notes) -> Raw:
    """Free-form JSON text of at most `size` bytes and `depth` levels; the same text if it is within both."""
    if fits(raw, size, depth):
        return raw
    as_json = bytes(raw)
    value, whole = msgspec.json.decode(as_json), Shrinking(size, path, notes)
    small = whole.shrink(value, depth, path)
    return Raw(_dumps(small)) if whole.changed else raw


def obj(raw: Raw, size: int, depth: int, path: Path, notes: Notes) -> Raw:
    """The same for a member that has to be an object; null counts as absent, other types are reported."""
    if raw is NOTHING:
        return raw
    as_json = bytes(raw)
    if as_json[:1] == b"{":
        return tree(raw, size, depth, path, notes)
    if as_json != b"null":
        notes.error("invalid_data", path, reason="expected an object")
    return NOTHING


def value(free: Any, size: int, depth: int, path: Path, notes: Notes) -> Any:
    """The same for a value that is already decoded."""
    return Shrinking(size, path, notes).shrink(free, depth, path)


class Shrinking:
    """One pass with a byte budget; objects are visited in the order of their keys, lists in theirs."""

    __slots__ = ("changed", "left", "notes")

    def __init__(self, size: int, path: Path, notes: Notes) -> None:
        self.left = size
        self.notes = notes
        self.changed = False

    def shrink(self, value: Any, depth: int, path: Path) -> Any:
        """`value` with at most `depth` levels of containers, within what is left of the budget."""
        if isinstance(value, str):
            return self._string(value, path)
        if isinstance(value, (dict, list)):
            if depth <= 0:
                self.changed = True
                self.notes.remark(path, "!limit", "s", 0, 0)
                return self._string(_dumps(value).decode(), path)
            self.left -= 2
            return self._object(value, depth, path) if isinstance(value, dict) else self._list(value, depth, path)
        self.left -= len(_dumps(value))
        return value

    def _string(self, value: str, path: Path) -> str:
        self.left -= 2
        if len(value) * 6 <= self.left:
            self.left -= len(value)
            return value
        size = len(_dumps(value)) - 2
        if size <= self.left:
            self.left -= size
            return value
        kept = _prefix(value, max(self.left - 3, 0))
        self.changed = True
        self.left = 0
        self.notes.remark(path, "!limit", "s", len(kept), len(kept) + 3, length=len(value))
        return kept + "..."

    def _object(self, members: dict[str, Any], depth: int, path: Path) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key in sorted(members):
            if self.left <= 0:
                break
            self.left -= len(key) + 4
            kept[key] = self.shrink(members[key], depth - 1, (*path, key))
        self._count(len(members), len(kept), path)
        return kept

    def _list(self, elements: list[Any], depth: int, path: Path) -> list[Any]:
        kept: list[Any] = []
        for index, element in enumerate(elements):
            if self.left <= 0:
                break
            self.left -= 1
            kept.append(self.shrink(element, depth - 1, (*path, str(index))))
        self._count(len(elements), len(kept), path)
        return kept

    def _count(self, before: int, after: int, path: Path) -> None:
        if after < before:
            self.changed = True
            self.notes.remark(path, length=before)


def _prefix(value: str, size: int) -> str:
    kept = value[:size]
    while kept and len(_dumps(kept)) - 2 > size:
        kept = kept[: len(kept) * size // (len(_dumps(kept)) - 2)]
    return kept
