"""Grouping a stored event again: under other rules, or to explain what was decided.

A stored payload holds everything that grouping looked at, so that the same recipe gives the same hashes. Pure.
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from vedette.grouping.configs import config_named
from vedette.grouping.group import Recipe, group_again
from vedette.grouping.result import Grouping
from vedette.wire.event import Event


class _Stored(Event, forbid_unknown_fields=False, gc=False):
    """An event with what the digest found out behind its own members."""


_decode = msgspec.json.Decoder(_Stored).decode


@lru_cache(maxsize=64)
def recipe(config: str, enhancements: str, fingerprinting: str) -> Recipe:
    """The recipe of a configuration's id and a project's rules."""
    return Recipe(enhancements, fingerprinting, config_named(config))


def regroup(payload: bytes, tags: Mapping[str, str], by: Recipe, *, explains: bool = False) -> Grouping | None:
    """The grouping of a stored event; None for a payload that cannot be read."""
    try:
        event = _decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
    return group_again(event, tags, by, explains=explains)
