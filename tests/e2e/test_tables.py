"""The tables of an empty database are those that its migrations lead to, whichever database it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.databases import store_settings
from tests.support.server import ROOT

# What the database itself says of its tables: columns, constraints and indexes by their names, and every row of those
# that migrations may write to. The order of columns is the one thing that no query of ours depends on.
TOLD = """
import json, re, sys
import django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from vedette.cli.migrate import ensure_migrated
if sys.argv[1] == "at once":
    ensure_migrated()
else:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert ensure_migrated() == []
told = {}
numbered = re.compile(r"__|fk_[0-9]+$")  # names that only their place in the table made, on SQLite
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        columns = connection.introspection.get_table_description(cursor, table)
        constraints = connection.introspection.get_constraints(cursor, table)
        cursor.execute("SELECT count(*) FROM " + connection.ops.quote_name(table))
        told[table] = {
            "columns": sorted(
                [one.name, str(one.type_code), str(one.display_size), bool(one.null_ok), str(one.default)]
                for one in columns
            ),
            "constraints": {
                name: {key: str(value) for key, value in about.items()}
                for name, about in constraints.items()
                if not numbered.match(name)
            },
            "unnamed": sorted(
                str(sorted((key, str(value)) for key, value in about.items()))
                for name, about in constraints.items()
                if numbered.match(name)
            ),
            "rows": cursor.fetchone()[0],
        }
    if connection.vendor == "sqlite":
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type != 'table' AND sql IS NOT NULL")
    else:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()")
    told["indexes"] = dict(cursor.fetchall())
print(json.dumps(told))
"""


def _tables(how: str, data_dir: Path) -> dict[str, object]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))}
    with store_settings() as stores:
        environment = {
            **kept,
            **stores,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "vedette.settings",
            "VEDETTE_DATA_DIR": str(data_dir),
        }
        done = subprocess.run(
            [sys.executable, "-c", TOLD, how],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_tables_made_at_once_are_those_that_the_migrations_lead_to(tmp_path: Path) -> None:
    at_once = _tables("at once", tmp_path / "at-once")
    step_by_step = _tables("step by step", tmp_path / "step-by-step")

    assert at_once.keys() == step_by_step.keys()
    assert len(at_once) > 50
    for table, about in step_by_step.items():
        if table == "auth_group_permissions":
            continue  # Django's own, unused here; its migration gives the key another width than its model does
        assert at_once[table] == about, table
