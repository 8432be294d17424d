"""What is deleted when it grows old: events and what hangs on them, counts of outcomes, sign-ins that ran out."""

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session

from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.client import EventStore
from vedette.events.writer import drop_before
from vedette.issues.models import EventAttachment

PIECE = 1000  # rows per statement, so that nobody waits long for a lock
FRESH_FILE_SECONDS = 3600  # a file as new as that may belong to a row that is not written yet


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted, or would delete. `weeks` are the dropped partitions of the event store."""

    weeks: tuple[str, ...]
    attachments: int
    files: int
    outcomes: int
    sessions: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __bool__(self) -> bool:
        return any((self.weeks, self.attachments, self.files, self.outcomes, self.sessions))


def sweep(store: EventStore, files: FileStore, now: datetime, retention_days: int, *, dry_run: bool = False) -> Swept:
    """Delete what is older than `retention_days` before `now`; with `dry_run` only count it.

    Events go in whole weeks. Safe to repeat, to interrupt, and to run on several nodes at once.
    """
    moment = now - timedelta(days=retention_days)
    weeks = tuple(drop_before(store, moment, dry_run=dry_run))
    attachments, gone = _sweep_attachments(files, moment, dry_run)
    old_outcomes = OutcomeCount.objects.filter(hour__lt=moment)
    old_sessions = Session.objects.filter(expire_date__lt=now)
    if dry_run:
        return Swept(weeks, attachments, gone, old_outcomes.count(), old_sessions.count())
    return Swept(weeks, attachments, gone, old_outcomes.delete()[0], old_sessions.delete()[0])


def _sweep_attachments(files: FileStore, moment: datetime, dry_run: bool) -> tuple[int, int]:
    """(rows, files). A file goes when the last row that names it is gone."""
    old = EventAttachment.objects.filter(date_added__lt=moment)
    if dry_run:
        named_by_young = EventAttachment.objects.filter(date_added__gte=moment).values("sha1")
        return old.count(), old.exclude(sha1__in=named_by_young).values("sha1").distinct().count()
    rows = removed = 0
    while piece := list(old.order_by("id").values_list("id", "sha1")[:PIECE]):
        rows += EventAttachment.objects.filter(pk__in=[pk for pk, _ in piece]).delete()[0]
        names = {sha1 for _, sha1 in piece}
        kept = set(EventAttachment.objects.filter(sha1__in=names).values_list("sha1", flat=True))
        removed += sum(files.remove(name) for name in names - kept if _is_settled(files, name))
    return rows, removed


def _is_settled(files: FileStore, name: str) -> bool:
    try:
        return time.time() - files.path(name).stat().st_mtime > FRESH_FILE_SECONDS
    except (FileNotFoundError, ValueError):
        return False
