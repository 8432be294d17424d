"""The words of a search: conditions on keys, and free text. Pure; which keys there are, the searching room says.

Source: the search specification, sections 2 to 6: `key:value`, `!`, quotes, lists, and text without a key.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vedette.core.errors import RuleBroken

_KEY = r"(?:[\w.\-]+|\"(?:\\.|[^\"\\])+\"|tags\[[^\]\s]+\])"
_FILTER = re.compile(rf"(?P<not>!?)(?P<key>{_KEY}):(?P<rest>.*)", re.DOTALL)
_QUOTED_TEXT = r"\"(?:\\.|[^\"\\])*\""
_QUOTED = re.compile(rf"{_QUOTED_TEXT}(?=\s|$)")
_WORD = re.compile(rf"{_QUOTED_TEXT}(?=\s|$)|\S+")
_ITEM = re.compile(rf"{_QUOTED_TEXT}|[^\s,\"]+")
_LIST = re.compile(rf"\[((?:{_QUOTED_TEXT}|[^\]()\"])*)\](?=\s|$)")
_HOLE = re.compile(r",\s*,")  # `[a,,b]` is no list but a text
_SPACE = re.compile(r"\s*")
NO_BOOLEANS = 'Boolean statements containing "OR" or "AND" are not supported in this search'


@dataclass(frozen=True, slots=True)
class Word:
    """A condition on a key, or a word of free text, whose `key` is empty. `written` is how it stood in the search.

    Several values mean any of them. `*` in a value is kept as it stands.
    """

    key: str
    values: tuple[str, ...]
    negated: bool
    written: str

    @property
    def is_boolean(self) -> bool:
        """Whether it is an operator between conditions, which searches of lists do not know."""
        return not self.key and self.written.upper() in ("AND", "OR")


def words(text: str, aliases: Mapping[str, str] | None = None, *, prefix: str = "") -> Iterator[Word]:
    """The words of `text`; `aliases` are other names of keys. Raises `RuleBroken`, each sentence after `prefix`."""
    position = 0
    while (start := _SPACE.match(text, position)) and (position := start.end()) < len(text):
        if match := _FILTER.match(text, position):
            word, position = _filter(text, match, aliases or {}, prefix)
            yield word
        elif found := _WORD.match(text, position):
            yield Word("", (_unquote(found[0], position, prefix),), False, found[0])
            position = found.end()


def _filter(text: str, match: re.Match[str], aliases: Mapping[str, str], prefix: str) -> tuple[Word, int]:
    key = _unquote(match["key"], 0, prefix)
    key = key if match["key"].startswith('"') else aliases.get(key, key)
    values, end = _values(text, match.start("rest"), key, prefix)
    return Word(key, values, bool(match["not"]), text[match.start() : end]), end


def _values(text: str, start: int, key: str, prefix: str) -> tuple[tuple[str, ...], int]:
    """The values that begin at `start`, and where they end."""
    if (listed := _LIST.match(text, start)) and not _HOLE.search(re.sub(_QUOTED_TEXT, "x", listed[1])):
        values = tuple(_unquote(item, start, prefix) for item in _ITEM.findall(listed[1]))
        if not all(values) or len(values) <= _commas(listed[1]):
            raise RuleBroken(f"{prefix}Lists should not have empty values, column {start + 1}")
        return values, listed.end()
    if quoted := _QUOTED.match(text, start):
        return (_unquote(quoted[0], start, prefix),), quoted.end()
    end = start + len(text[start:].split(maxsplit=1)[0]) if text[start : start + 1].strip() else start
    plain = text[start:end]
    if not plain:
        raise RuleBroken(f"{prefix}Empty string after '{key}:', column {start + 1}")
    if '"' in plain:
        raise RuleBroken(f"{prefix}Invalid quote at {plain[:12]!r}, column {start + 1}")
    return (plain,), end


def _commas(text: str) -> int:
    return re.sub(_QUOTED_TEXT, "", text).count(",")


def _unquote(text: str, position: int, prefix: str) -> str:
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise RuleBroken(f"{prefix}Invalid quote at {text[:12]!r}, column {position + 1}")
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])
