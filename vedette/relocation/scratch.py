"""Scratch databases of comparing and sanitising: fast, private, gone afterwards, and worth nothing after a crash."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vedette.core.errors import TryAgain


class ScratchBroken(TryAgain):
    """The scratch database cannot be written: the disk is full, or somebody else's."""

    code = "scratch-broken"
    hint = "The directory for scratch files needs about twice the size of the files, unencrypted."


def open_scratch(path: Path, cache_kib: int) -> sqlite3.Connection:
    """A new database that only its owner may read, with a cache of at most that size and without transactions of its
    own. The caller closes it and removes the file."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode = off", "synchronous = off", "temp_store = file", f"cache_size = -{cache_kib}"):
        db.execute(f"PRAGMA {setting}")
    return db


@contextmanager
def told_of_scratch(work_dir: Path) -> Iterator[None]:
    """Errors of scratch databases as `ScratchBroken`, naming where they were."""
    try:
        yield
    except sqlite3.Error as error:
        raise ScratchBroken(f"the scratch database in {work_dir} cannot be used: {error}") from error
