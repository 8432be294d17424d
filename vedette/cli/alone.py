"""One process at a time: on this node by a lock file, between nodes that share a PostgreSQL server by its own lock."""

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OURS = 0x76656474  # "vedt": the upper half of our advisory locks' numbers


@contextmanager
def alone(name: str, run_dir: Path) -> Iterator[None]:
    """Wait until no other process is in a block of this name, then keep others out of it. Ends with the process."""
    from django.db import connection

    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(run_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        number = _OURS << 32 | zlib.crc32(name.encode())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [number])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
    finally:
        os.close(descriptor)
