"""Reading rules, line by line, and saying exactly where one cannot be read.

Source: the grouping specification, 3.1 and 5.1.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache

from vedette.grouping.globs import LONGEST_PATTERN

LONGEST_TEXT = 100_000
MOST_RULES = 1_000
_SPACES = re.compile(r"\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


@lru_cache(maxsize=256)
def rules_id(text: str) -> str:
    """A short name for a text of rules; empty if it holds none."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if text.strip() else ""


class RuleSyntaxError(ValueError):
    """A rule cannot be read. `line` and `column` count from 1; the message names both."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.line, self.column, self.problem = line, column, problem


class Cursor:
    """A place in one line of a text."""

    __slots__ = ("line", "number", "position")

    def __init__(self, line: str, number: int) -> None:
        self.line, self.number, self.position = line, number, 0
        self.skip_spaces()

    def error(self, problem: str, at: int | None = None) -> RuleSyntaxError:
        """The complaint about this place, or about the position `at`."""
        return RuleSyntaxError(self.number, (self.position if at is None else at) + 1, problem)

    def skip_spaces(self) -> None:
        """Go to the next character that is no space."""
        match = _SPACES.match(self.line, self.position)
        self.position = match.end() if match else self.position

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position >= len(self.line)

    @property
    def rest(self) -> str:
        """The next word, for a message."""
        return (self.line[self.position :].split() or [""])[0][:40]

    def takes(self, text: str) -> bool:
        """Go behind `text` if it is next."""
        if not self.line.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go behind what `pattern` matches here, if it does."""
        found = pattern.match(self.line, self.position)
        if found:
            self.position = found.end()
        return found

    def quoted(self) -> str | None:
        """The text in the double quotes that are next; None where there are none. Raises `RuleSyntaxError`."""
        if not self.line.startswith('"', self.position):
            return None
        found = self.match(_QUOTED)
        if found is None:
            raise self.error("this quotation mark is never closed")
        return _ESCAPE.sub(lambda escape: _CONTROL.get(escape[1], escape[1]), found[1])

    def pattern(self, key: str, word: re.Pattern[str]) -> str:
        """The pattern behind `key:`, in quotes or a `word`. Raises `RuleSyntaxError`."""
        start = self.position
        pattern = self.quoted()
        if pattern is None:
            found = self.match(word)
            if found is None:
                raise self.error(f"expected a pattern behind '{key}:'")
            pattern = found[0]
        if len(pattern) > LONGEST_PATTERN:
            raise self.error(f"the pattern has {len(pattern):,} characters, the limit is {LONGEST_PATTERN}", start)
        return pattern


def rule_lines(text: str) -> Iterator[Cursor]:
    """The lines that hold a rule, not those that are blank or comments. Raises `RuleSyntaxError` if it is too much."""
    if len(text) > LONGEST_TEXT:
        raise RuleSyntaxError(1, 1, f"the rules have {len(text):,} characters, the limit is {LONGEST_TEXT:,}")
    count = 0
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        count += 1
        if count > MOST_RULES:
            raise RuleSyntaxError(number, 1, f"more than {MOST_RULES:,} rules")
        yield Cursor(line, number)
