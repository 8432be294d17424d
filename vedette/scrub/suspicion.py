"""A cheap look at the bytes of a whole event: which rules could match anything in it at all?

Most events hold no secret, and searching bytes for a fixed text costs almost nothing. So an event is searched once
for every word and every shape, and only what was found is looked for again in each of its parts. A part that holds
none of it is never decoded. False alarms only cost time; a miss would leak, so whatever could hide a word from a
search (JSON escapes, words beyond ASCII) counts as found.
"""

import re
from dataclasses import dataclass

_LOWER = bytes(range(65, 91)), bytes(range(97, 123))
_FOLDED = bytes.maketrans(_LOWER[0] + b"123456789", _LOWER[1] + b"0" * 9)
_SHAPED = bytes.maketrans(_LOWER[0] + b"123456789", b"A" * 26 + b"0" * 9)
_URL_PASSWORD = re.compile(rb"://[^\s/?#\"]*@")
_ESCAPED_ASCII = b"\\u00"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What may be in an event. `words` are to be searched in folded text, `shapes` says that value rules may match."""

    words: tuple[str, ...] = ()
    needles: tuple[bytes, ...] = ()
    shapes: bool = False
    everywhere: bool = False

    def __bool__(self) -> bool:
        return self.everywhere or self.shapes or bool(self.needles)

    def of(self, raw: bytes) -> bool:
        """Whether this part of the event (its JSON text) has to be decoded and looked at."""
        if self.everywhere or self.shapes:
            return True
        folded = raw.translate(_FOLDED)
        for needle in self.needles:  # noqa: SIM110 - once per frame: a generator would cost more than the search
            if needle in folded:
                return True
        return False


def look(raw: bytes, words: tuple[tuple[bytes, str], ...], addresses: bool, always: bool) -> Suspicion:
    """Search the JSON text of an event for `words` (needle in folded JSON, word) and for the shapes of secrets.

    `addresses` asks for IP addresses, too; `always` says that some word cannot be searched in bytes.
    """
    if always or addresses:
        return Suspicion(tuple(word for _, word in words), shapes=True, everywhere=True)
    folded = raw.translate(_FOLDED)
    found = [pair for pair in words if pair[0] in folded]
    shapes = _has_shapes(raw, folded)
    if _ESCAPED_ASCII in raw:
        return Suspicion(
            tuple(word for _, word in words),
            (*(needle for needle, _ in found), _ESCAPED_ASCII),
            shapes,
        )
    if not found and not shapes:
        return CLEAN
    return Suspicion(tuple(word for _, word in found), tuple(needle for needle, _ in found), shapes)


def _has_shapes(raw: bytes, folded: bytes) -> bool:
    if b"000-00-0000" in folded or b"bearer" in folded or b"private key-----" in folded:
        return True
    shaped = raw.translate(_SHAPED, b" -")
    if b"000000000000000" in shaped or b"AA00" in shaped:
        return True
    return b"@" in raw and (b":\\/" in raw or _URL_PASSWORD.search(raw) is not None)


CLEAN = Suspicion()
