import django.db.models.deletion
import vedette.core.clock
import vedette.releases.models.release
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orgs', '0001_initial'),
        ('projects', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Release',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=250)),
                ('status', models.PositiveSmallIntegerField(default=vedette.releases.models.release.ReleaseStatus['OPEN'], null=True)),
                ('ref', models.CharField(blank=True, max_length=250, null=True)),
                ('url', models.CharField(blank=True, max_length=500, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('date_started', models.DateTimeField(blank=True, null=True)),
                ('date_released', models.DateTimeField(blank=True, null=True)),
                ('data', models.JSONField(default=dict)),
                ('owner_id', models.BigIntegerField(blank=True, null=True)),
                ('commit_count', models.IntegerField(default=0, null=True)),
                ('last_commit_id', models.BigIntegerField(blank=True, null=True)),
                ('authors', models.JSONField(default=list)),
                ('total_deploys', models.IntegerField(default=0, null=True)),
                ('last_deploy_id', models.BigIntegerField(blank=True, null=True)),
                ('package', models.TextField(blank=True, null=True)),
                ('major', models.BigIntegerField(blank=True, null=True)),
                ('minor', models.BigIntegerField(blank=True, null=True)),
                ('patch', models.BigIntegerField(blank=True, null=True)),
                ('revision', models.BigIntegerField(blank=True, null=True)),
                ('prerelease', models.TextField(blank=True, null=True)),
                ('prerelease_key', models.TextField(blank=True, null=True)),
                ('build_code', models.TextField(blank=True, null=True)),
                ('build_number', models.BigIntegerField(blank=True, null=True)),
                ('user_agent', models.TextField(blank=True, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='releases', to='orgs.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'date_added'], name='releases_by_age')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'version'), name='releases_release_unique')],
            },
        ),
        migrations.CreateModel(
            name='Distribution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('name', models.CharField(max_length=64)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('release', 'name'), name='releases_distribution_unique')],
            },
        ),
        migrations.CreateModel(
            name='ReleaseEnvironment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('first_seen', models.DateTimeField()),
                ('last_seen', models.DateTimeField()),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.environment')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization_id', 'release', 'environment'), name='releases_environment_unique')],
            },
        ),
        migrations.CreateModel(
            name='ReleaseProject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('new_groups', models.PositiveIntegerField(default=0)),
                ('adopted', models.DateTimeField(blank=True, null=True)),
                ('unadopted', models.DateTimeField(blank=True, null=True)),
                ('first_seen_transaction', models.DateTimeField(blank=True, null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='project_links', to='releases.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'release'), name='releases_project_unique')],
            },
        ),
        migrations.CreateModel(
            name='ReleaseProjectEnvironment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('new_issues_count', models.PositiveIntegerField(default=0)),
                ('first_seen', models.DateTimeField()),
                ('last_seen', models.DateTimeField()),
                ('last_deploy_id', models.BigIntegerField(blank=True, null=True)),
                ('adopted', models.DateTimeField(blank=True, null=True)),
                ('unadopted', models.DateTimeField(blank=True, null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.environment')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'release', 'environment'), name='releases_rpe_unique')],
            },
        ),
    ]
