"""Rows that come into the embedded event store past the digest: an import brings them.

The digest remembers which ids are stored, and that holds only while nobody else writes. Whoever does holds the lock of
a file in the server's run directory meanwhile, and leaves a word in it before the first row: so a digest in any process
of this machine sees, by one look at a file for each batch, that it has to ask the store, and later that what it
remembers is outdated. Locks end with their process, also where that was killed.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from vedette.events.client import EventStore

NAME = "arrivals"
_WORD_BYTES = 16


@contextmanager
def arriving(store: EventStore) -> Iterator[None]:
    """Have every digest ask the store about each id while the block runs, and forget afterwards what it knew before.

    Several may hold it at once. Nothing is done for a store that is a server: there the store is always asked.
    """
    if not store.embedded:
        yield
        return
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.pwrite(descriptor, secrets.token_hex(_WORD_BYTES // 2).encode(), 0)
        yield
    finally:
        os.close(descriptor)


class Arrivals:
    """What one digest has seen of this. One thread at a time."""

    def __init__(self) -> None:
        self._word = _look()[0]

    def look(self) -> tuple[bool, bool]:
        """Whether rows have come since the last look, and whether some come right now."""
        word, is_held = _look()
        came, self._word = word != self._word, word
        return came, is_held


def _path() -> Path:
    path: Path = settings.VEDETTE.runtime_file
    return path.parent / NAME


def _look() -> tuple[bytes, bool]:
    """The last word, and whether somebody holds the lock. The lock first: a word that is written after it is seen."""
    try:
        descriptor = os.open(_path(), os.O_RDONLY)
    except FileNotFoundError:
        return b"", False
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_held = False
        except BlockingIOError:
            is_held = True
        return os.pread(descriptor, _WORD_BYTES, 0), is_held
    finally:
        os.close(descriptor)
