"""How deep JSON is nested, before anything decodes it."""

import re
from array import array
from itertools import accumulate

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[}]")


def estimate(text: bytes) -> int:
    """The nesting of JSON text, roughly: brackets inside strings are counted, too."""
    return max(accumulate(array("b", text.translate(_STEPS, _NO_BRACKETS))), default=0)


def is_deeper_than(text: bytes, levels: int) -> bool:
    """Whether valid JSON text is nested deeper than `levels`."""
    steps = text.translate(_STEPS, _NO_BRACKETS)
    if len(steps) <= 2 * levels:
        return False
    profile = list(accumulate(array("b", steps)))
    # Brackets in strings shift the profile, mostly out of these bounds. What hides within them is trimmed later.
    if max(profile) <= levels and min(profile) >= 0 and profile[-1] == 0:
        return False
    return estimate(_STRINGS.sub(b"", text)) > levels
