"""`vedette migrate`, and the relational half of it that every starter calls: only the first one finds work to do."""

import logging
import time

import click

from vedette.cli.alone import alone
from vedette.cli.anew import is_empty, make_tables
from vedette.core.errors import Misconfigured

log = logging.getLogger("vedette.migrate")


def ensure_migrated(*, patience_seconds: float = 0.0) -> list[str]:
    """Bring the relational database to this version of the code; the names of the migrations that ran now.

    Safe to call from any number of processes at once: one does it, the others wait. A database server that is away is
    waited for as long as `patience_seconds` say. Raises `Misconfigured` when a newer version has been here.
    """
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    _wait_for_server(patience_seconds)
    with alone("migrate", settings.VEDETTE.data_dir / "run"):
        executor = MigrationExecutor(connection)
        newer = _unknown(executor.loader.applied_migrations, executor.loader.disk_migrations)
        if newer:
            raise Misconfigured(
                f"the relational database was migrated by a newer version of Vedette ({', '.join(newer)})",
                "install that version again: a database does not go back",
            )
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan and is_empty():
            make_tables(executor)
        elif plan:
            executor.migrate(executor.loader.graph.leaf_nodes(), plan)
        return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def pending_migrations() -> list[str]:
    """The migrations of the relational database that did not run yet."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


@click.command("migrate")
@click.option("--relational", is_flag=True, help="Leave the event store alone.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(relational: bool, as_json: bool) -> None:
    """Bring the relational database and the event store to this version."""
    import json

    import django

    django.setup()
    done = {"relational": ensure_migrated(), "events": [] if relational else _migrate_events()}
    if as_json:
        click.echo(json.dumps(done))
        return
    for name in done["relational"] + [f"events.{name}" for name in done["events"]]:
        click.echo(f"migrated {name}")
    if not any(done.values()):
        click.echo("nothing to migrate")


def _migrate_events() -> list[str]:
    from django.conf import settings

    from vedette.cli.stores import open_event_store
    from vedette.events.migrate import migrate

    with open_event_store(settings.VEDETTE) as store:
        return migrate(store)


def _wait_for_server(patience_seconds: float) -> None:
    from django.db import OperationalError, connection

    deadline = time.monotonic() + patience_seconds
    while connection.vendor != "sqlite":
        try:
            connection.ensure_connection()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("waiting for the relational database: %s", str(error).strip().partition("\n")[0])
            time.sleep(1.0)
        else:
            return


def _unknown(applied: object, known: object) -> list[str]:
    """Our own migrations that ran and that this code does not have."""
    ours = {label for label, _ in _keys(known)}
    return sorted(f"{label}.{name}" for label, name in _keys(applied) - _keys(known) if label in ours)


def _keys(migrations: object) -> set[tuple[str, str]]:
    return set(migrations) if isinstance(migrations, dict) else set()
