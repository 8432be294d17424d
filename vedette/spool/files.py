"""The files of a stream, and the positions in them.

A stream is a directory that one process writes to: numbered SQLite files, a lock, and a note of how far the digest
has come. A position is `file number << 32 | row id`, so it grows by arrival and never repeats. Rows are only ever
added, whole files are removed when everything in them is digested.

The files are never checkpointed: commits go to the write-ahead log, which is synced, and the log is where readers find
them. That way each byte is written once, and no commit ever waits for a checkpoint.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from vedette.spool.records import Receipt

SUFFIX = ".sqlite"
DAMAGED_SUFFIX = ".damaged"
CONSUMED_NAME = "consumed"
REPLAY_NAME = "replay"  # streams of what was parked: `replay-0`, …
_SIDE_FILES = ("-wal", "-shm")
_ROW_BITS = 32
_ROW_MASK = 2**_ROW_BITS - 1
# `stored_bytes` is the running total of the file: the depth of a stream then costs two look-ups a file. Ids are given
# by the writer, from 1 and without gaps; AUTOINCREMENT would only write one more page per commit.
SCHEMA = """create table items (
    id integer primary key, stored_bytes integer not null, receipt blob not null, body blob not null
)"""

encode_receipt = msgspec.msgpack.Encoder().encode
decode_receipt = msgspec.msgpack.Decoder(Receipt).decode


def position_of(number: int, row: int) -> int:
    """The position of a row of the file with this number."""
    return number << _ROW_BITS | row


def split_position(position: int) -> tuple[int, int]:
    """(file number, row id) of a position."""
    return position >> _ROW_BITS, position & _ROW_MASK


def file_path(directory: Path, number: int) -> Path:
    """Where the file with this number is, or would be."""
    return directory / f"{number:010d}{SUFFIX}"


def file_numbers(directory: Path) -> list[int]:
    """The numbers of the files that are there, oldest first."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    stems = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
    return sorted(int(stem) for stem in stems if stem.isdigit())


def streams(root: Path) -> list[Path]:
    """The directories of all streams under `root`, by name."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and (file_numbers(path) or damaged_files(path)))


def is_replay(directory: Path) -> bool:
    """Whether the stream holds what was parked: however long ago it was received, nothing is late there."""
    return directory.name.startswith(f"{REPLAY_NAME}-")


def damaged_files(directory: Path) -> list[Path]:
    """Files that could not be read in whole and were set aside instead of removed."""
    return sorted(directory.glob(f"*{SUFFIX}{DAMAGED_SUFFIX}"))


def create_file(directory: Path, number: int) -> sqlite3.Connection:
    """Make a new file, on disk with its name before this returns. Raises `sqlite3.Error` or `OSError`."""
    connection = sqlite3.connect(
        file_path(directory, number), isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=256
    )
    try:
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("pragma wal_autocheckpoint=0")
        connection.execute(SCHEMA)
        sync_directory(directory)
    except (sqlite3.Error, OSError):
        connection.close()
        remove_file(directory, number)
        raise
    return connection


def open_for_reading(directory: Path, number: int) -> sqlite3.Connection:
    """A connection that cannot write, and so cannot checkpoint when it is the last to close."""
    path = quote(str(file_path(directory, number).absolute()))
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)


def close_without_checkpoint(connection: sqlite3.Connection, directory: Path, number: int) -> None:
    """Close a writer's connection. The last one to close copies the whole log, unless it can only read."""
    try:
        guard = open_for_reading(directory, number)
    except sqlite3.Error:
        connection.close()
        return
    with suppress(sqlite3.Error):
        guard.execute("select 1 from items limit 1").fetchone()
    connection.close()
    guard.close()


def remove_file(directory: Path, number: int) -> None:
    """Delete a file, its name last: whatever a crash leaves is found and deleted the next time.

    Then once more what lies beside it: another process that looked at the file meanwhile has made that again.
    """
    path = file_path(directory, number)
    for side in (*_SIDE_FILES, "", *_SIDE_FILES):
        with suppress(FileNotFoundError):
            os.unlink(f"{path}{side}")


def remove_leftovers(directory: Path) -> None:
    """Delete what lies beside files that are gone. Only for the writer, before it makes a file."""
    names = set(os.listdir(directory))
    for name in names:
        for side in _SIDE_FILES:
            if name.endswith(f"{SUFFIX}{side}") and name.removesuffix(side) not in names:
                with suppress(FileNotFoundError):
                    os.unlink(directory / name)


def set_aside(directory: Path, number: int) -> Path:
    """Rename a file that could not be read in whole, so that a person can look at it; its new path."""
    path = file_path(directory, number)
    aside = Path(f"{path}{DAMAGED_SUFFIX}")
    for side in ("", *_SIDE_FILES):
        with suppress(FileNotFoundError):
            os.rename(f"{path}{side}", f"{aside}{side}")
    return aside


def consumed_position(directory: Path) -> int:
    """How far the digest has come, as far as the writer needs to know; 0 when nobody said."""
    try:
        return int((directory / CONSUMED_NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return 0


def note_consumed(directory: Path, position: int) -> None:
    """Tell the writer how far the digest has come. Only back-pressure rests on it, so it is not synced."""
    fresh = directory / f"{CONSUMED_NAME}.new"
    fresh.write_text(str(position))
    os.replace(fresh, directory / CONSUMED_NAME)


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
