from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test import override_settings


@override_settings(MIGRATION_MODULES={})  # the tests' own tables were made without them
def test_the_migrations_lead_to_the_models_of_today():
    loader = MigrationLoader(None)
    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)

    assert {
        label: [str(operation) for migration in some for operation in migration.operations]
        for label, some in changes.items()
    } == {}
