import vedette.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ScheduledJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64, unique=True)),
                ('every_seconds', models.PositiveIntegerField()),
                ('due_at', models.DateTimeField(default=vedette.core.clock.now)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('failures', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Work',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=64)),
                ('subject', models.BigIntegerField()),
                ('organization_id', models.BigIntegerField()),
                ('payload', models.JSONField(default=dict)),
                ('ticket', models.CharField(max_length=32)),
                ('due_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('error', models.TextField(blank=True, default='')),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
            ],
            options={
                'indexes': [models.Index(fields=['kind', 'due_at'], name='tasks_work_by_time')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'subject'), name='tasks_work_unique')],
            },
        ),
    ]
