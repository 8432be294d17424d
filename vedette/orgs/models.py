"""Organizations, their options, members, teams, organization tokens and the audit log.

Field names and meanings are those of the relocation format (relocation specification, appendix A).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import ClassVar

from django.db import models

from vedette.accounts.models import AvatarRow, User
from vedette.core import clock
from vedette.core.relocation import Relocation, RelocationScope, Silo
from vedette.core.snowflake import SnowflakeModel

_ORGANIZATION = (RelocationScope.ORGANIZATION,)


class OrganizationStatus(IntEnum):
    """The life of an organization."""

    ACTIVE = 0
    PENDING_DELETION = 1
    DELETION_IN_PROGRESS = 2
    RELOCATION_PENDING_APPROVAL = 3


class OrganizationFlags(IntFlag):
    """The bits of `Organization.flags`, bit 0 first."""

    ALLOW_JOINLEAVE = 1
    ENHANCED_PRIVACY = 2
    DISABLE_SHARED_ISSUES = 4
    EARLY_ADOPTER = 8
    REQUIRE_2FA = 16
    DISABLE_NEW_VISIBILITY_FEATURES = 32
    REQUIRE_EMAIL_VERIFICATION = 64
    CODECOV_ACCESS = 128
    DISABLE_MEMBER_PROJECT_CREATION = 256


class Organization(SnowflakeModel):
    """Who owns projects. Everything that people see belongs to exactly one."""

    relocation: ClassVar = Relocation(
        "sentry.organization",
        Silo.REGION,
        _ORGANIZATION,
        columns="date_added:d default_role:s flags:B is_test:b name:s slug:s status:n",
        uniques="{slug}",
        compared="auto-suffix: slug",
        sanitised="safe: default_role; name: name; slug: slug",
    )

    name = models.CharField(max_length=64)
    slug = models.SlugField(max_length=50, unique=True)
    status = models.PositiveSmallIntegerField(default=OrganizationStatus.ACTIVE)
    date_added = models.DateTimeField(default=clock.now)
    default_role = models.CharField(max_length=32, default="member")
    is_test = models.BooleanField(default=False)
    flags = models.BigIntegerField(default=int(OrganizationFlags.ALLOW_JOINLEAVE))

    def __str__(self) -> str:
        return self.slug

    def has_flag(self, flag: OrganizationFlags) -> bool:
        """Whether the bit is set."""
        return bool(self.flags & flag)


class OrganizationAvatar(AvatarRow):
    """The picture of an organization."""

    silo: ClassVar = Silo.REGION

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="avatar")


class ReservationType(IntEnum):
    """What a reserved slug is."""

    PRIMARY = 0
    ALIAS = 1


class OrganizationSlugReservation(models.Model):
    """The one place where slugs are taken, over all regions. `primary` is today's slug, `alias` an older one."""

    silo: ClassVar = Silo.CONTROL

    slug = models.SlugField(max_length=50, unique=True)
    organization_id = models.BigIntegerField(db_index=True)
    user_id = models.BigIntegerField(null=True)
    region_name = models.CharField(max_length=48, default="main")
    reservation_type = models.PositiveSmallIntegerField(default=ReservationType.PRIMARY)
    date_added = models.DateTimeField(default=clock.now)


class OrganizationOption(models.Model):
    """One setting of an organization: a key and a JSON value."""

    relocation: ClassVar = Relocation(
        "sentry.organizationoption",
        Silo.REGION,
        _ORGANIZATION,
        columns="key:s value:V",
        keys="organization>organization",
        uniques="{key,organization}",
        sanitised="safe: key; option: value",
    )

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="options")
    key = models.CharField(max_length=64)
    value = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="orgs_option_unique")]


class Team(SnowflakeModel):
    """A group of members that projects belong to."""

    relocation: ClassVar = Relocation(
        "sentry.team",
        Silo.REGION,
        _ORGANIZATION,
        columns="date_added:d idp_provisioned:b name:s slug:s status:n",
        keys="organization>organization",
        uniques="{organization,slug}",
        compared="ignored: org_role",
        sanitised="name: name; slug: slug",
    )

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    idp_provisioned = models.BooleanField(default=False)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="orgs_team_unique")]

    def __str__(self) -> str:
        return self.slug


class InviteStatus(IntEnum):
    """How a membership came about."""

    APPROVED = 0
    REQUESTED_TO_BE_INVITED = 1
    REQUESTED_TO_JOIN = 2


class OrganizationMember(models.Model):
    """A user's place in an organization, or an invitation where `user_id` is empty."""

    relocation: ClassVar = Relocation(
        "sentry.organizationmember",
        Silo.REGION,
        _ORGANIZATION,
        columns=(
            "date_added:d email:e flags:B has_global_access:b invite_status:n role:s token:s token_expires_at:d "
            "type:n user_email:s user_is_active:b"
        ),
        keys="inviter_id~>user? organization>organization user_id~>user?",
        uniques="{email,organization} {organization,user_id} {token}",
        compared="hash: token",
        sanitised="safe: role; token: token; email: user_email",
    )

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="members")
    user_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    email = models.EmailField(max_length=75, null=True, blank=True)
    role = models.CharField(max_length=32, default="member")
    flags = models.BigIntegerField(default=0)
    token = models.CharField(max_length=64, null=True, blank=True, unique=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)
    has_global_access = models.BooleanField(default=True)
    inviter_id = models.BigIntegerField(null=True, blank=True)
    invite_status = models.PositiveSmallIntegerField(default=InviteStatus.APPROVED)
    type = models.PositiveIntegerField(default=50)
    user_is_active = models.BooleanField(default=True)
    user_email = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user_id"], name="orgs_member_user_unique"),
            models.UniqueConstraint(fields=["organization", "email"], name="orgs_member_email_unique"),
        ]


class OrganizationMemberTeam(models.Model):
    """A member's place in a team. `role` is the team role, empty for the least one."""

    relocation: ClassVar = Relocation(
        "sentry.organizationmemberteam",
        Silo.REGION,
        _ORGANIZATION,
        columns="is_active:b role:s",
        keys="organizationmember>organizationmember team>team",
        uniques="{organizationmember,team}",
        sanitised="safe: role",
    )

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    organizationmember = models.ForeignKey(
        OrganizationMember, on_delete=models.CASCADE, related_name="team_memberships"
    )
    is_active = models.BooleanField(default=True)
    role = models.CharField(max_length=32, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "organizationmember"], name="orgs_memberteam_unique"),
        ]


class OrgAuthToken(models.Model):
    """A token that acts for one organization and for nobody; only its SHA-256 is kept."""

    relocation: ClassVar = Relocation(
        "sentry.orgauthtoken",
        Silo.CONTROL,
        _ORGANIZATION,
        columns=(
            "date_added:d date_deactivated:d date_last_used:d name:s scope_list:L token_hashed:s "
            "token_last_characters:s"
        ),
        keys="created_by>user? organization_id~>organization project_last_used_id~>project?",
        uniques="{token_hashed}",
        compared="hash: token_hashed token_last_characters",
        sanitised="name: name; safe: scope_list; token-hash: token_hashed; token-tail: token_last_characters",
    )

    organization_id = models.BigIntegerField(db_index=True)
    name = models.CharField(max_length=255)
    token_hashed = models.CharField(max_length=64, unique=True)
    token_last_characters = models.CharField(max_length=4, null=True, blank=True)
    scope_list = models.JSONField(default=list)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    date_added = models.DateTimeField(default=clock.now)
    date_last_used = models.DateTimeField(null=True, blank=True)
    project_last_used_id = models.BigIntegerField(null=True, blank=True)
    date_deactivated = models.DateTimeField(null=True, blank=True)


class AuditLogEntry(models.Model):
    """Who changed what, when, from where. Numbers of `event` are those of the release specification, section 20."""

    silo: ClassVar = Silo.CONTROL

    organization_id = models.BigIntegerField()
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_label = models.CharField(max_length=64, blank=True, default="")
    target_object = models.BigIntegerField(null=True, blank=True)
    target_user_id = models.BigIntegerField(null=True, blank=True)
    event = models.PositiveIntegerField()
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    data = models.JSONField(default=dict)
    datetime = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["organization_id", "datetime"], name="orgs_audit_by_time")]


class AnalyticsFact(models.Model):
    """One fact about how the server is used, for whoever runs it: `release.created`, by which client."""

    silo: ClassVar = Silo.REGION

    name = models.CharField(max_length=64)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    user_id = models.BigIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict)
    datetime = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["name", "datetime"], name="orgs_fact_by_time")]
