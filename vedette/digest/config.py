"""The settings that digesting a project's items depends on, its organization's folded in."""

import time
from collections.abc import Collection
from dataclasses import fields

from vedette.digest.values import ProjectConfig
from vedette.projects.options import digest_options

FRESH_SECONDS = 2.0

_cache: dict[int, tuple[float, ProjectConfig]] = {}


def configs(projects: Collection[int]) -> dict[int, ProjectConfig]:
    """The settings of each project that exists. A change takes hold within `FRESH_SECONDS`."""
    now = time.monotonic()
    stale = {pk for pk in projects if pk not in _cache or _cache[pk][0] < now - FRESH_SECONDS}
    if stale:
        fresh = digest_options(stale)
        for pk in stale:
            if pk in fresh:
                _cache[pk] = (
                    now,
                    ProjectConfig(**{one.name: getattr(fresh[pk], one.name) for one in fields(fresh[pk])}),
                )
            else:
                _cache.pop(pk, None)
    return {pk: _cache[pk][1] for pk in projects if pk in _cache}
