"""The same old text becomes the same new one wherever it stands in a file, and two never become one.

Pairs are kept in memory up to a bound and beyond it in the scratch database. What a text becomes depends on the key,
on itself, and, where two would collide, on which came first: so the same file and the same key give the same result.

There are three books. `text` is for everything but names and slugs; `name` for the names of things and people; `slug`
for slugs, which are made from the new name that stands beside them. A text that is in no book yet is looked for in the
others, so that a name or a slug that is met again in an option or a query is recognised. Source: the relocation
specification, 8.1; uniqueness is Vedette's own.
"""

import re
import sqlite3
import uuid
from collections.abc import Callable
from hashlib import blake2b
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from vedette.relocation.sanitizing.drawing import Drawing

Book = Literal["text", "name", "slug"]

_IN_MEMORY = 60_000  # pairs
_LONGEST = 256  # characters: longer texts are drawn afresh each time, which gives the same again
_MOST_ATTEMPTS = 400
_LONGEST_SLUG = 50

_EMAIL = re.compile(r"[^@\s\"'<>(),:;\[\]\\/]+@[^@\s\"'<>(),:;\[\]\\/]+")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]", re.IGNORECASE)
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SCHEMES = frozenset("http https ftp ftps ssh git ws wss smtp smtps redis rediss postgres postgresql".split())
_RUN = re.compile(r"[^\W_]{1,64}")  # a longer word is replaced in pieces
_NOT_SLUG = re.compile(r"[^a-z0-9]+")

_TABLE = """
CREATE TABLE interned (book TEXT, old BLOB, new TEXT, PRIMARY KEY (book, old)) WITHOUT ROWID;
CREATE TABLE taken (new TEXT PRIMARY KEY, old BLOB) WITHOUT ROWID;
"""


class Interning:
    """All pairs of one file. `is_free` refuses replacements that hold something of the input."""

    def __init__(self, db: sqlite3.Connection, drawing: Drawing, is_free: Callable[[str], bool]) -> None:
        self._db = db
        self._draw = drawing
        self._is_free = is_free
        self._pairs: dict[tuple[Book, str], str] = {}
        self._taken: dict[str, bytes] = {}
        self._has_spilled = False
        db.executescript(_TABLE)

    def text(self, old: str) -> str:
        """Any text, by what it looks like: an address, a URL, a UUID, or just characters."""
        if not old:
            return old
        known = self.known(old)
        return known if known is not None else self._keep("text", old, self._shaped(old))

    def known(self, old: str) -> str | None:
        """What the text has become already, None if it was not met."""
        return self._find("text", old) or self.known_thing(old)

    def known_thing(self, old: str) -> str | None:
        """The same, if it is the slug or the name of something."""
        return self._find("slug", old) or self._find("name", old)

    def name(self, old: str) -> str:
        """A pet name, unless the text was met before or is an address of some kind."""
        if not old.strip():
            return old
        if _is_address(old):
            return self.text(old)
        known = self._find("name", old) or self._find("text", old)
        return known if known is not None else self._keep("name", old, self._unused(old, self._draw.name))

    def slug(self, old: str, new_name: str | None) -> str:
        """The slug of the new name; without one, and for a slug that nobody can make from it, characters."""
        if not old:
            return old
        known = self._find("slug", old)
        if known is not None:
            return known
        base = _NOT_SLUG.sub("-", new_name.lower()).strip("-")[: _LONGEST_SLUG - 8] if new_name else ""
        if not base or base.isdigit():
            return self._keep("slug", old, self._unused(old, self._draw.characters))
        return self._keep("slug", old, self._unused(old, lambda _, attempt: self._numbered(base, old, attempt)))

    def email(self, old: str) -> str:
        """Both sides of the `@` for themselves, so that the addresses of one domain stay in one."""
        local, _, domain = old.partition("@")
        if not (local and domain) or "@" in domain:
            return self.text(old)
        return self._find("text", old) or self._keep("text", old, f"{self._part(local)}@{self.host(domain)}")

    def host(self, old: str) -> str:
        """A domain, label by label."""
        return ".".join(self._part(label) if label else "" for label in old.split("."))

    def url(self, old: str) -> str:
        """Scheme, host labels, parts of the path and of the query and the fragment for themselves; who and which port
        are lost. Without a host it is a text."""
        return self.text(old)

    def address(self, old: str) -> str:
        """An IP address of the same family; what is none is a text."""
        return self.text(old)

    def uuid(self, old: str) -> str:
        """A UUID of version 4 in the same notation; what is none is a text."""
        try:
            new = self._draw.uuid(uuid.UUID(old))
        except ValueError:
            return self.text(old)
        return str(new) if "-" in old else new.hex

    def hexadecimal(self, old: str) -> str:
        """As many hexadecimal digits; other characters stay."""
        known = self._find("text", old)
        if known is not None or not old:
            return known or old
        return self._keep("text", old, self._unused(old, lambda text, n: self._draw.characters(text, n, only_hex=True)))

    def tail(self, old: str) -> str:
        """A few characters that need not be unique, and stay as few."""
        return self._draw.characters(old)

    # ------------------------------------------------------------ how a text looks

    def _shaped(self, old: str) -> str:
        if _EMAIL.fullmatch(old):
            return self.email(old)
        if _UUID.fullmatch(old):
            return str(self._draw.uuid(uuid.UUID(old)))
        if _IP.fullmatch(old):
            try:
                return self._unused(old, self._draw.address)
            except ValueError:
                pass
        if _URL.match(old) and (url := _split(old)) is not None:
            return self._url(url)
        return self._unused(old, self._draw.characters) if len(old) <= _LONGEST else self._long(old)

    def _long(self, old: str) -> str:
        """Word by word, and each of them for itself something that tells nothing of the input."""
        return _RUN.sub(lambda run: self._free_word(run[0]), old)

    def _free_word(self, old: str) -> str:
        drawn = (self._draw.characters(old, attempt) for attempt in range(_MOST_ATTEMPTS))
        return next((new for new in drawn if self._is_free(new)), "x")

    def _url(self, url: SplitResult) -> str:
        scheme = url.scheme if url.scheme in _SCHEMES else self._part(url.scheme)
        host = url.hostname or ""
        new = f"{scheme}://{f'[{self.text(host)}]' if ':' in host else self.host(host)}"
        new += "/".join(".".join(self._part(part) for part in piece.split(".")) for piece in url.path.split("/"))
        new += f"?{'.'.join(self._part(part) for part in url.query.split('.'))}" if url.query else ""
        return new + (f"#{self._part(url.fragment)}" if url.fragment else "")

    def _part(self, old: str) -> str:
        """One word of an address: as a slug if it is one, and never as a name, for those have blanks."""
        known = self._find("slug", old) or self._find("text", old)
        if known is not None and " " not in known:
            return known
        return self._keep("text", old, self._unused(old, self._draw.characters)) if old else old

    # ------------------------------------------------------------ the books

    def _find(self, book: Book, old: str) -> str | None:
        known = self._pairs.get((book, old))
        if known is not None or not self._has_spilled:
            return known
        found = self._db.execute("SELECT new FROM interned WHERE book = ? AND old = ?", (book, _digest(old))).fetchone()
        if found is None:
            return None
        self._remember(book, old, found[0])
        return str(found[0])

    def _keep(self, book: Book, old: str, new: str) -> str:
        if len(old) <= _LONGEST:
            self._remember(book, old, new)
        return new

    def _remember(self, book: Book, old: str, new: str) -> None:
        if len(self._pairs) >= _IN_MEMORY:
            self._spill()
        self._pairs[book, old] = new

    def _unused(self, old: str, draw: Callable[[str, int], str]) -> str:
        """The first replacement that nothing else got, that is another text, and that tells nothing of the input."""
        owner = _digest(old.casefold())
        new = old
        for attempt in range(_MOST_ATTEMPTS):
            new = draw(old, attempt)
            if self._is_open(new, owner) and (new != old or attempt > 3) and self._is_free(new):
                self._taken[new.casefold()] = owner
                return new
        return new

    def _is_open(self, new: str, owner: bytes) -> bool:
        folded = new.casefold()
        by = self._taken.get(folded)
        if by is None and self._has_spilled:
            found = self._db.execute("SELECT old FROM taken WHERE new = ?", (folded,)).fetchone()
            by = found[0] if found else None
        return by is None or by == owner

    def _spill(self) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR IGNORE INTO interned VALUES (?, ?, ?)",
            ((book, _digest(old), new) for (book, old), new in self._pairs.items()),
        )
        self._db.executemany("INSERT OR IGNORE INTO taken VALUES (?, ?)", self._taken.items())
        self._db.execute("COMMIT")
        self._pairs.clear()
        self._taken.clear()
        self._has_spilled = True

    def _numbered(self, base: str, old: str, attempt: int) -> str:
        if not attempt:
            return base
        return f"{base}-{int.from_bytes(self._draw.stream('slug', old, attempt, 4)) % 10 ** min(attempt + 1, 7)}"


def _is_address(text: str) -> bool:
    return any(shape.fullmatch(text) for shape in (_EMAIL, _UUID, _IP)) or _URL.match(text) is not None


def _split(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        return url if url.hostname else None
    except ValueError:
        return None


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
