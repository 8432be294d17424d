"""Text that strangers wrote, made safe to look at.

Templates escape markup. What remains are characters that one cannot see and that change how the rest reads: bidi
overrides, zero-width characters, terminal controls, lone surrogates. They are shown by their numbers: U+202E in
small angle quotes.
"""

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
    # The two joiners belong to emoji and to several scripts; next to ASCII or at an end they only deceive.
    "|(?:(?<=[\x00-\x7f])|^)[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f]|$)"
)


def visible(text: str) -> str:
    """`text` with every character that hides or reorders replaced by its number; tabs and line ends stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: f"\u2039U+{ord(found[0]):04X}\u203a", text.replace("\r\n", "\n"))


def clip(text: str, length: int) -> str:
    """At most `length` characters, the last of them an ellipsis where something is missing."""
    return text if len(text) <= length else text[: length - 1] + "…"


def one_line(text: str, length: int) -> str:
    """The first line that says something, clipped."""
    return clip(next((line.strip() for line in text.splitlines() if line.strip()), ""), length)


def plural(number: int, one: str, many: str = "") -> str:
    """`1 event`, `12,480 events`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
