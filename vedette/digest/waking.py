"""Step three, afterwards: archived issues that got events are looked at, for what only stored events can tell.

What keeps it from being told keeps nothing else: the next event of such an issue finds the same.
"""

import logging
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError

from vedette.core import clock
from vedette.core.errors import TryAgain
from vedette.digest.batch import Batch
from vedette.events.client import EventStore
from vedette.issues.waking import look_at

log = logging.getLogger(__name__)


def wake(events: EventStore, batch: Batch, groups: Sequence[int | None]) -> None:
    """End the archives that the batch's events have ended."""
    newest = {}
    for event, group in sorted(zip(batch.events, groups, strict=True), key=lambda pair: pair[0].timestamp):
        if group is not None:
            newest[group] = event.event_id
    if not newest:
        return
    try:
        look_at(events, newest, clock.now())
    except (TryAgain, OperationalError, InterfaceError) as error:
        log.warning("archived issues could not be looked at: %s", error)
