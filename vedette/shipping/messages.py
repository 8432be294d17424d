"""Which issues a message says it fixes: `Fixes WEB-1A, API-7 and closes WEB-2B`. Pure.

A keyword, perhaps a colon, white space, and then a run of letters, digits, `_`, `-`, `,` and white space, in which
every `slug-number` is a reference. Whether there is such an issue is for the caller to find out.

Source: the release specification, 9.2.
"""

import re

from vedette.core.ids import parse_short_id

MOST_REFERENCES = 100
LONGEST_REFERENCE = 128  # slugs and numbers are far shorter

_KEYWORD = re.compile(r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?):?\s", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9_\-\s,]*")
_WORD = re.compile(r"[A-Za-z0-9_\-]+")
_REFERENCE = re.compile(r"\b[A-Za-z0-9_\-]+-[A-Za-z0-9]+\b")


def references(message: str) -> list[tuple[str, int]]:
    """(project slug in lower case, number) of each issue that `message` says it fixes: each once, in the order of the
    text, at most a hundred.

    One pass over the text, whatever it says: a run is read once, and the words in it are bounded before they are
    looked at more closely.
    """
    found: dict[tuple[str, int], None] = {}
    position = 0
    while keyword := _KEYWORD.search(message, position):
        run = _RUN.match(message, keyword.end())
        position = run.end() if run else keyword.end()
        for word in _WORD.finditer(message, keyword.end(), position):
            if word.end() - word.start() > LONGEST_REFERENCE:
                continue
            # One character more than the word: a letter of another script right behind it makes it another word.
            reference = _REFERENCE.search(message, word.start(), word.end() + 1)
            if reference and (parsed := parse_short_id(reference[0])):
                found[parsed] = None
                if len(found) == MOST_REFERENCES:
                    return list(found)
    return list(found)
