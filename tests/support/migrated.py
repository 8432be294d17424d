"""A database that is up to date already, for processes of their own on a data directory of their own.

Bringing an empty one up to date takes longer than most of what is tested behind it.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.support.databases import TEST_DATABASE_URL

ROOT = Path(__file__).resolve().parents[2]


def put_migrated(data_dir: Path) -> bool:
    """Lay a migrated SQLite database and a secret key into the data directory. On PostgreSQL nothing is done, and the
    answer is False: the first process migrates."""
    if TEST_DATABASE_URL.startswith("postgres"):
        return False
    data_dir.mkdir(mode=0o700, exist_ok=True)
    for name in ("vedette.sqlite3", "secret-key"):
        shutil.copy(_template() / name, data_dir / name)
    return True


@cache
def _template() -> Path:
    from tests.support.settings import TEST_DIR  # it names the test's own data directory to whoever imports it

    directory = TEST_DIR / "migrated"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))}
    subprocess.run(
        [sys.executable, "-m", "vedette", "migrate", "--relational"],
        env={**kept, "PYTHONPATH": str(ROOT), "VEDETTE_DATA_DIR": str(directory)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return directory
