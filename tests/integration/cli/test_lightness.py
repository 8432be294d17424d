import subprocess
import sys

import pytest

HEAVY = ("django", "chdb", "clickhouse_connect", "granian", "rest_framework", "prometheus_client", "rich")
LIGHT = {
    "the supervisor": "vedette.cli.serve vedette.cli.supervisor vedette.settings vedette.core.runtime",
    "the entry point": "vedette.cli.main vedette.cli.version",
    "releases": "vedette.cli.releases",
    "status": "vedette.cli.status vedette.health.status",
}


@pytest.mark.parametrize("modules", LIGHT.values(), ids=LIGHT)
def test_it_imports_nothing_heavy(modules, tmp_path):
    code = (
        "import importlib, sys\n"
        f"for name in {modules.split()!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path), "VEDETTE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_the_engine_s_modules_leave_chdb_alone_until_it_is_opened(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import sys, vedette.cli.engine; print('chdb' in sys.modules)"],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path), "VEDETTE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout.strip() == "False"
