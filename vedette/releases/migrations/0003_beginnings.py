"""Versions by their beginning, whatever the letter case. PostgreSQL alone: SQLite has no index for that."""

from django.db import migrations


def begin_with(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX IF NOT EXISTS releases_by_beginning ON releases_release "
            "(organization_id, UPPER(version::text) text_pattern_ops)"
        )


def forget_beginnings(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS releases_by_beginning")


class Migration(migrations.Migration):
    dependencies = [
        ("releases", "0002_shipping"),
    ]

    operations = [
        migrations.RunPython(begin_with, forget_beginnings),
    ]
