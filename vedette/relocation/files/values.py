"""What a value of a file may be at most, and how one that is refused is told."""

from collections.abc import Iterable
from typing import Any

from vedette.core.errors import RuleBroken
from vedette.relocation.files.findings import FindingKind

MAX_DEPTH = 100  # levels of nesting in one row
LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**64 - 1

TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
TOO_LARGE_INTEGER = "it holds an integer beyond 64 bits"


class BadValue(RuleBroken):
    """A value is not of its encoding. The text tells what was expected, and no secret in full; `kind` is that of the
    finding to make of it."""

    code = "bad-value"

    def __init__(self, reason: str, kind: FindingKind = FindingKind.BAD_VALUE) -> None:
        self.kind = kind
        super().__init__(reason)


def judge_nested(value: dict[str, Any] | list[Any], level: int) -> None:
    """Raise ValueError for what no reader takes anywhere inside of `value`, which is on the `level`th level of its row:
    too many levels, an integer beyond 64 bits."""
    pending: list[tuple[dict[str, Any] | list[Any], int]] = [(value, level)]
    while pending:
        outer, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(TOO_DEEP)
        inners: Iterable[Any] = outer.values() if isinstance(outer, dict) else outer
        for inner in inners:
            kind = type(inner)
            if kind is dict or kind is list:
                pending.append((inner, depth + 1))
            elif kind is int and not LEAST_INTEGER <= inner <= MOST_INTEGER:
                raise ValueError(TOO_LARGE_INTEGER)


def describe(value: object) -> str:
    """What a value is, without what it says: `a string (12 characters)`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"a string ({len(value)} characters)" if value else "the empty string"
    names = {int: "an integer", float: "a decimal number", list: "an array", tuple: "an array", bytes: "bytes"}
    return names.get(type(value), "an object")
