"""kill -9 of an import at random moments, gone on with by its uuid: the result equals an undisturbed import.

`VEDETTE_FAULT_ROWS` and `VEDETTE_FAULT_KILLS` scale it (60 kills of 200,000 rows are the full size);
`VEDETTE_FAULT_SEED` repeats a run that failed.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import store_settings
from tests.support.migrated import put_migrated
from tests.support.server import ROOT, TETHER

ROWS = int(os.environ.get("VEDETTE_FAULT_ROWS", "20000"))
KILLS = int(os.environ.get("VEDETTE_FAULT_KILLS", "6")) // 2  # of each kind
SEED = int(os.environ.get("VEDETTE_FAULT_SEED") or random.SystemRandom().randrange(10**6))
UUID = "5eed" * 8
MOST_SECONDS = 900


class Installation:
    """A directory with a database and nothing that runs on it."""

    def __init__(self, directory: Path, file: Path, stores: dict[str, str]) -> None:
        directory.mkdir()
        self.data_dir = directory / "data"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))}
        self._environment = {**kept, "PYTHONPATH": str(ROOT), "VEDETTE_DATA_DIR": str(self.data_dir), **stores}
        self._file = file
        if not put_migrated(self.data_dir):
            command = self._command("migrate", "--relational")
            subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=120)

    @property
    def is_under_way(self) -> bool:
        """Whether there is something to go on with."""
        return (self.data_dir / "relocation" / "imports" / UUID).is_dir()

    def begin(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start an import, or go on with it, where there is something to go on with."""
        resume = ("--resume",) if self.is_under_way else ()
        arguments = ("import", "global", str(self._file), "--import-uuid", UUID, "--no-prompt", "--silent")
        command = [sys.executable, "-c", TETHER, *self._command(*arguments, *resume, *options)]
        return subprocess.Popen(command, env=self._environment, stderr=subprocess.PIPE)

    def finish(self, *options: str) -> tuple[float, float]:
        """Import to the end; after how many seconds it began to read, and after how many it was done."""
        began = time.monotonic()
        process = self.begin(*options)
        while not self.is_under_way and process.poll() is None:
            time.sleep(0.01)
        reading = time.monotonic() - began
        _, told = process.communicate(timeout=MOST_SECONDS)
        assert process.returncode == 0, told.decode()
        return reading, time.monotonic() - began

    def kill_after(self, seconds: float, *options: str) -> bool:
        """Import for so long; whether there was anything left to kill."""
        process = self.begin(*options)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, told = process.communicate(timeout=seconds)
            assert process.returncode == 0, told.decode()
            return False
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        return True

    def report(self, *only: str) -> dict[str, Any]:
        """What the import has written so far."""
        told = subprocess.run(
            [sys.executable, "-m", "tests.faults.moved_report", UUID, *only],
            env=self._environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=MOST_SECONDS,
        )
        report: dict[str, Any] = json.loads(told.stdout)
        return report

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "vedette", *arguments]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An export of so many rows."""
    path = tmp_path / "export.json"
    subprocess.run([sys.executable, "-m", "bench.relocationfile", str(ROWS), str(path)], cwd=ROOT, check=True)
    return path


@pytest.fixture
def installations(tmp_path: Path, file: Path) -> Iterator[Any]:
    """Makes empty installations."""
    with ExitStack() as stack:
        yield lambda name: Installation(tmp_path / name, file, stack.enter_context(store_settings()))


@pytest.mark.parametrize(
    "options", [pytest.param((), id="all at once"), pytest.param(("--in-batches",), id="in batches")]
)
def test_what_was_killed_and_gone_on_with_equals_what_was_not(installations, options):
    chance = random.Random(SEED)
    print(f"VEDETTE_FAULT_SEED={SEED}")
    undisturbed = installations("undisturbed")
    reading, whole = undisturbed.finish(*options)
    expected = undisturbed.report()
    assert expected["rows"] > 0.9 * ROWS
    longest = whole - reading

    kills = rounds = 0
    while kills < KILLS:
        disturbed = installations(f"disturbed-{rounds}")
        chunks, is_done = list[int](), False
        while kills < KILLS and not is_done:
            # Anywhere in the whole of it, or soon after it began: what is gone on with has less left to do.
            moment = chance.uniform(0, longest) * chance.choice((0.3, 1))
            is_done = not disturbed.kill_after(reading + moment, *options)
            kills += not is_done
            chunks.append(disturbed.report("chunks")["chunks"])
            assert options or chunks[-1] in (0, expected["chunks"])
            is_done = is_done or bool(chunks[-1] and not disturbed.is_under_way)  # it was killed on its way out
        took = 0.0 if is_done else disturbed.finish(*options)[1]
        print(f"{ROWS} rows in {whole:.1f} s; {kills} kills, chunks after each: {chunks}; the rest took {took:.1f} s")

        assert disturbed.report() == expected
        assert not disturbed.is_under_way
        rounds += 1
        longest *= 0.8  # this machine was slower when that was measured
