"""Ids inside of JSON that their names give away: `team_id`, `projectIds`, `disabled-organizations`.

Settings and the JSON of detectors and workflows have no shape that could be written down, but they call what they
refer to as everything else does. Only what belongs to the installation itself is looked through in this way: in what
another service told, `project_id` is that service's own number. Source: the relocation specification, 5.6 and 9 (#6).
"""

import re
from collections.abc import Iterator
from typing import Any

from vedette.relocation.references import Missing, Path, Reference, at

_DEEPEST = 12
_MOST = 10_000  # ids in one value; a file may be anybody's
_TARGETS = {
    "team": "sentry.team",
    "user": "sentry.user",
    "project": "sentry.project",
    "organization": "sentry.organization",
    "org": "sentry.organization",
    "environment": "sentry.environment",
    "integration": "sentry.integration",
}
_FOREIGN = frozenset({"external", "provider", "remote"})  # an id of somebody else's
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

NAMED = tuple(dict.fromkeys(_TARGETS.values()))


def named_references(path: Path, name: str, value: Any, missing: Missing | None = None) -> Iterator[Reference]:
    """The references in a value that is called `name`, and in what lies inside of it.

    Without `missing`, one that leads nowhere goes out of its list, and is emptied elsewhere.
    """
    found = 0
    waiting: list[tuple[Path, str, Any]] = [(path, name, value)]
    while waiting:
        path, name, value = waiting.pop()
        for reference in _of_value(path, name, value, missing):
            found += 1
            if found > _MOST:
                return
            yield reference
        if len(path) > _DEEPEST:
            continue
        if isinstance(value, dict):
            waiting.extend(((*path, key), key, inner) for key, inner in value.items())
        elif isinstance(value, list):
            nested = ((place, inner) for place, inner in enumerate(value) if isinstance(inner, (dict, list)))
            waiting.extend(((*path, place), "", inner) for place, inner in nested)


def _of_value(path: Path, name: str, value: Any, missing: Missing | None) -> Iterator[Reference]:
    if isinstance(value, list):
        target = _target(name, is_list=True) if value else None
        if target is not None and all(type(one) is int for one in value):
            for place, one in enumerate(value):
                yield from at((*path, place), target, one, missing or Missing.REMOVE)
    elif isinstance(value, (int, str)) and (target := _target(name, is_list=False)) is not None:
        yield from at(path, target, value, missing or Missing.EMPTY)


def _target(name: str, *, is_list: bool) -> str | None:
    """The model that a name speaks of. A number is an id where it is called one, or nothing but `team`; the numbers of
    a list also where they are `teams` of some kind."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or not _FOREIGN.isdisjoint(words):
        return None
    if words[-1] in (("ids",) if is_list else ("id",)):
        return _TARGETS.get(words[-2]) if len(words) > 1 else None
    if is_list:
        return _TARGETS.get(words[-1].removesuffix("s")) if words[-1].endswith("s") or len(words) == 1 else None
    return _TARGETS.get(words[0]) if len(words) == 1 else None
