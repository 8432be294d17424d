"""Step three, afterwards: issues that got events are looked at, for what only stored events can tell. Archived ones may
wake up, and new ones may come too fast.

What keeps it from being told keeps nothing else: the next event of such an issue finds the same.
"""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from django.db import InterfaceError, OperationalError

from vedette.core import clock
from vedette.core.errors import TryAgain
from vedette.digest.batch import Batch
from vedette.digest.values import ProjectConfig
from vedette.events.client import EventStore
from vedette.issues.velocity import escalate_fast
from vedette.issues.waking import look_at

log = logging.getLogger(__name__)


def wake(
    events: EventStore,
    batch: Batch,
    groups: Sequence[int | None],
    configs: Mapping[int, ProjectConfig] = MappingProxyType({}),
) -> None:
    """End the archives that the batch's events have ended, and let new issues escalate where their project wants it."""
    newest = {}
    for event, group in sorted(zip(batch.events, groups, strict=True), key=lambda pair: pair[0].timestamp):
        if group is not None:
            newest[group] = event.event_id
    if not newest:
        return
    try:
        look_at(events, newest, clock.now())
        hurrying = {pk for pk, config in configs.items() if config.escalates_new}
        if hurrying:
            escalate_fast(newest, hurrying, clock.now())
    except (TryAgain, OperationalError, InterfaceError) as error:
        log.warning("archived and new issues could not be looked at: %s", error)
