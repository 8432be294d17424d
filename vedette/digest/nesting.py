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
    """Whether JSON text is nested deeper than `levels`, exactly."""
    if text.count(b"}") + text.count(b"]") <= levels:
        return text.count(b"{") + text.count(b"[") > levels and estimate(_STRINGS.sub(b"", text)) > levels
    profile = list(accumulate(array("b", text.translate(_STEPS, _NO_BRACKETS))))
    if max(profile) <= levels and min(profile) >= 0 and profile[-1] == 0:
        return False  # strings can shift this profile, but hardly within its bounds: what is missed is trimmed later
    return estimate(_STRINGS.sub(b"", text)) > levels
