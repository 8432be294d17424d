"""A live front for the tests of a module, and what it put into its spool."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.http import Answer, Client
from tests.support.server import ROOT, free_port
from vedette.spool.files import streams
from vedette.spool.reader import SpoolReader
from vedette.spool.records import SpooledEnvelope

KEYS: dict[str, Any] = {
    "a" * 32: {"organization_id": 1, "project_id": 7, "key_id": 70},
    "b" * 32: {"organization_id": 1, "project_id": 8, "key_id": 80, "active": False},
    "c" * 32: {"organization_id": 1, "project_id": 9, "key_id": 90, "project_active": False},
    "d" * 32: {"organization_id": 2, "project_id": 10, "key_id": 100, "allowed_domains": ["*.example.com"]},
    "e" * 32: {
        "organization_id": 2,
        "project_id": 11,
        "key_id": 110,
        "quotas": [["k110", "key", 2, 3600, "key_quota", [0, 1, 3]]],
    },
    "1" * 32: {
        "organization_id": 2,
        "project_id": 12,
        "key_id": 120,
        "quotas": [
            ["p12", "project", 1, 10, "project_abuse_limit", [5]],
            ["o2", "organization", 2, 60, "org_quota", [0, 1, 3]],
            ["k120", "key", 0, 60, "key_quota", [2]],
        ],
    },
    "f" * 32: "away",
}


class FrontProcess:
    """One front with its directory."""

    def __init__(self, directory: Path, *settings: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.client = Client(f"http://127.0.0.1:{self.port}", timeout_seconds=60)
        self.write_keys(KEYS)
        self.log = (directory / "log").open("ab")
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("front_process.py")),
                str(directory),
                str(self.port),
                *settings,
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=self.log,
            stderr=self.log,
        )
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.client.get("/hello")
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the front did not start\n{self.output()}")

    def write_keys(self, keys: dict[str, Any]) -> None:
        """Change what the database says, at once."""
        fresh = self.directory / "keys.json.new"
        fresh.write_text(json.dumps(keys))
        fresh.replace(self.directory / "keys.json")

    def post(self, path: str, body: bytes = b"", **headers: str) -> Answer:
        """POST; header names with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request("POST", path, body, named)

    def spooled(self) -> list[SpooledEnvelope]:
        """Everything in the spool that is not a count of refusals."""
        return [item for item in self._all() if item.receipt.kind != "outcomes"]

    def outcomes(self) -> list[dict[str, Any]]:
        """The counted refusals, each with its project."""
        return [
            {"project": item.receipt.project_id, **line}
            for item in self._all()
            if item.receipt.kind == "outcomes"
            for line in json.loads(item.body)
        ]

    def stop(self) -> int:
        """End it in order; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.log.close()

    def output(self) -> str:
        """What it printed."""
        return (self.directory / "log").read_text(errors="replace")

    def _all(self) -> list[SpooledEnvelope]:
        items: list[SpooledEnvelope] = []
        for stream in streams(self.directory / "spool"):
            with closing(SpoolReader(stream)) as reader:
                items += reader.read(max_items=100_000, max_bytes=2**31)
        return items


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    """One front for all tests of a module; it must stop without a complaint."""
    front = FrontProcess(tmp_path_factory.mktemp("front"))
    try:
        yield front
    finally:
        status = front.stop()
    assert status == 0, front.output()


@pytest.fixture
def a_front(tmp_path: Path) -> Iterator[Callable[..., FrontProcess]]:
    """Fronts of a test's own."""
    made: list[FrontProcess] = []

    def make(*settings: str) -> FrontProcess:
        front = FrontProcess(tmp_path, *settings)
        made.append(front)
        return front

    yield make
    for front in made:
        front.stop()
