from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('digest', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='digestbatch',
            name='configs',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='digestbatch',
            name='deadly',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='digestbatch',
            name='groups',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='digestbatch',
            name='thinned',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='digestbatch',
            name='writing',
            field=models.CharField(blank=True, default='', max_length=128),
        ),
    ]
