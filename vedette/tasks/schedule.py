"""Jobs that are done every so often, by one node at a time.

A job has a row. Whoever moves its `due_at` forward, by one conditional UPDATE, has claimed this period; the others find
it moved. A run that dies is made up for by the next period, and one that fails is tried again sooner: so a job must be
safe to repeat, to interrupt, and to run on two nodes at once (one that takes longer than its period).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import F
from django.db.models.functions import Least

from vedette.tasks.models import ScheduledJob

FIRST_AFTER_SECONDS = 60  # a server that just started has better things to do
RETRY_SECONDS = 300
LONGEST_ERROR = 500

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Job(Generic[C]):
    """One line of the schedule. What `run` returns is logged when it is true; what it raises is kept."""

    name: str
    every_seconds: int
    run: Callable[[C], object]


def enrol(jobs: Iterable[Job[C]], now: datetime) -> None:
    """Give every job its row, with the period that it has today."""
    for job in jobs:
        first = now + timedelta(seconds=min(job.every_seconds, FIRST_AFTER_SECONDS))
        ScheduledJob.objects.bulk_create(
            [ScheduledJob(name=job.name, every_seconds=job.every_seconds, due_at=first)], ignore_conflicts=True
        )
        ScheduledJob.objects.filter(name=job.name).update(every_seconds=job.every_seconds)


def claim(jobs: Iterable[Job[C]], now: datetime) -> list[Job[C]]:
    """Take this period's run of those of `jobs` that are due and that no other node takes now; they are yours to run.

    A job that lies further ahead than its period is due as well: the clock was set back.
    """
    rows = {
        name: (every, at) for name, every, at in ScheduledJob.objects.values_list("name", "every_seconds", "due_at")
    }
    claimed = []
    for job in jobs:
        every_seconds, due_at = rows.get(job.name, (0, None))
        if due_at is None or now < due_at <= now + timedelta(seconds=every_seconds + FIRST_AFTER_SECONDS):
            continue
        following = now + timedelta(seconds=every_seconds)
        if ScheduledJob.objects.filter(name=job.name, due_at=due_at).update(due_at=following, started_at=now):
            claimed.append(job)
    return claimed


def succeed(name: str, now: datetime) -> None:
    """Note that a run went well."""
    ScheduledJob.objects.filter(name=name).update(finished_at=now, error="", failures=0)


def fail(name: str, error: BaseException, now: datetime) -> None:
    """Note what a run raised, and try again soon."""
    text = f"{type(error).__name__}: {error}".replace("\0", "\ufffd")[:LONGEST_ERROR]
    ScheduledJob.objects.filter(name=name).update(
        finished_at=now,
        error=text,
        failures=F("failures") + 1,
        due_at=Least("due_at", now + timedelta(seconds=RETRY_SECONDS)),
    )


def hasten(name: str, now: datetime) -> None:
    """Make a job due at once: there is work for it. Only in the caller's transaction, so that it finds that work.

    On a server that just started, the work may be there before the schedule is.
    """
    rows = ScheduledJob.objects.filter(name=name)
    if not rows.filter(due_at__gt=now).update(due_at=now) and not rows.exists():
        ScheduledJob.objects.bulk_create(
            [ScheduledJob(name=name, every_seconds=FIRST_AFTER_SECONDS, due_at=now)], ignore_conflicts=True
        )


def is_late(job: ScheduledJob, now: datetime) -> bool:
    """Whether nobody took a job for three periods after it was due; a server that just started is given time."""
    return now > job.due_at + timedelta(seconds=3 * job.every_seconds + FIRST_AFTER_SECONDS)


def as_age(age: timedelta) -> str:
    """`41 s`, `12 min`, `5 h` or `3 days`, for a sentence."""
    seconds = max(int(age.total_seconds()), 0)
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
