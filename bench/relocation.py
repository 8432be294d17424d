"""Exports and imports of files of 10,000, 100,000 and 1,000,000 rows, with the commands that people call.

Each runs in a process of its own on a data directory of its own: what is measured is the rate from the first row to the
last with everything around it (start, migrations checked, plan), and the private memory of the process at its peak.
`parse` is the same reader on the same file and nothing else, so that the others can be read against it. On PostgreSQL
with `VEDETTE_TEST_DATABASE_URL`, on SQLite otherwise. `BENCH_RELOCATION_ROWS` (`10000,100000`) names other sizes.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bench.memory import of_process
from bench.relocationfile import write
from bench.server import Result
from tests.support.databases import TEST_DATABASE_URL, store_settings
from tests.support.migrated import put_migrated
from tests.support.server import ROOT

SIZES = (10_000, 100_000, 1_000_000)
GOAL_PER_SECOND = {"SQLite": 20_000, "PostgreSQL": 10_000}
GOAL_PRIVATE_MB = 250
_LOOK_SECONDS = 0.05
_PARSE = """
import sys, time
from vedette.relocation.files.reader import read_rows
began = time.perf_counter()
with open(sys.argv[1], "rb") as stream:
    rows = sum(1 for _ in read_rows(stream))
print({"rows": rows, "seconds": time.perf_counter() - began})
"""


def relocation() -> Iterator[Result]:
    """Of each size: parse, import, export, both encrypted, compare."""
    sizes = os.environ.get("BENCH_RELOCATION_ROWS", "")
    with TemporaryDirectory(prefix="vedette-bench-") as directory:
        home = Path(directory)
        private, public = _keys(home)
        for rows in [int(size) for size in sizes.split(",")] if sizes else SIZES:
            yield from _of(home, rows, private, public)


def _of(home: Path, rows: int, private: Path, public: Path) -> Iterator[Result]:
    given, back, sealed = home / "given.json", home / "back.json", home / "sealed.tar"
    with given.open("wb") as stream:
        write(stream, rows)
    parsing = _measured([sys.executable, "-c", _PARSE, str(given)], {})
    yield _result("parse", rows, parsing, parsing, megabytes=round(given.stat().st_size / 1e6, 1))
    with _installation(home / "data") as environment:
        taken = _measured(_vedette("import", "global", given, "--no-prompt", "--no-mail"), environment)
        yield _result("import", rows, taken, parsing, **_goals())
        written = _measured(_vedette("export", "global", back), environment)
        yield _result("export", rows, written, parsing, **_goals())
        encrypted = _measured(_vedette("export", "global", sealed, "--encrypt-with", public), environment)
        yield _result("export, encrypted", rows, encrypted, parsing, to_plain=_ratio(encrypted, written))
    with _installation(home / "data") as environment:
        command = _vedette("import", "global", sealed, "--no-prompt", "--no-mail", "--decrypt-with", private)
        opened = _measured(command, environment)
        yield _result("import, encrypted", rows, opened, parsing, to_plain=_ratio(opened, taken))
    with _installation(home / "data") as environment:
        compared = _measured(_vedette("backup", "compare", given, back, "--exit-zero"), environment)
        yield _result("compare", 2 * rows, compared, parsing)
    for path in (given, back, sealed):
        path.unlink()


class _installation:
    """An empty data directory with tables, and a database of its own where that is PostgreSQL."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._stores = store_settings()

    def __enter__(self) -> dict[str, str]:
        stores = self._stores.__enter__()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))}
        environment = {**kept, **stores, "PYTHONPATH": str(ROOT), "VEDETTE_DATA_DIR": str(self._data_dir)}
        if not put_migrated(self._data_dir):
            migrate = [sys.executable, "-m", "vedette", "migrate", "--relational", "--json"]
            subprocess.run(migrate, env=environment, check=True, stdout=subprocess.DEVNULL)
        return environment

    def __exit__(self, *error: object) -> None:
        subprocess.run(["rm", "-rf", str(self._data_dir)], check=True)
        self._stores.__exit__(None, None, None)


def _vedette(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "vedette", *(str(one) for one in arguments), "--json"]


def _measured(command: list[str], environment: dict[str, str]) -> Result:
    """Run a process to its end: seconds, processor seconds, and its peak of private memory in megabytes."""
    before = os.times()
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=environment or {**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    peak = 0.0
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    said = b""
    while process.poll() is None:
        peak = max(peak, of_process(process.pid).private)
        said = (said + (process.stderr.read() or b""))[-4000:]
        time.sleep(_LOOK_SECONDS)
    said += process.stderr.read() or b""
    process.stderr.close()
    if process.returncode:
        raise AssertionError(f"{command[3:6]}: {said.decode(errors='replace')[-1500:]}")
    after = os.times()
    return {
        "seconds": time.monotonic() - began,
        "cpu_seconds": after.children_user + after.children_system - before.children_user - before.children_system,
        "private_mb": peak,
    }


def _result(name: str, rows: int, measured: Result, parsing: Result, **more: object) -> Result:
    return {
        "name": f"{name}, {rows} rows",
        "store": _store(),
        "rows_per_second": round(rows / measured["seconds"]),
        "rows_per_cpu_second": round(rows / max(measured["cpu_seconds"], 0.01)),
        "seconds": round(measured["seconds"], 2),
        "cpu_seconds": round(measured["cpu_seconds"], 2),
        "peak_private_mb": measured["private_mb"],
        "times_parsing": _ratio(measured, parsing),
        **more,
    }


def _ratio(measured: Result, other: Result) -> float:
    return round(float(measured["cpu_seconds"]) / max(float(other["cpu_seconds"]), 0.01), 2)


def _store() -> str:
    return "PostgreSQL" if TEST_DATABASE_URL.startswith("postgres") else "SQLite"


def _goals() -> dict[str, object]:
    return {"goal_per_second": GOAL_PER_SECOND[_store()], "goal_private_mb": GOAL_PRIVATE_MB}


def _keys(home: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = home / "private.pem", home / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def main() -> int:
    """The scene alone, without keeping its results."""
    for result in relocation():
        print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
