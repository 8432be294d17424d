"""What becomes of a JSON value: its structure, numbers and public words stay, every other text is replaced.

Keys of objects are texts too: one that is no public word is somebody's. Ids that other rows are known by stay, in the
places where they are known to stand. Source: the relocation specification, 9 (#18).
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from vedette.relocation.sanitizing.drawing import Drawing
from vedette.relocation.sanitizing.interning import Interning
from vedette.relocation.sanitizing.moments import Moments
from vedette.relocation.sanitizing.vocabulary import is_public

# Under these keys a number that is written as text is the id of a row, and has to go on leading there.
ID_KEYS = frozenset("targetIdentifier target_identifier workspace account integration project team environment".split())
# Under these keys even a public word is the name of a thing, and becomes what the thing has become.
NAME_KEYS = frozenset(
    "environment environments identifier name organization owner project projects release slug tag team user".split()
)
_NUMBER = re.compile(r"-?\d{1,19}")
_CRON = re.compile(r"[\dA-Z*/,?#@a-z-]{1,20}( [\dA-Z*/,?#-]{1,20}){0,5}")
_ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+){0,2}")
_LANGUAGE = re.compile(r"[a-z]{2}([-_][a-z]{2,4})?", re.IGNORECASE)
ANY_ZONE = "UTC"

Texts = Callable[[str], str]


def is_kept_id(key: str | None, text: str) -> bool:
    """Whether the text stays because of where it stands: the id of a row, the code of a language, a schedule."""
    if key in ID_KEYS:
        return _NUMBER.fullmatch(text) is not None
    if key == "schedule":
        return _CRON.fullmatch(text) is not None and (is_public(text) or text.count(" ") == 4)
    return key == "language" and _LANGUAGE.fullmatch(text) is not None


class Structures:
    """Replaces inside of values."""

    def __init__(self, interning: Interning, moments: Moments, drawing: Drawing) -> None:
        self._interning = interning
        self._moments = moments
        self._draw = drawing

    def text(self, text: str) -> str:
        """A text of no structure; a moment stays in its place among the others."""
        return self._moments.moved(text) or self._interning.text(text)

    def public(self, value: Any, key: str | None = None) -> Any:
        """The value with every text replaced that is not public. `key` is what it stands under."""
        if isinstance(value, str):
            return self._leaf(value, key)
        if isinstance(value, list):
            return [self.public(part, key) for part in value]
        if isinstance(value, dict):
            return {self.key(name): self.public(part, name) for name, part in value.items()}
        return value

    def wholesale(self, value: Any) -> Any:
        """A value of which nothing is known: every text and every number is replaced, true, false and null stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.wholesale(part) for part in value]
        if isinstance(value, dict):
            return {self.key(name): self.wholesale(part) for name, part in value.items()}
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self._draw.integer(value)
        return round(self._draw.fraction("fraction", repr(value)) * max(abs(value), 1.0), 6) if value == value else 0.0

    def key(self, name: str) -> str:
        """The key of an object."""
        return name if is_public(name) else self.text(name)

    def _leaf(self, text: str, key: str | None) -> str:
        if is_kept_id(key, text):
            return text
        if key == "timezone" and _ZONE.fullmatch(text):
            return ANY_ZONE
        moved = self._moments.moved(text)
        if moved is not None:
            return moved
        if is_public(text):
            return (self._interning.known_thing(text) if key in NAME_KEYS else None) or text
        return self._interning.text(text)


def texts_of(value: Any, key: str | None = None) -> Iterator[str]:
    """Every text in a value that may have to be replaced: keys, and leaves that do not stay for where they stand."""
    if isinstance(value, str):
        if not is_kept_id(key, value):
            yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part, key)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from texts_of(part, name)
