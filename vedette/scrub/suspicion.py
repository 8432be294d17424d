"""A cheap look at the bytes of an event's free-form data: which rules could match anything in it at all?

Most events hold no secret, and searching bytes for a fixed text costs little. So the text is searched once for every
word and every shape, and only what was found is looked for again in each part. A part that holds none of it is never
decoded. False alarms only cost time; a miss would leak, so whatever could hide a word from a search (JSON escapes,
words beyond ASCII) counts as found.
"""

import re
from dataclasses import dataclass

from vedette.scrub import rules

_UPPER, _LOWER = bytes(range(65, 91)), bytes(range(97, 123))
_FOLDED = bytes.maketrans(_UPPER + b"123456789", _LOWER + b"0" * 9)
_SHAPED = bytes.maketrans(_UPPER + b"123456789", b"A" * 26 + b"0" * 9)
_URL_PASSWORD = re.compile(rb"://[^\s/?#\"]*@")
_CARD = re.compile(rules.CARD.pattern.encode())
_IBAN = re.compile(rb"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2}")
_ESCAPED_ASCII = b"\\u00"
_DIGITS = b"000000000000000"  # the shortest card number without gaps


@dataclass(frozen=True, slots=True)
class Probe:
    """A text that is searched first; only if it is there, the words that contain it are.

    Words come as (needle in folded JSON text, word).
    """

    needle: bytes
    words: tuple[tuple[bytes, str], ...]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What may be in an event. `words` are to be searched in folded text, `shapes` says that value rules may match."""

    words: tuple[str, ...] = ()
    needles: tuple[bytes, ...] = ()
    shapes: bool = False

    def __bool__(self) -> bool:
        return self.shapes or bool(self.needles)

    def of(self, raw: bytes) -> bool:
        """Whether this part of the event (its JSON text) has to be decoded and looked at."""
        if self.shapes:
            return True
        folded = raw.translate(_FOLDED)
        for needle in self.needles:  # noqa: SIM110 - once per frame: a generator would cost more than the search
            if needle in folded:
                return True
        return False


CLEAN = Suspicion()


def look(text: bytes, probes: tuple[Probe, ...], shapes: bool) -> Suspicion:
    """Search the JSON text of an event's free-form data for the words of `probes` and, if asked, for `shapes`."""
    folded = text.translate(_FOLDED)
    found: list[tuple[bytes, str]] = []
    for probe in probes:
        if probe.needle in folded:
            found += [pair for pair in probe.words if pair[0] in folded]
    shaped = shapes and _has_shapes(text, folded)
    if _ESCAPED_ASCII in text:
        words = tuple([word for probe in probes for _, word in probe.words])
        return Suspicion(words, (*(needle for needle, _ in found), _ESCAPED_ASCII), shapes)
    if not found and not shaped:
        return CLEAN
    return Suspicion(tuple([word for _, word in found]), tuple([needle for needle, _ in found]), shaped)


def _has_shapes(text: bytes, folded: bytes) -> bool:
    """Each shape first as a fixed text, and only where that is found as a pattern."""
    return (
        b"000-00-0000" in folded
        or b"bearer" in folded
        or b"private key-----" in folded
        or ((_DIGITS in folded or b"0000 0000" in folded or b"0000-0000" in folded) and _CARD.search(text) is not None)
        or (b"AA00" in text.translate(_SHAPED) and _IBAN.search(text) is not None)
        or (b"@" in text and (b":\\/" in text or _URL_PASSWORD.search(text) is not None))
    )
