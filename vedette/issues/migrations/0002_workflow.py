import django.db.models.deletion
import vedette.core.clock
import vedette.issues.models.group
import vedette.issues.models.workflow
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('issues', '0001_initial'),
        ('orgs', '0002_analytics'),
        ('projects', '0001_initial'),
        ('releases', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='GroupBookmark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField(db_index=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bookmarks', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('group', 'user_id'), name='issues_bookmark_unique')],
            },
        ),
        migrations.CreateModel(
            name='GroupDeletion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group_id', models.BigIntegerField(unique=True)),
                ('reason', models.PositiveSmallIntegerField(default=vedette.issues.models.group.DeletionReason['DELETED'])),
                ('requested_at', models.DateTimeField(default=vedette.core.clock.now)),
                ('deleted_at', models.DateTimeField(blank=True, db_index=True, null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
        ),
        migrations.CreateModel(
            name='GroupForecast',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ceilings', models.JSONField(default=list)),
                ('made_at', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='forecast', to='issues.group')),
            ],
        ),
        migrations.CreateModel(
            name='GroupHistory',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('user_id', models.BigIntegerField(blank=True, null=True)),
                ('team_id', models.BigIntegerField(blank=True, null=True)),
                ('status', models.PositiveSmallIntegerField()),
                ('prev_history_date', models.DateTimeField(blank=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history', to='issues.group')),
                ('prev_history', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='issues.grouphistory')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('release', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='releases.release')),
            ],
            options={
                'indexes': [models.Index(fields=['group', 'status'], name='issues_history_by_status')],
            },
        ),
        migrations.CreateModel(
            name='GroupInbox',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('reason', models.PositiveSmallIntegerField(default=vedette.issues.models.workflow.InboxReason['NEW'])),
                ('reason_details', models.JSONField(blank=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='inbox', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'indexes': [models.Index(fields=['project', 'date_added'], name='issues_inbox_by_age')],
            },
        ),
        migrations.CreateModel(
            name='GroupLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('linked_type', models.PositiveSmallIntegerField()),
                ('linked_id', models.BigIntegerField()),
                ('relationship', models.PositiveSmallIntegerField(default=vedette.issues.models.workflow.LinkRelationship['REFERENCES'])),
                ('datetime', models.DateTimeField(default=vedette.core.clock.now)),
                ('data', models.JSONField(default=dict)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'indexes': [models.Index(fields=['linked_type', 'linked_id'], name='issues_link_by_linked')],
                'constraints': [models.UniqueConstraint(fields=('group', 'linked_type', 'linked_id'), name='issues_link_unique')],
            },
        ),
        migrations.CreateModel(
            name='GroupOwner',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('type', models.PositiveSmallIntegerField()),
                ('user_id', models.BigIntegerField(blank=True, null=True)),
                ('context', models.JSONField(default=dict)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='owners', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='orgs.team')),
            ],
            options={
                'indexes': [models.Index(fields=['group', 'type'], name='issues_owner_by_type')],
            },
        ),
        migrations.CreateModel(
            name='GroupRedirect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('previous_group_id', models.BigIntegerField(unique=True)),
                ('previous_short_id', models.BigIntegerField()),
                ('previous_project_slug', models.CharField(max_length=100)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('moved_at', models.DateTimeField(blank=True, null=True)),
                ('settled_at', models.DateTimeField(blank=True, db_index=True, null=True)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='redirects', to='issues.group')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization_id', 'previous_short_id', 'previous_project_slug'), name='issues_redirect_by_short_id')],
            },
        ),
        migrations.CreateModel(
            name='GroupResolution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.PositiveSmallIntegerField(blank=True, default=vedette.issues.models.workflow.ResolutionType['IN_RELEASE'], null=True)),
                ('status', models.PositiveSmallIntegerField(default=vedette.issues.models.workflow.ResolutionStatus['RESOLVED'])),
                ('current_release_version', models.CharField(blank=True, max_length=250, null=True)),
                ('future_release_version', models.CharField(blank=True, max_length=250, null=True)),
                ('actor_id', models.BigIntegerField(blank=True, null=True)),
                ('datetime', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='resolution', to='issues.group')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='releases.release')),
            ],
        ),
        migrations.CreateModel(
            name='GroupSeen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField(db_index=True)),
                ('last_seen', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seen', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('group', 'user_id'), name='issues_seen_unique')],
            },
        ),
        migrations.CreateModel(
            name='GroupSnooze',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField(blank=True, db_index=True, null=True)),
                ('count', models.PositiveIntegerField(blank=True, null=True)),
                ('window', models.PositiveIntegerField(blank=True, null=True)),
                ('user_count', models.PositiveIntegerField(blank=True, null=True)),
                ('user_window', models.PositiveIntegerField(blank=True, null=True)),
                ('state', models.JSONField(default=dict)),
                ('actor_id', models.BigIntegerField(blank=True, null=True)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='snooze', to='issues.group')),
            ],
        ),
        migrations.CreateModel(
            name='GroupStorm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minute', models.DateTimeField()),
                ('count', models.BigIntegerField(default=0)),
                ('began_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('noticed_at', models.DateTimeField(db_index=True, default=vedette.core.clock.now)),
                ('events', models.BigIntegerField(default=0)),
                ('bodies', models.BigIntegerField(default=0)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='storm', to='issues.group')),
            ],
        ),
        migrations.CreateModel(
            name='GroupSubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField(db_index=True)),
                ('is_active', models.BooleanField(default=True)),
                ('reason', models.SmallIntegerField(default=vedette.issues.models.workflow.SubscriptionReason['UNKNOWN'])),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='issues.group')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('group', 'user_id'), name='issues_subscription_unique')],
            },
        ),
        migrations.CreateModel(
            name='GroupTombstone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('previous_group_id', models.BigIntegerField(unique=True)),
                ('level', models.PositiveSmallIntegerField(default=40)),
                ('message', models.TextField(blank=True, default='')),
                ('culprit', models.CharField(blank=True, default='', max_length=200)),
                ('data', models.JSONField(default=dict)),
                ('actor_id', models.BigIntegerField(blank=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
        ),
        migrations.AddIndex(
            model_name='group',
            index=models.Index(fields=['status', 'substatus', 'first_seen'], name='issues_group_by_substatus'),
        ),
    ]
