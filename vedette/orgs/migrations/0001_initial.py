import django.db.models.deletion
import vedette.core.clock
import vedette.orgs.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=64)),
                ('slug', models.SlugField(unique=True)),
                ('status', models.PositiveSmallIntegerField(default=vedette.orgs.models.OrganizationStatus['ACTIVE'])),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('default_role', models.CharField(default='member', max_length=32)),
                ('is_test', models.BooleanField(default=False)),
                ('flags', models.BigIntegerField(default=1)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='OrganizationSlugReservation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('organization_id', models.BigIntegerField(db_index=True)),
                ('user_id', models.BigIntegerField(null=True)),
                ('region_name', models.CharField(default='main', max_length=48)),
                ('reservation_type', models.PositiveSmallIntegerField(default=0)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='AuditLogEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('actor_id', models.BigIntegerField(blank=True, null=True)),
                ('actor_label', models.CharField(blank=True, default='', max_length=64)),
                ('target_object', models.BigIntegerField(blank=True, null=True)),
                ('target_user_id', models.BigIntegerField(blank=True, null=True)),
                ('event', models.PositiveIntegerField()),
                ('ip_address', models.GenericIPAddressField(blank=True, null=True)),
                ('data', models.JSONField(default=dict)),
                ('datetime', models.DateTimeField(default=vedette.core.clock.now)),
            ],
            options={
                'indexes': [models.Index(fields=['organization_id', 'datetime'], name='orgs_audit_by_time')],
            },
        ),
        migrations.CreateModel(
            name='OrganizationMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField(blank=True, db_index=True, null=True)),
                ('email', models.EmailField(blank=True, max_length=75, null=True)),
                ('role', models.CharField(default='member', max_length=32)),
                ('flags', models.BigIntegerField(default=0)),
                ('token', models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ('token_expires_at', models.DateTimeField(blank=True, null=True)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('has_global_access', models.BooleanField(default=True)),
                ('inviter_id', models.BigIntegerField(blank=True, null=True)),
                ('invite_status', models.PositiveSmallIntegerField(default=vedette.orgs.models.InviteStatus['APPROVED'])),
                ('type', models.PositiveIntegerField(default=50)),
                ('user_is_active', models.BooleanField(default=True)),
                ('user_email', models.CharField(blank=True, max_length=200, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'user_id'), name='orgs_member_user_unique'), models.UniqueConstraint(fields=('organization', 'email'), name='orgs_member_email_unique')],
            },
        ),
        migrations.CreateModel(
            name='OrganizationOption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('value', models.JSONField(null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='options', to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'key'), name='orgs_option_unique')],
            },
        ),
        migrations.CreateModel(
            name='OrgAuthToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField(db_index=True)),
                ('name', models.CharField(max_length=255)),
                ('token_hashed', models.CharField(max_length=64, unique=True)),
                ('token_last_characters', models.CharField(blank=True, max_length=4, null=True)),
                ('scope_list', models.JSONField(default=list)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('date_last_used', models.DateTimeField(blank=True, null=True)),
                ('project_last_used_id', models.BigIntegerField(blank=True, null=True)),
                ('date_deactivated', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('slug', models.SlugField()),
                ('name', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('idp_provisioned', models.BooleanField(default=False)),
                ('date_added', models.DateTimeField(default=vedette.core.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='teams', to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'slug'), name='orgs_team_unique')],
            },
        ),
        migrations.CreateModel(
            name='OrganizationMemberTeam',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_active', models.BooleanField(default=True)),
                ('role', models.CharField(blank=True, max_length=32, null=True)),
                ('organizationmember', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='team_memberships', to='orgs.organizationmember')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='orgs.team')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('team', 'organizationmember'), name='orgs_memberteam_unique')],
            },
        ),
    ]
