"""What waits on this node, read from its files alone: works with the server running or stopped, and without Django."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from vedette.spool.files import consumed_position, damaged_files, is_replay, streams
from vedette.spool.park import parked_count
from vedette.spool.reader import SpoolReader


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is accepted and not yet digested, as far as the digest told the spool; and what it had to set aside.

    `lag_seconds` is the age of the oldest of them, but for what was parked and is replayed."""

    items: int
    bytes: int
    lag_seconds: float
    parked: int
    damaged_files: int


def waiting(spool_dir: Path, now: float | None = None) -> Waiting:
    """A look at every stream of the spool; `now` is a Unix time in seconds."""
    items = size = damaged = 0
    oldest: float | None = None
    for directory in streams(spool_dir):
        damaged += len(damaged_files(directory))
        reader = SpoolReader(directory)
        try:
            depth = reader.depth(consumed_position(directory))
        finally:
            reader.close()
        items += depth.items
        size += depth.bytes
        if depth.oldest_received_at is not None and not is_replay(directory):
            oldest = min(oldest or depth.oldest_received_at, depth.oldest_received_at)
    lag = max((time.time() if now is None else now) - oldest, 0.0) if oldest else 0.0
    return Waiting(items, size, lag, parked_count(spool_dir), damaged)


def free_bytes(directory: Path) -> tuple[int, int]:
    """(free, total) bytes of the disk that `directory`, or the nearest directory above it that exists, is on."""
    usage = shutil.disk_usage(_existing(directory))
    return usage.free, usage.total


def device_of(directory: Path) -> int:
    """Which disk that is: the same number for the same one."""
    return _existing(directory).stat().st_dev


def _existing(directory: Path) -> Path:
    while not directory.exists():
        directory = directory.parent
    return directory
