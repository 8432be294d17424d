import django.db.models.deletion
import vedette.core.clock
import vedette.projects.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orgs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Environment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('name', models.CharField(blank=True, max_length=64)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization_id', 'name'), name='projects_environment_unique')],
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=100)),
                ('name', models.CharField(max_length=200)),
                ('platform', models.CharField(blank=True, max_length=64, null=True)),
                ('forced_color', models.CharField(blank=True, max_length=6, null=True)),
                ('public', models.BooleanField(default=False)),
                ('status', models.PositiveSmallIntegerField(default=vedette.projects.models.ObjectStatus['ACTIVE'])),
                ('first_event', models.DateTimeField(blank=True, null=True)),
                ('flags', models.BigIntegerField(default=10)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('template_id', models.BigIntegerField(blank=True, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='projects', to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'slug'), name='projects_project_unique')],
            },
        ),
        migrations.CreateModel(
            name='ProjectCounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.BigIntegerField(default=0)),
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
        ),
        migrations.CreateModel(
            name='ProjectKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(blank=True, default='Default', max_length=64)),
                ('public_key', models.CharField(default=vedette.projects.models._new_key, max_length=32, unique=True)),
                ('secret_key', models.CharField(default=vedette.projects.models._new_key, max_length=32, unique=True)),
                ('roles', models.BigIntegerField(default=1)),
                ('status', models.PositiveSmallIntegerField(default=vedette.projects.models.ObjectStatus['ACTIVE'])),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('rate_limit_count', models.PositiveIntegerField(blank=True, null=True)),
                ('rate_limit_window', models.PositiveIntegerField(blank=True, null=True)),
                ('data', models.JSONField(default=dict)),
                ('use_case', models.CharField(default='user', max_length=32)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='projects.project')),
            ],
        ),
        migrations.CreateModel(
            name='ProjectTeam',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.team')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'team'), name='projects_team_unique')],
            },
        ),
        migrations.CreateModel(
            name='EnvironmentProject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_hidden', models.BooleanField(blank=True, null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.environment')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'environment'), name='projects_environmentproject_unique')],
            },
        ),
        migrations.CreateModel(
            name='ProjectOption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('value', models.JSONField(null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='options', to='projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'key'), name='projects_option_unique')],
            },
        ),
        migrations.AddField(
            model_name='project',
            name='teams',
            field=models.ManyToManyField(related_name='projects', through='projects.ProjectTeam', to='orgs.team'),
        ),
    ]
