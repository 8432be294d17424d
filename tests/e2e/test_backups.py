"""`vedette backup verify` and its neighbours as people call them: real processes, real files."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.databases import store_settings
from tests.support.migrated import put_migrated
from tests.support.server import ROOT

DATA = ROOT / "tests" / "data" / "relocation"
FILES = ("fresh-install", "user-with-minimum-privileges", "single-option", "duplicate-username-and-organization-slug")
SCOPES = ("users", "organizations", "config", "global")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command on an installation of its own."""
    with store_settings() as stores:
        put_migrated(tmp_path / "data")

        def _run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
            done = subprocess.run(
                [sys.executable, "-m", "vedette", *(str(one) for one in arguments)],
                env={
                    "PATH": "/usr/bin:/bin",
                    "PYTHONPATH": str(ROOT),
                    "VEDETTE_DATA_DIR": str(tmp_path / "data"),
                    **stores,
                },
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
            return done

        yield _run  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "scope"), [*((name, "global") for name in FILES), *((FILES[-1], scope) for scope in SCOPES[:-1])]
)
def test_every_real_export_can_be_restored(run, name, scope, tmp_path):
    done = run("backup", "verify", DATA / f"{name}.json", "--scope", scope, "--json")

    assert json.loads(done.stdout)["clean"] is True
    assert list((tmp_path / "data" / "relocation").glob("verify-*")) == []


def test_a_sealed_one_too(run, tmp_path):
    subprocess.run(["openssl", "genrsa", "-out", "k.pem", "2048"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", "k.pem", "-pubout", "-out", "p.pem"], cwd=tmp_path, check=True)
    run("backup", "encrypt", "sealed.tar", "--src", DATA / "fresh-install.json", "--encrypt-with", "p.pem")

    assert "verified" in run("backup", "verify", "sealed.tar", "--decrypt-with", "k.pem").stdout


def test_an_archive_too(run):
    run("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")
    run("export", "organizations", "acme.vedette", "--full", "--silent")

    assert "verified" in run("backup", "verify", "acme.vedette", "--scope", "organizations").stdout


def test_what_would_be_lost_is_no_backup(run, tmp_path):
    rows = [{"model": "sentry.team", "pk": 1, "fields": {"organization": 9, "slug": "a", "name": "A"}}]
    (tmp_path / "lost.json").write_text(json.dumps(rows))

    done = run("backup", "verify", "lost.json", "--findings-file", "f.json", status=1)

    assert "DroppedRow" in (tmp_path / "f.json").read_text()
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_imported_says_where(run, tmp_path):
    (tmp_path / "bad.json").write_text('[\n  {"model": "sentry.user", "pk": 7, "fields": {"username": 5}}\n]')

    done = run("backup", "verify", "bad.json", status=1)

    assert "sentry.user 7.username (line 2)" in done.stderr


def test_a_full_restore_keeps_a_copy_of_what_was_there_and_that_can_be_restored(run, tmp_path):
    run("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")
    run("import", "global", DATA / "fresh-install.json", "--no-prompt", status=1)
    done = run("import", "global", DATA / "fresh-install.json", "--no-prompt", "--wipe")
    assert "is kept in" in done.stderr
    assert "acme" not in run("export", "organizations", "--silent").stdout

    (copy,) = (tmp_path / "data" / "relocation").glob("before-wipe-*.vedette")
    assert copy.stat().st_mode & 0o777 == 0o600
    run("import", "global", copy, "--no-prompt", "--wipe", "--no-safety-export")

    slugs = {row["fields"].get("slug") for row in json.loads(run("export", "organizations", "--silent").stdout)}
    assert "acme" in slugs
    assert "testing" not in slugs
