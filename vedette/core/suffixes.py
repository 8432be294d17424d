"""Names that are free: the wish itself, and where that is taken, the wish with a few random characters behind it.

For many at once, so that the one who knows what is taken is asked once for all of them. Source: the relocation
specification, 4.6 for organizations and 4.8 for users.
"""

import secrets
from collections.abc import Callable, Collection, Sequence

ALPHABET = "abcdefghijklmnopqrstuvwxyz012345679"  # no 8, which people read as B
LENGTHS = (2, *(3,) * 5, *(5,) * 20, 12)  # of the random part, one for each attempt


def with_random_suffix(base: str, length: int, longest: int) -> str:
    """`base`, a dash and `length` random characters; of `base` as much as leaves the whole within `longest`."""
    tail = "".join(secrets.choice(ALPHABET) for _ in range(length))
    return f"{base[: longest - 1 - length].rstrip('-')}-{tail}"


def free_names(
    wishes: Sequence[str],
    taken: Callable[[Collection[str]], Collection[str]],
    longest: int,
    *,
    fold: Callable[[str], str] = str.lower,
) -> list[str]:
    """A name for each wish, in their order, no two alike after `fold`; of equal wishes the first one is fulfilled.

    `taken` is asked once in a round which of these (folded) names are somebody's. What finds nothing in 27 attempts
    comes back as it was tried last, and the database decides.
    """
    names, given = list(wishes), set[str]()
    waiting = list(range(len(names)))
    for length in (0, *LENGTHS):
        if length:
            for place in waiting:
                names[place] = with_random_suffix(wishes[place], length, longest)
        gone = set(taken({fold(names[place]) for place in waiting}))
        still = []
        for place in waiting:
            folded = fold(names[place])
            if folded in gone or folded in given:
                still.append(place)
            else:
                given.add(folded)
        if not still:
            break
        waiting = still
    return names
