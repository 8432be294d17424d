import django.db.models.deletion
import vedette.core.clock
import vedette.mail.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('items', models.JSONField(default=list)),
                ('left_out', models.PositiveIntegerField(default=0)),
                ('open_key', models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ('message_id', models.CharField(default=vedette.mail.models._message_id, max_length=32)),
                ('state', models.PositiveSmallIntegerField(default=vedette.mail.models.MailState['WAITING'])),
                ('due_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('error', models.TextField(blank=True, default='')),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'due_at'], name='mail_mail_by_time'), models.Index(fields=['state', 'ended_at'], name='mail_mail_by_end')],
            },
        ),
        migrations.CreateModel(
            name='NotificationSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('value', models.CharField(max_length=16)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'kind'), name='mail_setting_unique')],
            },
        ),
    ]
