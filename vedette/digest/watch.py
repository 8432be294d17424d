"""Finding the row that ends the event store's process whenever it is written, so that it is parked like one refused.

The embedded engine and the digest are one process: what crashes the engine leaves nobody to catch it. So a batch that
was begun by several processes and stored by none is written under watch: which part is written next is on disk before
it is. The process that finds such a note halves that part, as if it had been refused, down to a single row. Nothing of
this costs a batch that is not in trouble.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from vedette.digest.models import DigestBatch

STARTS_BEFORE_WATCHING = 5  # of processes that had counted the batch and did not store it


class Deadly(Exception):
    """A process ended while these rows were written, under watch."""


class Watch:
    """The parts of one batch, each named by its token."""

    def __init__(self, mark: DigestBatch) -> None:
        self._mark = mark
        if mark.writing:
            mark.deadly = [*mark.deadly, mark.writing]
            self._note("")

    @contextmanager
    def __call__(self, token: str) -> Iterator[None]:
        """Around the writing of a part. Raises `Deadly` for one that a process ended over."""
        if token in self._mark.deadly:
            raise Deadly("the event store's process ended while it was written")
        self._note(token)
        try:
            yield
        except Exception:
            self._note("")  # this process lives: whatever it was, it was not deadly
            raise
        self._note("")

    def _note(self, token: str) -> None:
        self._mark.writing = token
        self._mark.save(update_fields=["writing", "deadly"])


def watch_over(mark: DigestBatch) -> Watch | None:
    """The watch over a batch that needs one."""
    return Watch(mark) if mark.related and mark.attempts >= STARTS_BEFORE_WATCHING else None
