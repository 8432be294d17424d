"""What the input says that the output must not: every word and text of it that is not public.

While the input is read, a digest of each is noted. Before a row of the output is written, all of its texts are looked
up: one that the input had is a leak, whatever was declared about its field. The digests of a large file are on the
disk, behind a filter in memory that answers nearly all questions.
"""

import re
import sqlite3
from collections.abc import Iterator
from hashlib import blake2b

from vedette.relocation.sanitizing.vocabulary import is_public

SHORTEST = 5  # characters of a word, or of a whole text, that is somebody's
SHORTEST_NUMBER = 7

_WORD = re.compile(r"[^\W_]{5,}")
_IN_MEMORY = 100_000
_FILTER_BITS = 2**27  # 16 MiB: of a million texts one lookup in seventy thousand goes to the disk for nothing


class Leaks:
    """The texts of one input."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._filter = bytearray(_FILTER_BITS // 8)
        self._noted: set[int] = set()
        db.execute("CREATE TABLE told (digest INTEGER PRIMARY KEY)")

    def note(self, text: str) -> None:
        """The input holds this text."""
        for token in _tokens(text):
            digest = _digest(token)
            first, second = digest % _FILTER_BITS, (digest >> 32) % _FILTER_BITS
            self._filter[first >> 3] |= 1 << (first & 7)
            self._filter[second >> 3] |= 1 << (second & 7)
            self._noted.add(digest)
        if len(self._noted) >= _IN_MEMORY:
            self.settle()

    def settle(self) -> None:
        """Hand what was noted to the disk; questions may be asked afterwards."""
        self._db.execute("BEGIN")
        rows = ((digest - 2**63,) for digest in sorted(self._noted))
        self._db.executemany("INSERT OR IGNORE INTO told VALUES (?)", rows)
        self._db.execute("COMMIT")
        self._noted.clear()

    def is_free(self, text: str) -> bool:
        """Whether the input says nothing of what `text` says."""
        return not any(self._was_told(token) for token in _tokens(text))

    def _was_told(self, token: str) -> bool:
        digest = _digest(token)
        first, second = digest % _FILTER_BITS, (digest >> 32) % _FILTER_BITS
        if not (self._filter[first >> 3] & 1 << (first & 7) and self._filter[second >> 3] & 1 << (second & 7)):
            return False
        found = self._db.execute("SELECT 1 FROM told WHERE digest = ?", (digest - 2**63,)).fetchone()
        return found is not None


def _tokens(text: str) -> Iterator[str]:
    """The whole text and each of its words, as far as they are long enough and nobody's vocabulary."""
    whole = text.strip()
    if _is_told(whole):
        yield whole.casefold()
    for found in _WORD.finditer(whole):
        if len(found[0]) < len(whole) and _is_told(found[0]):
            yield found[0].casefold()


def _is_told(text: str) -> bool:
    if text.isdigit():
        return len(text) >= SHORTEST_NUMBER
    return len(text) >= SHORTEST and not is_public(text) and any(map(str.isalnum, text))


def _digest(token: str) -> int:
    return int.from_bytes(blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest())
