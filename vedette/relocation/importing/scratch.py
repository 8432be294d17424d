"""The directories in which imports keep what they have read, one for each import, and who works in them.

The directory of a process that died is found again by the import's uuid. Source: the relocation specification, 4.7.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vedette.core import json
from vedette.relocation.importing.result import Secret

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


class KeptSecrets:
    """New tokens of batches, until the import is over and they are told: a later run could not tell them otherwise.

    Written before a batch is committed; of a batch that was tried twice the last ones count.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "secrets"

    def keep(self, model: str, min_ordinal: int, found: Sequence[Secret]) -> None:
        """Before the batch is committed."""
        if found:
            line = json.dumps([model, min_ordinal, [[one.model, one.pk, one.label, one.secret] for one in found]])
            file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            try:
                os.write(file, line + b"\n")
            finally:
                os.close(file)

    def recall(self, model: str, min_ordinal: int) -> list[Secret]:
        """Those of a batch that an earlier run has written."""
        found: list[Secret] = []
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                with contextlib.suppress(json.JSONDecodeError):  # the last line may be cut off: its batch was undone
                    which, ordinal, listed = json.loads(line)
                    if (which, ordinal) == (model, min_ordinal):
                        found = [Secret(*one) for one in listed]
        return found


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
