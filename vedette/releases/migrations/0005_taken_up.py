"""When a release was taken up, by release; and on PostgreSQL all that a search for versions needs in one index."""

import django.db.models.deletion
from django.db import migrations, models


_BEGINNINGS = (
    "CREATE INDEX releases_by_beginning ON releases_release (organization_id, UPPER(version::text) text_pattern_ops)"
)


def tell_whole_versions(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS releases_by_beginning")
        schema_editor.execute(f"{_BEGINNINGS} INCLUDE (version, id)")


def tell_beginnings(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS releases_by_beginning")
        schema_editor.execute(_BEGINNINGS)


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0002_alias'),
        ('releases', '0004_files'),
    ]

    operations = [
        migrations.RunPython(tell_whole_versions, tell_beginnings),
        migrations.AlterField(
            model_name='releaseprojectenvironment',
            name='release',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='releases.release'),
        ),
        migrations.AddIndex(
            model_name='releaseprojectenvironment',
            index=models.Index(fields=['release', 'adopted', 'project', 'environment'], name='releases_taken_up'),
        ),
    ]
