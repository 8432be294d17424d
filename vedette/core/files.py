"""Files by their content: the same bytes lie on the disk once, under the SHA-1 that names them."""

import hashlib
import os
import re
from pathlib import Path

_SHA1 = re.compile(r"[0-9a-f]{40}")


class FileStore:
    """A directory of files, `ab/cdef…`. Writing is atomic and durable; writing the same bytes again does nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Keep `content` and give its name, 40 hex digits. On return the bytes are on the disk."""
        name = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        path = self.path(name)
        try:
            os.utime(path)  # young again, so that no sweep of old files takes it before its row is written
            return name
        except FileNotFoundError:
            pass
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return name

    def path(self, name: str) -> Path:
        """Where the file called `name` lies. Raises ValueError for anything that is no SHA-1."""
        if not _SHA1.fullmatch(name):
            raise ValueError("a file's name is 40 lower-case hex digits")
        return self.root / name[:2] / name[2:]

    def remove(self, name: str) -> bool:
        """Forget a file; whether it was there."""
        try:
            self.path(name).unlink()
        except FileNotFoundError:
            return False
        return True
