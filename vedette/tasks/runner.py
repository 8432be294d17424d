"""Runs the jobs that are due, each in a thread of its own: one that takes an hour, or raises, holds up no other."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import Error, connection

from vedette.core import clock
from vedette.tasks.schedule import Job, claim, enrol, fail, succeed

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0

C = TypeVar("C")


class Runner(Generic[C]):
    """This node's part in the schedule. `context` makes what a job is given, anew for each run."""

    def __init__(self, jobs: Sequence[Job[C]], context: Callable[[], C]) -> None:
        self._jobs = jobs
        self._context = context
        self._running: dict[str, threading.Thread] = {}
        self._enrolled = False

    def run(self, stop: threading.Event) -> None:
        """Look for what is due, until `stop`. A relational database that is away is waited for."""
        while not stop.wait(LOOK_EVERY_SECONDS):
            self.look()

    def look(self) -> list[str]:
        """Start what is due now; the names."""
        self._running = {name: thread for name, thread in self._running.items() if thread.is_alive()}
        now = clock.now()
        try:
            if not self._enrolled:
                enrol(self._jobs, now)
                self._enrolled = True
            claimed = claim([job for job in self._jobs if job.name not in self._running], now)
        except Error as error:
            log.warning("nothing is started: %s", str(error).strip().partition("\n")[0])
            connection.close()
            return []
        for job in claimed:
            thread = threading.Thread(target=self._run, args=(job,), name=f"job {job.name}", daemon=True)
            self._running[job.name] = thread
            thread.start()
        return [job.name for job in claimed]

    def join(self, name: str, timeout_seconds: float) -> None:
        """Wait for a job, if it runs."""
        if name in self._running:
            self._running[name].join(timeout_seconds)

    def _run(self, job: Job[C]) -> None:
        try:
            run_one(job, self._context())
        except Error as error:
            log.warning("how job %s went could not be noted: %s", job.name, error)
        finally:
            connection.close()


def run_one(job: Job[C], context: C) -> bool:
    """Run a job that was claimed, and note how it went; False if it raised. Nothing that it raises comes out."""
    try:
        result = job.run(context)
    except Exception as error:
        # A defect in one job must not cost the others theirs; it is kept in the job's row, where `doctor` finds it.
        log.exception("job %s failed", job.name)
        connection.close()  # it may be the connection that broke
        fail(job.name, error, clock.now())
        return False
    if result:
        log.info("job %s: %s", job.name, result)
    succeed(job.name, clock.now())
    return True
