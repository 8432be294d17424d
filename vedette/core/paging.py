"""Cursors of lists: `value:offset:is_prev` (API specification, section 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vedette.core.errors import RuleBroken

_CURSOR = re.compile(r"(-?[0-9]{1,19})(?:\.[0-9]{1,19})?:(-?[0-9]{1,19}):([01])")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: rows beyond `value` (by the sort key), after skipping `offset` that equal it.

    `backwards` asks for the rows before it.
    """

    value: int = 0
    offset: int = 0
    backwards: bool = False

    def __str__(self) -> str:
        return f"{self.value}:{self.offset}:{int(self.backwards)}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """The cursor that `text` spells; None for the empty text, which is the first page. Raises `RuleBroken`."""
        if not text:
            return None
        match = _CURSOR.fullmatch(text)  # some clients write the value with a fraction
        if match is None:
            raise RuleBroken("Invalid cursor parameter.")
        value, offset, backwards = (int(part) for part in match.groups())
        if abs(value) >= 2**63 or not -1 <= offset < 2**31:
            raise RuleBroken("Invalid cursor parameter.")
        return cls(value, offset, bool(backwards))
