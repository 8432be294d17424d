"""The supervisor: two children, started together, restarted when they die, stopped in order. Neither Django nor chDB.

It sleeps in one `select` on a pipe that signals write to (a child's death is a signal too), so an idle server costs
nothing and a death is noticed at once.
"""

import contextlib
import logging
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from vedette.cli.addresses import check_address, dialled, free_port, is_live
from vedette.cli.family import tie_to_parent
from vedette.core import runtime
from vedette.core.runtime import EngineAway, EngineRuntime
from vedette.settings import Settings

log = logging.getLogger("vedette.serve")

FRONT, ENGINE = "front", "engine"
STOP_SECONDS = 15.0
FRONT_STOP_SECONDS = 7.0
HEALTHY_SECONDS = 10.0  # after that long a death is a first one again: restarting that often costs little
LONGEST_WAIT_SECONDS = 30.0
POLL_SECONDS = 0.02  # while something starts
SLOW_START_SECONDS = 10.0  # after that long we say so, and look less often
SLOW_POLL_SECONDS = 0.5
PROBE_SECONDS = 1.0
SAME_SIGNAL_SECONDS = 0.5  # some tools send a signal to a process and again to its group
STILL_BORN_LIMIT = 5  # deaths of a child that was never ready, until we say that this server does not start
MISCONFIGURED = 2


def delay_before_restart(deaths: int) -> float:
    """Seconds to wait after the nth death in a row: none after the first, then 0.5, 1, 2 … up to 30."""
    return 0.0 if deaths <= 1 else min(0.5 * 2.0 ** (min(deaths, 20) - 2), LONGEST_WAIT_SECONDS)


def cause_of_death(returncode: int) -> str:
    """A return code in words: the signal that killed it, or its exit status."""
    if returncode >= 0:
        return f"exited with status {returncode}"
    try:
        return f"was killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was killed by signal {-returncode}"


@dataclass(slots=True)
class Child:
    """One of the two processes. Times are monotonic seconds; `start_at` is when it is due while it does not run."""

    name: str
    command: list[str]
    is_ready: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float | None = None
    ready_at: float | None = None
    was_ever_ready: bool = False
    deaths: int = 0
    is_slow: bool = False

    @property
    def is_starting(self) -> bool:
        """Whether it runs and has not said that it is ready."""
        return self.process is not None and self.ready_at is None

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started_at


class Supervisor:
    """Runs the server of one data directory until a signal. `arguments` go to both children as they are."""

    def __init__(self, settings: Settings, *, engine_arguments: list[str], front_arguments: list[str]) -> None:
        self.settings = settings
        python = [sys.executable, "-m"]
        self.engine = Child(ENGINE, [*python, "vedette.cli.engine", *engine_arguments], self._is_engine_ready)
        self.front = Child(FRONT, [*python, "vedette.cli.front", *front_arguments], self._is_front_ready)
        self._runtime: EngineRuntime | None = None
        self._stopping_since: float | None = None
        self._impatient = False
        self._announced = False
        self._status = 0
        self._tie = tie_to_parent()

    def run(self, on_ready: Callable[[], None]) -> int:
        """Start, watch and stop; the exit status. `on_ready` is called once, when both answer for the first time.

        Both bring the relational database up to date before they answer: whichever comes first does it. Raises
        `Misconfigured` when the address is taken.
        """
        check_address(self.settings.bind_host, self.settings.bind_port)
        with self._signals() as wake:
            try:
                self._start(self.engine)
                self._start(self.front)
                while self._stopping_since is None and self._look(on_ready):
                    self._sleep(wake)
            finally:
                self._stop(wake)
        return self._status

    def _look(self, on_ready: Callable[[], None]) -> bool:
        """Everything that is due now; False when this server has to end."""
        for child in (self.engine, self.front):
            if child.process and child.process.poll() is not None and not self._bury(child):
                return False
            if child.start_at is not None and child.start_at <= time.monotonic():
                self._start(child)
            if child.is_starting and child.is_ready():
                self._welcome(child)
            elif child.is_starting and not child.is_slow and child.age >= SLOW_START_SECONDS:
                child.is_slow = True
                log.warning("the %s is not ready after %.0f s; still waiting for it", child.name, child.age)
        if not self._announced and self.engine.ready_at and self.front.ready_at:
            self._announced = True
            on_ready()
        return True

    def _start(self, child: Child) -> None:
        if child is self.engine:
            self._runtime = EngineRuntime(
                port=free_port(runtime.LOOPBACK),
                secret=secrets.token_urlsafe(32),
                pid=os.getpid(),
                url=self.settings.url,
                front=f"{dialled(self.settings.bind_host)}:{self.settings.bind_port}",
            )
            runtime.write(self.settings.runtime_file, self._runtime)
        child.process = self._spawn(child.command)
        child.started_at, child.start_at, child.ready_at = time.monotonic(), None, None
        child.is_slow = False

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        # A group of its own, so that Ctrl-C reaches only this process, which then stops its children in order.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=self._tie)  # noqa: S603

    def _bury(self, child: Child) -> bool:
        """A child is dead: say so, and plan its restart. False when the server should end instead."""
        assert child.process  # noqa: S101
        returncode, pid = child.process.returncode, child.process.pid
        lived_well = child.ready_at is not None and time.monotonic() - child.ready_at >= HEALTHY_SECONDS
        child.deaths = 1 if lived_well else child.deaths + 1
        child.process, child.ready_at = None, None
        cause = f"the {child.name} (process {pid}) {cause_of_death(returncode)}"
        if not child.was_ever_ready and (returncode == MISCONFIGURED or child.deaths >= STILL_BORN_LIMIT):
            log.error("%s before it was ready: the server does not start", cause)
            self._status = MISCONFIGURED if returncode == MISCONFIGURED else 1
            return False
        delay = delay_before_restart(child.deaths)
        child.start_at = time.monotonic() + delay
        log.error("%s; starting it again %s", cause, f"in {delay:g} s" if delay else "at once")
        return True

    def _welcome(self, child: Child) -> None:
        child.ready_at = time.monotonic()
        child.was_ever_ready = True
        message = "the %s is back after %.2f s" if child.deaths else "the %s is ready after %.2f s"
        log.log(
            logging.WARNING if child.deaths else logging.DEBUG, message, child.name, child.ready_at - child.started_at
        )

    def _is_engine_ready(self) -> bool:
        try:
            return bool(
                self._runtime and runtime.ask_engine(self._runtime, "status", timeout_seconds=PROBE_SECONDS)["ready"]
            )
        except (EngineAway, KeyError):
            return False

    def _is_front_ready(self) -> bool:
        return is_live(self.settings.bind_host, self.settings.bind_port)

    def _sleep(self, wake: int) -> None:
        """Until a signal, or until something is due."""
        children = (self.engine, self.front)
        timeout: float | None = None
        if starting := [child for child in children if child.is_starting]:
            timeout = SLOW_POLL_SECONDS if all(child.is_slow for child in starting) else POLL_SECONDS
        due = [child.start_at for child in children if child.start_at is not None]
        if due:
            timeout = min(timeout if timeout is not None else LONGEST_WAIT_SECONDS, max(min(due) - time.monotonic(), 0))
        _wait(wake, timeout)

    def _stop(self, wake: int) -> None:
        """The front first, which drains; then the engine. What takes too long is killed, or at a second Ctrl-C."""
        deadline = time.monotonic() + STOP_SECONDS
        if self.front.process:
            front_deadline = time.monotonic() + FRONT_STOP_SECONDS
            _end(self.front.process, wake, front_deadline, lambda: self._impatient)
        if self.engine.process:
            _end(self.engine.process, wake, deadline, lambda: self._impatient)
        with contextlib.suppress(OSError):
            Path(self.settings.runtime_file).unlink()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Signals become bytes in a pipe; gives the end to wait on."""
        wake, write = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(write, False)
        asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._asked_to_stop) for number in asked}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        previous = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        try:
            yield wake
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(wake)
            os.close(write)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._stopping_since is None:
            self._stopping_since = now
        elif number == signal.SIGINT and now - self._stopping_since > SAME_SIGNAL_SECONDS:
            self._impatient = True


def _wait(wake: int, timeout_seconds: float | None) -> None:
    select.select([wake], [], [], timeout_seconds)
    with contextlib.suppress(BlockingIOError):
        while os.read(wake, 512):
            pass


def _end(process: subprocess.Popen[bytes], wake: int, deadline: float, impatient: Callable[[], bool]) -> None:
    """Ask a process to end, wait for it, and kill it when it takes too long."""
    if process.poll() is None:
        process.terminate()
    while process.poll() is None and time.monotonic() < deadline and not impatient():
        _wait(wake, min(0.2, max(deadline - time.monotonic(), 0)))
    if process.poll() is None:
        log.warning("process %d did not end in time and is killed", process.pid)
        process.kill()
        process.wait()
