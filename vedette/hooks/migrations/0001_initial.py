import django.db.models.deletion
import vedette.core.clock
import vedette.hooks.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orgs', '0002_analytics'),
    ]

    operations = [
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guid', models.CharField(max_length=32, unique=True)),
                ('url', models.CharField(max_length=500)),
                ('secret', models.TextField()),
                ('events', models.JSONField(default=list)),
                ('is_active', models.BooleanField(default=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='orgs.organization')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guid', models.CharField(max_length=32)),
                ('event', models.CharField(max_length=64)),
                ('payload', models.JSONField()),
                ('state', models.PositiveSmallIntegerField(default=vedette.hooks.models.DeliveryState['WAITING'])),
                ('due_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('date_finished', models.DateTimeField(blank=True, null=True)),
                ('webhook', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='hooks.webhook')),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'due_at'], name='hooks_delivery_by_time'), models.Index(fields=['webhook', 'state', 'due_at'], name='hooks_delivery_of_webhook'), models.Index(fields=['date_finished'], name='hooks_delivery_by_end')],
            },
        ),
    ]
