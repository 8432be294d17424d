"""Work that waits for its turn: done once, tried again when it fails, kept over a restart.

A job of the schedule takes what is due. Taking moves `due_at` forward by one conditional UPDATE, as a lease: whoever
dies with the work holds it no longer than that, and has used up an attempt, so that work which kills its process does
not do so for ever. Work must be safe to repeat, and to be done by two nodes at once.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from vedette.core.ids import new_hex
from vedette.tasks.models import Work
from vedette.tasks.schedule import LONGEST_ERROR, hasten

FURTHEST = timedelta(days=1)  # nothing is put off for longer: what lies further ahead comes of a clock set back


def put(kind: str, subject: int, payload: Mapping[str, Any], *, organization_id: int, now: datetime) -> None:
    """Ask for work, instead of what may wait about the same subject; and make the job of that name due at once.

    Only in the caller's transaction, so that it is there when what it is about is.
    """
    row = Work(
        kind=kind,
        subject=subject,
        organization_id=organization_id,
        payload=dict(payload),
        ticket=new_hex(16),
        due_at=now,
        date_added=now,
    )
    Work.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["kind", "subject"],
        update_fields=["organization_id", "payload", "ticket", "due_at", "attempts", "error", "date_added"],
    )
    hasten(kind, now)


def take(kind: str, now: datetime, lease: timedelta, *, last: Collection[int] = ()) -> Work | None:
    """Work that is due and that nobody else takes now, the longest due first; it is the caller's for `lease`.

    That of the organizations `last` (their ids) comes after all other."""
    while True:
        due = Work.objects.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FURTHEST), kind=kind).order_by("due_at", "pk")
        others = due.exclude(organization_id__in=last) if last else due
        work = others.first() or (due.first() if last else None)
        if work is None:
            return None
        mine = Work.objects.filter(pk=work.pk, ticket=work.ticket, due_at=work.due_at)
        if mine.update(due_at=now + lease, attempts=F("attempts") + 1):
            work.due_at, work.attempts = now + lease, work.attempts + 1
            return work


def is_waiting(kind: str, subject: int) -> bool:
    """Whether somebody asked for this work, and it is not done."""
    return Work.objects.filter(kind=kind, subject=subject).exists()


def is_current(work: Work) -> bool:
    """Whether nobody asked for other work about the same subject since this was taken."""
    return Work.objects.filter(pk=work.pk, ticket=work.ticket).exists()


def finish(work: Work) -> bool:
    """The work is done, or given up; False if somebody asked for it anew meanwhile."""
    return bool(Work.objects.filter(pk=work.pk, ticket=work.ticket).delete()[0])


def put_off(work: Work, error: str, until: datetime) -> None:
    """Try the work again from `until` on, at most a day ahead."""
    text = error.replace("\0", "\ufffd")[:LONGEST_ERROR]
    Work.objects.filter(pk=work.pk, ticket=work.ticket).update(due_at=until, error=text)
