"""The directories in which imports keep what they have read, one for each import, and who works in them.

The directory of a process that died is found again by the import's uuid. Source: the relocation specification, 4.7.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

_LOCK = "lock"
ABANDONED_AFTER_SECONDS = 7 * 24 * 3600


class UnderWay(Exception):
    """Another process works on this import."""


@contextlib.contextmanager
def directory_of(work_dir: Path, import_uuid: str) -> Iterator[Path]:
    """The directory of one import, for its owner's eyes only and for one process at a time. It stays.

    The lock ends with the process, however that ends. Raises `UnderWay`.
    """
    directory = work_dir / import_uuid
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if not _taken(lock):
            raise UnderWay
        os.utime(directory)
        yield directory
    finally:
        os.close(lock)


def remove(directory: Path) -> None:
    """Delete what an import that is over has left."""
    shutil.rmtree(directory, ignore_errors=True)


def remove_abandoned(work_dir: Path, after_seconds: float = ABANDONED_AFTER_SECONDS) -> int:
    """Delete the directories of imports that nobody came back to; how many. What they hold is a copy of the file."""
    removed = 0
    for lock_file in work_dir.glob(f"*/{_LOCK}"):
        directory = lock_file.parent
        with contextlib.suppress(OSError):
            if time.time() - directory.stat().st_mtime < after_seconds:
                continue
            lock = os.open(lock_file, os.O_RDWR)
            try:
                if _taken(lock):
                    remove(directory)
                    removed += 1
            finally:
                os.close(lock)
    return removed


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
