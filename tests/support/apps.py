"""Applications that report to Vedette: started as processes of their own, watched, and always ended."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.http import Client
from tests.support.server import LiveServer, free_port

START_SECONDS = 30.0


@contextmanager
def running_app(server: LiveServer, command: list[str], environment: dict[str, str], cwd: Path) -> Iterator[Client]:
    """Run a web application; it gets its port in `PORT`. Gives a client of it once it answers."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={**server.environment, **environment, "PORT": str(port)},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            app = Client(f"http://127.0.0.1:{port}")
            _wait_until_it_answers(app, process)
            yield app
        except BaseException as error:
            log.seek(0)
            error.add_note(f"the application printed:\n{log.read().decode('utf-8', 'replace')[-4000:]}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_answers(app: Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the application ended with status {process.returncode}"
        try:
            if app.get("/").status < 500:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the application does not answer after {START_SECONDS} s")
