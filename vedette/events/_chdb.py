"""The one place that imports chDB, and refuses where it would hang, crash or be shared."""

import fcntl
import multiprocessing
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vedette.core.errors import Misconfigured

# Declared by chDB's wheel, needed by none of what we use, and hundreds of megabytes each.
UNWANTED_MODULES = ("pandas", "pyarrow", "polars")

_STATUS_PID = re.compile(r"PID:\s*(\d+)")

_imported_by: int | None = None  # the process that imported chDB; a fork inherits the value and not the threads


@dataclass(frozen=True, slots=True)
class Driver:
    """What we use of chDB: how to open a handle, and what its calls raise, with ClickHouse's text in it."""

    connect: Callable[[str], Any]
    errors: tuple[type[Exception], ...]


def refuse_locked(directory: Path) -> None:
    """Raise `Misconfigured` if another process holds the directory.

    The engine itself would say so on standard error only, and fail with an empty message.
    """
    with suppress(FileNotFoundError), (directory / "status").open("r", errors="replace") as status:
        try:
            fcntl.flock(status, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            match = _STATUS_PID.search(status.read(4096))
            owner = f" (process {match[1]})" if match else ""
            raise Misconfigured(
                f"another process{owner} has the event store in {directory} open",
                "one process owns the directory: stop the other one, or give this one another VEDETTE_DATA_DIR",
            ) from None


def import_chdb() -> Driver:
    """chDB, imported once, with what it drags along kept out and the fork start method refused."""
    global _imported_by
    if _imported_by not in (None, os.getpid()):
        raise Misconfigured(
            "this process was forked from one that had imported chDB, and would hang",
            "start the engine as a process of its own (subprocess, or the spawn start method)",
        )
    method = multiprocessing.get_start_method(allow_none=True)
    if method == "fork":
        raise Misconfigured(
            "chDB does not survive the fork start method of multiprocessing", "call set_start_method('spawn')"
        )
    if method is None:
        multiprocessing.set_start_method("spawn")
    for name in UNWANTED_MODULES:
        if name not in sys.modules:
            sys.modules[name] = None  # type: ignore[assignment]  # an import of it now fails, as if not installed
    try:
        from chdb._exceptions import ChdbError
        from chdb.state.sqlitelike import connect
    except ImportError as error:
        raise Misconfigured(f"chDB is not usable here: {error}", "run `make install`") from error
    _imported_by = os.getpid()
    return Driver(connect, (ChdbError, RuntimeError))
