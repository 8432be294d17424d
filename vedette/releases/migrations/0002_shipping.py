import django.db.models.deletion
import django.db.models.functions.comparison
import vedette.core.clock
import vedette.releases.models.commit
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0002_analytics'),
        ('projects', '0001_initial'),
        ('releases', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='CommitAuthor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.CharField(max_length=200)),
                ('name', models.CharField(blank=True, max_length=128, null=True)),
                ('external_id', models.CharField(blank=True, max_length=164, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'email'), name='releases_author_email_unique'), models.UniqueConstraint(fields=('organization', 'external_id'), name='releases_author_external_unique')],
            },
        ),
        migrations.CreateModel(
            name='Deploy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date_finished', models.DateTimeField(default=vedette.core.clock.now)),
                ('date_started', models.DateTimeField(blank=True, null=True)),
                ('name', models.CharField(blank=True, max_length=64, null=True)),
                ('url', models.CharField(blank=True, max_length=500, null=True)),
                ('notified', models.BooleanField(default=False)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.environment')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.organization')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deploys', to='releases.release')),
            ],
            options={
                'indexes': [models.Index(fields=['release', 'date_finished'], name='releases_deploy_by_time')],
            },
        ),
        migrations.CreateModel(
            name='DeployProject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project_id', models.BigIntegerField()),
                ('deploy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='project_links', to='releases.deploy')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('deploy', 'project_id'), name='releases_deployproject_unique')],
            },
        ),
        migrations.CreateModel(
            name='ReleaseTombstone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=250)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'version'), name='releases_tombstone_unique')],
            },
        ),
        migrations.CreateModel(
            name='Repository',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('url', models.CharField(blank=True, max_length=500, null=True)),
                ('provider', models.CharField(blank=True, max_length=64, null=True)),
                ('external_id', models.CharField(blank=True, max_length=64, null=True)),
                ('config', models.JSONField(default=dict)),
                ('status', models.PositiveSmallIntegerField(default=vedette.releases.models.commit.RepositoryStatus['ACTIVE'])),
                ('integration_id', models.BigIntegerField(blank=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='repositories', to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'provider', 'external_id'), name='releases_repository_external_unique'), models.UniqueConstraint(condition=models.Q(('provider__isnull', True), ('status', vedette.releases.models.commit.RepositoryStatus['ACTIVE'])), fields=('organization', 'name'), name='releases_repository_name_unique')],
            },
        ),
        migrations.CreateModel(
            name='Commit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('message', models.TextField(blank=True, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.organization')),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='releases.commitauthor')),
                ('repository', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='commits', to='releases.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['repository', 'date_added'], name='releases_commit_by_time')],
                'constraints': [models.UniqueConstraint(fields=('repository', 'key'), name='releases_commit_unique')],
            },
        ),
        migrations.CreateModel(
            name='CommitFileChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('filename', models.CharField(max_length=510)),
                ('type', models.CharField(max_length=1)),
                ('commit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='file_changes', to='releases.commit')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('commit', 'filename'), name='releases_filechange_unique')],
            },
        ),
        migrations.CreateModel(
            name='LatestRelease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('commit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='releases.commit')),
                ('deploy', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='releases.deploy')),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.environment')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.release')),
                ('repository', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.repository')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('repository', 'environment'), name='releases_latestrelease_unique')],
            },
        ),
        migrations.CreateModel(
            name='PullRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('title', models.TextField(blank=True, null=True)),
                ('message', models.TextField(blank=True, null=True)),
                ('merge_commit_sha', models.CharField(blank=True, max_length=64, null=True)),
                ('state', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='releases.commitauthor')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.organization')),
                ('repository', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'merge_commit_sha'], name='releases_pullrequest_by_merge')],
                'constraints': [models.UniqueConstraint(fields=('repository', 'key'), name='releases_pullrequest_unique')],
            },
        ),
        migrations.CreateModel(
            name='PullRequestCommit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('commit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.commit')),
                ('pull_request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.pullrequest')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('pull_request', 'commit'), name='releases_pullrequestcommit_unique')],
            },
        ),
        migrations.CreateModel(
            name='ReleaseCommit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('order', models.PositiveIntegerField()),
                ('commit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='release_links', to='releases.commit')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='commit_links', to='releases.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('release', 'commit'), name='releases_releasecommit_unique'), models.UniqueConstraint(fields=('release', 'order'), name='releases_releasecommit_order_unique')],
            },
        ),
        migrations.CreateModel(
            name='ReleaseHeadCommit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('commit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.commit')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='head_commits', to='releases.release')),
                ('repository', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.repository')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('repository', 'release'), name='releases_headcommit_unique')],
            },
        ),
        migrations.CreateModel(
            name='RepositoryDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('repository', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='releases.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['date_added'], name='releases_delivery_by_time')],
                'constraints': [models.UniqueConstraint(fields=('repository', 'key'), name='releases_delivery_unique')],
            },
        ),
        migrations.CreateModel(
            name='RepositorySecret',
            fields=[
                ('repository', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='secrets', serialize=False, to='releases.repository')),
                ('token', models.TextField(blank=True, default='')),
                ('hook_secret', models.TextField(blank=True, default='')),
                ('date_changed', models.DateTimeField(default=vedette.core.clock.now)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='release',
            name='releases_by_age',
        ),
        migrations.AddField(
            model_name='release',
            name='sort_date',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce('date_released', 'date_added'), output_field=models.DateTimeField()),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'date_added', 'id'], name='releases_by_age'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'sort_date', 'id'], name='releases_by_sort_date'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'build_number', 'sort_date', 'id'], name='releases_by_build'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'build_code'], name='releases_by_build_code'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'status', 'sort_date', 'id'], name='releases_by_status'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'major', 'minor', 'patch', 'revision', 'prerelease_key', 'sort_date', 'id'], name='releases_by_semver'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['organization', 'package', 'major', 'minor', 'patch', 'revision', 'prerelease_key'], name='releases_by_package'),
        ),
        migrations.AddIndex(
            model_name='releaseprojectenvironment',
            index=models.Index(condition=models.Q(('adopted__isnull', False)), fields=['project', 'adopted', 'release', 'environment'], name='releases_by_adoption'),
        ),
    ]
