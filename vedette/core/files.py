"""Files by their content: the same bytes lie on the disk once, under the SHA-1 that names them."""

import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from vedette.core.errors import TryAgain

LEAST_FREE_BYTES = 2**30  # the spool and the databases often lie on the same disk, and need room for longer
STALE_DRAFT_SECONDS = 3600
_STEP = 2**20
_SHA1 = re.compile(r"[0-9a-f]{40}")


class FilesFull(TryAgain):
    """The disk of the files takes no more."""

    code = "files-full"


def name_of(content: bytes) -> str:
    """What the file of this content is called, 40 hex digits."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class FileStore:
    """A directory of files, `ab/cdef…`. Writing is atomic and durable; writing the same bytes again does nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Keep `content` and give its name, 40 hex digits. On return the bytes are on the disk. Raises `FilesFull`."""
        name = name_of(content)
        path = self.path(name)
        try:
            os.utime(path)  # young again, so that no sweep of old files takes it before its row is written
            return name
        except FileNotFoundError:
            pass
        self._write(path, (content,))
        return name

    def keep(self, name: str, source: Path) -> None:
        """Keep the file `source` under its `name`; it may lie anywhere, and stays. Raises `FilesFull`, and ValueError
        when it is called something else."""
        path = self.path(name)
        try:
            os.utime(path)
        except FileNotFoundError:
            self._write(path, _steps_of([source]), name)

    def join(self, names: Iterable[str], whole: str) -> int:
        """Keep what the files of `names` make one after the other as the file `whole`, and give its size in bytes.

        Never more than a piece of it is in memory. Raises `FilesFull`, FileNotFoundError when one of them is not
        there, and ValueError when together they are not `whole`; nothing is kept then.
        """
        paths = [self.path(name) for name in names]
        target = self.path(whole)
        self._write(target, _steps_of(paths), whole)
        return target.stat().st_size

    def _write(self, path: Path, steps: Iterable[bytes], name: str = "") -> None:
        """Write a file atomically and durably, if it is called `name`. Each thread has its own draft."""
        draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        found = hashlib.sha1(usedforsecurity=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft.open("wb") as file:
                for step in steps:
                    file.write(step)
                    if name:
                        found.update(step)
                file.flush()
                os.fsync(file.fileno())
            if name and found.hexdigest() != name:
                raise ValueError(f"the pieces are not {name}")
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise FilesFull(f"the disk of {self.root} is full") from error
            raise
        except ValueError:
            draft.unlink(missing_ok=True)
            raise
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def has_room(self) -> bool:
        """Whether the disk has enough free space for strangers' files."""
        root = next((path for path in (self.root, *self.root.parents) if path.is_dir()), self.root)
        return shutil.disk_usage(root).free >= LEAST_FREE_BYTES

    def forget_drafts(self) -> int:
        """Delete the drafts that a kill left behind; how many."""
        gone = 0
        for draft in self.root.glob("??/*.part"):
            try:
                if time.time() - draft.stat().st_mtime > STALE_DRAFT_SECONDS:
                    draft.unlink()
                    gone += 1
            except FileNotFoundError:
                continue
        return gone

    def path(self, name: str) -> Path:
        """Where the file called `name` lies. Raises ValueError for anything that is no SHA-1."""
        if not _SHA1.fullmatch(name):
            raise ValueError("a file's name is 40 lower-case hex digits")
        return self.root / name[:2] / name[2:]

    def names(self) -> Iterator[str]:
        """The names of all files, directory by directory."""
        for directory in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if directory.is_dir():
                names = (directory.name + entry.name for entry in directory.iterdir())
                yield from (name for name in names if _SHA1.fullmatch(name))

    def remove(self, name: str) -> bool:
        """Forget a file; whether it was there."""
        try:
            self.path(name).unlink()
        except FileNotFoundError:
            return False
        return True


def _steps_of(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while step := file.read(_STEP):
                yield step
