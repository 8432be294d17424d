"""Step three, afterwards: have it looked who may have caused the issues that got events, where commits are known.

What keeps it from being asked keeps nothing else: the next event of such an issue asks again.
"""

import logging
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError

from vedette.core import clock
from vedette.digest.batch import Batch
from vedette.issues.suspicion import ask, with_commits

log = logging.getLogger(__name__)


def ask_for_suspects(batch: Batch, groups: Sequence[int | None]) -> None:
    """Ask for the issues of the batch. Of organizations without commits that costs nothing, of others one look-up."""
    if not batch.events:
        return
    try:
        known = with_commits({event.organization_id for event in batch.events})
        pairs = zip(batch.events, groups, strict=True)
        arrived = {pk: event.event_id for event, pk in pairs if pk is not None and event.organization_id in known}
        if arrived:
            ask(arrived, clock.now())
    except (DatabaseError, InterfaceError) as error:
        log.warning("suspect commits could not be asked for: %s", error)
