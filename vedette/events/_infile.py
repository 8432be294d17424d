"""Data for an insert as a file that the engine can open by name, in memory where the system can do that.

chDB's streaming insert is not used: it answers "written" when the last step of writing fails (no room on the disk, no
memory, a violated constraint), and the rows are gone. A statement that reads a file is answered like any other.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def as_file(blocks: Iterable[bytes]) -> Iterator[str]:
    """The path of a file with these bytes, for the length of a block; nobody else can read it."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:
            file.writelines(blocks)
            file.flush()
            yield file.name
        return
    with os.fdopen(os.memfd_create("insert"), "wb") as file:
        file.writelines(blocks)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
