import django.db.models.deletion
import vedette.accounts.models
import vedette.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='OrganizationAvatar',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ident', models.CharField(default=vedette.accounts.models._ident, max_length=32, unique=True)),
                ('avatar_type', models.PositiveSmallIntegerField(default=vedette.accounts.models.AvatarType['LETTERS'])),
                ('photo', models.BinaryField(null=True)),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='avatar', to='orgs.organization')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='AnalyticsFact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('user_id', models.BigIntegerField(blank=True, null=True)),
                ('data', models.JSONField(default=dict)),
                ('datetime', models.DateTimeField(default=vedette.core.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='orgs.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'datetime'], name='orgs_fact_by_time')],
            },
        ),
    ]
