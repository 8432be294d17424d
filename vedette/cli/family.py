"""Children that die with their parent, whatever kills it. No Django here."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.5


def tie_to_parent() -> Callable[[], None] | None:
    """What to run in a child between fork and exec, so that the kernel kills it when this process dies.

    None where the kernel cannot do that (it is Linux's); there the child calls `watch_parent`. Call it, and start the
    children, from the main thread: the kernel watches the thread that started a child.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return tie


def watch_parent(on_death: Callable[[], None] = lambda: os._exit(1)) -> None:
    """Call `on_death`, in a thread, when the process that started this one is gone. Works on any Unix."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        on_death()

    threading.Thread(target=look, name="parent-watch", daemon=True).start()
