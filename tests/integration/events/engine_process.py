"""A real event store for tests: the engine in a process of its own, so that no test process ever imports chDB."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from vedette.events.client import EngineAddress, EventStore, connect

ROOT = Path(__file__).resolve().parents[3]


class EngineProcess:
    """`python -m vedette.events.engine` on a directory. Ends with the test process, whatever becomes of it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.secret = ""

    def start(self) -> "EngineProcess":
        """Start it and wait until it answers. A second start (after a kill) brings a new port and a new secret."""
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "vedette.events.engine",
                "--dir",
                str(self.directory),
                "--until-eof",
                *self.arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the engine did not start: exit status {self.process.wait(10)}"
        ready = json.loads(line)
        self.port, self.secret = ready["port"], ready["secret"]
        return self

    @property
    def address(self) -> EngineAddress:
        """Where it listens now."""
        return EngineAddress("127.0.0.1", self.port, self.secret)

    def store(self) -> EventStore:
        """A store that follows the engine over restarts."""
        return connect(lambda: self.address)

    def stop(self) -> int:
        """Let it close in order; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        status = process.wait(30)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        return status


@contextlib.contextmanager
def running_engine(directory: Path, *arguments: str) -> Iterator[EngineProcess]:
    """An engine on a directory for the length of a block."""
    engine = EngineProcess(directory, *arguments)
    try:
        yield engine.start()
    finally:
        engine.kill()
