"""A data directory of the test's own, and the `vedette` command on it in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import store_settings
from tests.support.migrated import put_migrated

ROOT = Path(__file__).resolve().parents[3]


class Vedette:
    """The command on one data directory, with databases of its own."""

    def __init__(self, data_dir: Path, environment: dict[str, str]) -> None:
        self.data_dir = data_dir
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))},
            "PYTHONPATH": str(ROOT),
            "VEDETTE_DATA_DIR": str(data_dir),
            "VEDETTE_BIND": "127.0.0.1:9000",
            **environment,
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The command, running."""
        return subprocess.Popen(
            [sys.executable, "-m", "vedette", *arguments],
            env={**self.environment, **environment},
            cwd=self.data_dir.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command, ended."""
        process = self.start(*arguments, **environment)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def json(self, *arguments: str, status: int = 0, **environment: str) -> Any:
        """What it prints with `--json`; fails when it ends with another status."""
        done = self.run(*arguments, "--json", **environment)
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture
def vedette(tmp_path: Path) -> Iterator[Vedette]:
    """The command on an empty data directory."""
    with store_settings() as environment:
        yield Vedette(tmp_path / "data", environment)


@pytest.fixture
def migrated(vedette: Vedette) -> Vedette:
    """The command on a data directory whose database is up to date."""
    if not put_migrated(vedette.data_dir):
        vedette.json("migrate", "--relational")
    return vedette
