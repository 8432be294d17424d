"""A live Vedette: `vedette serve` in processes of its own, on a free port, in a directory that goes away with it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self

from tests.support.databases import store_settings
from tests.support.http import Client
from tests.support.migrated import put_migrated
from vedette.core import runtime
from vedette.core.runtime import EngineAway, EngineRuntime

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30.0
# Ends with the process that started it, whatever becomes of that one (PR_SET_PDEATHSIG outlives an exec).
TETHER = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"

running: list["LiveServer"] = []


class LiveServer:
    """One server. Start it from the thread that ends last: the processes are tethered to it.

    `environment` adds settings; `arguments` go to `vedette serve`. With `migrated` it finds a database that is up to
    date. As a context manager it is started and stopped.
    """

    def __init__(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        directory: Path | None = None,
        migrated: bool = False,
    ) -> None:
        self.arguments = arguments
        self.directory = directory or Path(tempfile.mkdtemp(prefix="vedette-live-"))
        self.data_dir = self.directory / "data"
        self.log_path = self.directory / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = Client(self.url)
        self.ready_after_seconds = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._stores = ExitStack()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))},
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "VEDETTE_DATA_DIR": str(self.data_dir),
            "VEDETTE_BIND": f"127.0.0.1:{self.port}",
            **self._stores.enter_context(store_settings()),
            **(environment or {}),
        }
        if migrated:
            put_migrated(self.data_dir)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ its life

    def start(self) -> Self:
        """Start it and wait until it says that it is ready."""
        assert self.process is None, "it runs already"
        began = time.monotonic()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", TETHER, *self._vedette("serve", *self.arguments)],
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running.append(self)
        self.wait_until_ready()
        self.ready_after_seconds = time.monotonic() - began
        return self

    def stop(self, timeout_seconds: float = 20.0) -> int:
        """End it in order, as an operator does; its exit status. What is left then is killed and named."""
        if self.process is None:
            return 0
        tree = self.tree()
        self.process.terminate()
        try:
            status = self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise AssertionError(f"the server did not stop in {timeout_seconds} s\n{self.log_tail()}") from None
        self._forget()
        left = [pid for pid in tree if _alive(pid)]
        for pid in left:
            _kill(pid)
        assert not left, f"processes outlived the server: {left}\n{self.log_tail()}"
        return status

    def restart(self) -> Self:
        """Stop it and start it again on the same data."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop it and remove everything it left; for good."""
        try:
            self.stop()
        finally:
            self.kill_all()
            self._stores.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    def kill_all(self) -> None:
        """kill -9 of the whole tree."""
        if self.process is None:
            return
        for pid in self.tree():
            _kill(pid)
        self.process.wait(10)
        self._forget()

    def kill(self, name: str) -> int:
        """kill -9 of the front, the engine or the preparer alone; the process id that it had."""
        pid = self.pids()[name]
        _kill(pid)
        return pid

    def _forget(self) -> None:
        self.process = None
        with contextlib.suppress(ValueError):
            running.remove(self)

    # ------------------------------------------------------------ what it is made of

    def tree(self) -> list[int]:
        """The process ids of the supervisor and of everything below it, the supervisor first."""
        if self.process is None:
            return []
        parents = _parents()
        found = [self.process.pid]
        for pid in found:
            found.extend(child for child, parent in parents.items() if parent == pid)
        return found

    def pids(self) -> dict[str, int]:
        """The processes by name: "supervisor", "front", "engine", "preparer", as far as they run."""
        names: dict[str, int] = {}
        for index, pid in enumerate(self.tree()):
            name = "supervisor" if index == 0 else role(pid)
            if name:
                names.setdefault(name, pid)
        return names

    def runtime(self) -> EngineRuntime:
        """How to reach its engine."""
        found = runtime.read(self.data_dir / "run" / "engine.json")
        assert found, "the server has written no runtime file"
        return found

    # ------------------------------------------------------------ waiting for it

    def wait_until_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Until `/health/ready` says yes."""
        self.wait_for(self.is_ready, timeout_seconds, "ready")

    def is_ready(self) -> bool:
        """Whether it says so now."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the server ended with status {self.process.returncode}\n{self.log_tail()}")
        try:
            return self.client.get("/health/ready").status == 200
        except (OSError, HTTPException):
            return False

    def wait_for(self, condition: Callable[[], bool], timeout_seconds: float, what: str) -> float:
        """Poll until something holds; the seconds it took. The server's log is part of the failure."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > timeout_seconds:
                raise AssertionError(f"not {what} after {timeout_seconds} s\n{self.log_tail()}")
            time.sleep(0.02)
        return time.monotonic() - began

    def flush(self, timeout_seconds: float = 30.0) -> None:
        """Wait until everything that was accepted before this call is digested."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"not digested after {timeout_seconds} s\n{self.log_tail()}"
            try:
                answer = runtime.ask_engine(
                    self.runtime(), "flush", {"timeout": min(left, 10.0)}, timeout_seconds=min(left, 10.0) + 2.0
                )
            except EngineAway:
                time.sleep(0.05)  # it is being restarted
                continue
            if answer.get("flushed", True):
                return

    def log_tail(self, lines: int = 60) -> str:
        """The end of what it printed."""
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    # ------------------------------------------------------------ using it

    def command(self, *arguments: str, timeout_seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run another `vedette` command on the same data."""
        return subprocess.run(
            self._vedette(*arguments),
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )

    def bootstrap(
        self, org: str = "acme", project: str = "web", email: str = "owner@example.com", password: str | None = None
    ) -> dict[str, Any]:
        """An organization with a project and an owner: what `vedette bootstrap --json` prints."""
        more = ("--password", password) if password else ()
        done = self.command("bootstrap", "--org", org, "--project", project, "--email", email, *more, "--json")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    def api(self, token: str) -> Client:
        """A client that carries a token."""
        return Client(self.url, {"Authorization": f"Bearer {token}"})

    def visitor(self, email: str, password: str) -> Client:
        """A person who has signed in."""
        visitor = Client(self.url)
        answer = visitor.post_form("/auth/login/", {"username": email, "password": password})
        assert answer.status in (302, 303), f"sign-in answered {answer.status}: {answer.text[:1000]}"
        return visitor

    def _vedette(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vedette", *arguments]


@contextlib.contextmanager
def live_server(
    *arguments: str, environment: dict[str, str] | None = None, migrated: bool = False
) -> Iterator[LiveServer]:
    """A server for the length of a block."""
    with LiveServer(*arguments, environment=environment, migrated=migrated) as server:
        yield server


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def role(pid: int) -> str:
    """Which of a node's processes this is, by its command line; "" for something else."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    for word in words:
        for name in ("front", "engine", "preparer"):
            if name in word.replace("/", ".").split("."):
                return name
    return ""


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return parents


def _alive(pid: int) -> bool:
    try:
        return (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) != "Z"
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
