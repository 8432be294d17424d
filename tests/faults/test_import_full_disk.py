"""An import or an export whose disk is full: it says so, ends with an error, and leaves database and disk as they were.

Files that may not grow beyond a size fill up as a disk does, and need no root.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import on_own_stores
from tests.faults.stores import small_disk
from tests.support.migrated import put_migrated
from tests.support.server import ROOT

ROWS = 6000  # three megabytes
pytestmark = on_own_stores


class Installation:
    """A database of its own in `directory`, and what `vedette` says about it."""

    def __init__(self, directory: Path, database: Path | None = None) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.database = database or self.data_dir / "vedette.sqlite3"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))}
        self.environment = {**kept, "PYTHONPATH": str(ROOT), "VEDETTE_DATA_DIR": str(self.data_dir)}
        if database is not None:
            self.environment["VEDETTE_DATABASE_URL"] = f"sqlite:///{database}"
        if database is not None or not put_migrated(self.data_dir):
            self.run("migrate", "--relational", status=0)

    def run(self, *arguments: str, largest_file: int | None = None, status: int | None = None) -> str:
        """Run a command whose files may not grow beyond `largest_file` bytes; what it complains about."""
        most = resource.RLIM_INFINITY if largest_file is None else largest_file
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        done = subprocess.run(
            [sys.executable, "-m", "vedette", *arguments],
            cwd=self.directory,
            env=self.environment,
            preexec_fn=limit,
            capture_output=True,
            timeout=300,
            check=False,
        )
        told = done.stderr.decode()
        assert status is None or done.returncode == status, told
        assert "Traceback" not in told
        return told

    def bring_in(self, file: Path, *options: str, **how: Any) -> list[dict[str, Any]]:
        """Import everything in `file`; the errors that are told."""
        findings = self.directory / "findings.json"
        findings.unlink(missing_ok=True)
        arguments = ("import", "global", str(file), "--no-prompt", "--silent", "--findings-file", str(findings))
        self.run(*arguments, *options, **how)
        return [one for one in json.loads(findings.read_text()) if one["severity"] == "error"]

    def content(self) -> list[str]:
        """The whole database; sound."""
        with sqlite3.connect(self.database) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return list(database.iterdump())

    def left_behind(self) -> list[str]:
        """What lies in the scratch directories."""
        directory = self.data_dir / "relocation"
        return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of so many rows."""
    path = tmp_path_factory.mktemp("exports") / "export.json"
    subprocess.run([sys.executable, "-m", "bench.relocationfile", str(ROWS), str(path)], cwd=ROOT, check=True)
    return path


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_an_import_that_finds_no_room_leaves_nothing_and_needs_only_room(
    installation: Installation, file: Path
) -> None:
    before = installation.content()
    size = installation.database.stat().st_size

    # While the file is laid out; while the database's log grows; when the log is written into the database, whose own
    # free room holds some of it.
    for largest in (2**18, file.stat().st_size, size + 2**16):
        errors = installation.bring_in(file, largest_file=largest, status=1)

        assert len(errors) == 1, largest
        assert installation.content() == before, largest
        assert installation.left_behind() == [], largest

    assert installation.bring_in(file, status=0) == []
    assert len(installation.content()) > len(before) + ROWS // 2


def test_an_import_into_a_full_disk_leaves_nothing(tmp_path: Path, file: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        installation = Installation(tmp_path, disk.path / "vedette.sqlite3")
        before = installation.content()

        for left in (0, 2**19):
            disk.fill(left)
            errors = installation.bring_in(file, status=1)
            disk.free()

            assert len(errors) == 1
            assert "full" in errors[0]["reason"] or "space" in errors[0]["reason"]
            assert installation.content() == before

        assert installation.bring_in(file, status=0) == []


def test_what_was_in_batches_goes_on_when_there_is_room(installation: Installation, file: Path) -> None:
    size = installation.database.stat().st_size
    uuid = "ab" * 16

    installation.bring_in(file, "--in-batches", "--import-uuid", uuid, largest_file=size + 2**19, status=1)
    resumed = ("--resume",) if installation.left_behind() else ()
    errors = installation.bring_in(file, "--in-batches", "--import-uuid", uuid, *resumed, status=0)

    assert errors == []
    assert installation.left_behind() == []


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "encrypted"])
def test_an_export_that_finds_no_room_leaves_no_file(installation: Installation, file: Path, sealed: bool) -> None:
    installation.bring_in(file, status=0)
    options: tuple[str, ...] = ()
    if sealed:
        subprocess.run(["openssl", "genrsa", "-out", "private.pem", "2048"], cwd=installation.directory, check=True)
        subprocess.run(
            ["openssl", "rsa", "-in", "private.pem", "-pubout", "-out", "public.pem"],
            cwd=installation.directory,
            check=True,
        )
        options = ("--encrypt-with", "public.pem")
    dest = installation.directory / "out"
    dest.mkdir()
    (dest / "export").write_text("the one before")

    told = installation.run("export", "global", str(dest / "export"), *options, largest_file=2**19, status=1)

    assert told
    assert {path.name: path.read_text() for path in dest.iterdir()} == {"export": "the one before"}
