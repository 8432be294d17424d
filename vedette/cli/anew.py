"""The tables of an empty database, made at once from the models.

Migrations lead from each version to the next, and Django builds every model anew for each of their steps: most of the
first start would be that. An empty database has no past, so its tables are made as they are today and the migrations
noted as done. What a migration does in Python, a model cannot say: it is done as well. A test holds the two ways
against each other, on both databases.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.migrations.executor import MigrationExecutor


def is_empty() -> bool:
    """Whether the database has no tables at all, so that nothing in it has a past."""
    from django.db import connection

    return not connection.introspection.table_names()


def make_tables(executor: "MigrationExecutor") -> None:
    """Make every table and note every migration as done; all of it or, if that fails, nothing."""
    from django.apps import apps
    from django.db import connection, router
    from django.db.migrations.operations import RunPython

    with connection.schema_editor(atomic=True) as editor:
        for model in apps.get_models():  # what joins two of them is made with the one that names it
            if model._meta.can_migrate(connection) and router.allow_migrate_model(connection.alias, model):
                editor.create_model(model)
        executor.recorder.ensure_schema()
        for (label, name), migration in executor.loader.disk_migrations.items():
            executor.recorder.record_applied(label, name)
            for operation in migration.operations:
                if isinstance(operation, RunPython) and type(migration).__module__.startswith("vedette."):
                    operation.code(apps, editor)  # type: ignore[arg-type]  # models of today, not of a state
