import django.db.models.deletion
import vedette.core.clock
import vedette.issues.models.group
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orgs', '0001_initial'),
        ('projects', '0001_initial'),
        ('releases', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Group',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('short_id', models.BigIntegerField()),
                ('status', models.PositiveSmallIntegerField(default=vedette.issues.models.group.GroupStatus['UNRESOLVED'])),
                ('substatus', models.PositiveSmallIntegerField(default=vedette.issues.models.group.GroupSubStatus['NEW'], null=True)),
                ('type', models.PositiveSmallIntegerField(default=1)),
                ('level', models.PositiveSmallIntegerField(default=40)),
                ('priority', models.PositiveSmallIntegerField(default=75, null=True)),
                ('priority_locked_at', models.DateTimeField(blank=True, null=True)),
                ('platform', models.CharField(blank=True, max_length=64, null=True)),
                ('logger', models.CharField(blank=True, default='', max_length=64)),
                ('culprit', models.CharField(blank=True, default='', max_length=200)),
                ('title', models.CharField(blank=True, default='', max_length=1024)),
                ('message', models.TextField(blank=True, default='')),
                ('data', models.JSONField(default=dict)),
                ('times_seen', models.BigIntegerField(default=0)),
                ('num_comments', models.PositiveIntegerField(default=0)),
                ('first_seen', models.DateTimeField(default=vedette.core.clock.now)),
                ('last_seen', models.DateTimeField(default=vedette.core.clock.now)),
                ('active_at', models.DateTimeField(blank=True, null=True)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('first_release', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='releases.release')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='groups', to='projects.project')),
            ],
            options={
                'indexes': [models.Index(fields=['project', 'status', 'last_seen', 'id'], name='issues_group_by_last_seen'), models.Index(fields=['project', 'status', 'first_seen', 'id'], name='issues_group_by_first_seen')],
                'constraints': [models.UniqueConstraint(fields=('project', 'short_id'), name='issues_group_short_id_unique')],
            },
        ),
        migrations.CreateModel(
            name='EventAttachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(max_length=32)),
                ('type', models.CharField(default='event.attachment', max_length=64)),
                ('name', models.CharField(max_length=255)),
                ('content_type', models.CharField(max_length=255)),
                ('size', models.BigIntegerField()),
                ('sha1', models.CharField(max_length=40)),
                ('batch_id', models.BigIntegerField(null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='issues.group')),
            ],
            options={
                'indexes': [models.Index(fields=['project', 'event_id'], name='issues_attachment_by_event')],
            },
        ),
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.PositiveSmallIntegerField()),
                ('ident', models.CharField(blank=True, max_length=64, null=True)),
                ('user_id', models.BigIntegerField(blank=True, null=True)),
                ('datetime', models.DateTimeField(default=vedette.core.clock.now)),
                ('data', models.JSONField(default=dict)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='activities', to='issues.group')),
            ],
            options={
                'indexes': [models.Index(fields=['group', 'datetime'], name='issues_activity_by_time')],
            },
        ),
        migrations.CreateModel(
            name='GroupAssignee',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField(blank=True, db_index=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='assignee', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='orgs.team')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('user_id__isnull', True), ('team__isnull', True), _connector='XOR'), name='issues_assignee_user_or_team')],
            },
        ),
        migrations.CreateModel(
            name='GroupEnvironment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_seen', models.DateTimeField(default=vedette.core.clock.now)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.environment')),
                ('first_release', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='releases.release')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='issues.group')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('group', 'environment'), name='issues_groupenvironment_unique')],
            },
        ),
        migrations.CreateModel(
            name='GroupHash',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hash', models.CharField(max_length=32)),
                ('group_tombstone_id', models.BigIntegerField(blank=True, null=True)),
                ('state', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='hashes', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'hash'), name='issues_grouphash_unique')],
            },
        ),
        migrations.CreateModel(
            name='GroupRelease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project_id', models.BigIntegerField()),
                ('environment', models.CharField(blank=True, default='', max_length=64)),
                ('first_seen', models.DateTimeField()),
                ('last_seen', models.DateTimeField()),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='issues.group')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='releases.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('group', 'release', 'environment'), name='issues_grouprelease_unique')],
            },
        ),
        migrations.CreateModel(
            name='UserReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(max_length=32)),
                ('environment_id', models.BigIntegerField(blank=True, null=True)),
                ('name', models.CharField(blank=True, default='', max_length=128)),
                ('email', models.CharField(blank=True, default='', max_length=75)),
                ('comments', models.TextField(blank=True, default='')),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='user_reports', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'event_id'), name='issues_userreport_unique')],
            },
        ),
    ]
