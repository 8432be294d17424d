"""Users, their e-mail addresses, second factors and tokens.

Field names and meanings are those of the relocation format (relocation specification, appendix A), so that a row of
an export maps to a row here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from vedette.core import clock
from vedette.core.ids import new_hex
from vedette.core.relocation import Relocation, RelocationScope, Silo


def _validation_hash() -> str:
    return new_hex(16)


class UserManager(BaseUserManager["User"]):
    """Finds users by name or e-mail address."""

    def active(self) -> models.QuerySet[User]:
        """Users who may sign in."""
        return self.filter(is_active=True).exclude(is_sentry_app=True)


class User(AbstractBaseUser):
    """A person, or a bot where `is_sentry_app` is set."""

    relocation: ClassVar = Relocation(
        "sentry.user",
        Silo.CONTROL,
        (RelocationScope.USER,),
        columns=(
            "avatar_type:n avatar_url:s date_joined:d email:e flags:B is_active:b is_managed:b is_password_expired:b "
            "is_sentry_app:b is_staff:b is_superuser:b is_unclaimed:b last_active:d last_login:d "
            "last_password_change:d name:s password:s session_nonce:s username:s"
        ),
        uniques="{username}",
        ordinal="username",
        compared=(
            "auto-suffix: username; date-updated: last_active; ignored: last_password_change is_unclaimed "
            "is_password_expired; password: password"
        ),
        sanitised="url: avatar_url; name: name; password: password; string: session_nonce username",
    )

    username = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    email = models.EmailField(max_length=200, blank=True, default="")
    password = models.CharField(max_length=128, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_superuser = models.BooleanField(default=False)
    is_managed = models.BooleanField(default=False)
    is_sentry_app = models.BooleanField(null=True, default=False)  # null, as exports have it for people
    is_password_expired = models.BooleanField(default=False)
    is_unclaimed = models.BooleanField(default=False)
    last_password_change = models.DateTimeField(null=True, blank=True)
    flags = models.BigIntegerField(default=0)
    session_nonce = models.CharField(max_length=12, null=True, blank=True)
    date_joined = models.DateTimeField(default=clock.now)
    last_active = models.DateTimeField(null=True, blank=True)
    avatar_type = models.PositiveSmallIntegerField(default=0)
    avatar_url = models.CharField(max_length=120, null=True, blank=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        indexes = [
            models.Index(Lower("email"), name="accounts_user_email_lower"),
            models.Index(Lower("username"), name="accounts_user_username_lower"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        """What pages call this person: the name, else the address, else the user name."""
        return self.name or self.email or self.username

    def get_session_auth_hash(self) -> str:
        """Signs cookies so that a new password or a new nonce ends every sign-in."""
        return super().get_session_auth_hash() + (self.session_nonce or "")


class AvatarType(IntEnum):
    """What stands for somebody."""

    LETTERS = 0
    UPLOAD = 1
    GRAVATAR = 2

    @property
    def word(self) -> str:
        """The name that the API uses."""
        return ("letter_avatar", "upload", "gravatar")[self]


def _ident() -> str:
    return new_hex(16)


class AvatarRow(models.Model):
    """What an owner's picture is: `photo` is a PNG that this server drew, and stays while letters are shown.

    `ident` is the picture's public name, another one for each picture.
    """

    ident = models.CharField(max_length=32, unique=True, default=_ident)
    avatar_type = models.PositiveSmallIntegerField(default=AvatarType.LETTERS)
    photo = models.BinaryField(null=True)

    class Meta:
        abstract = True


class UserAvatar(AvatarRow):
    """The picture of a person."""

    silo: ClassVar = Silo.CONTROL

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="avatar")


class UserOption(models.Model):
    """One setting of a user: a key and a JSON value, everywhere unless an organization or a project is named.

    Nothing reads settings for one organization or project yet; the relocation format names both.
    """

    relocation: ClassVar = Relocation(
        "sentry.useroption",
        Silo.CONTROL,
        (RelocationScope.USER,),
        columns="key:s value:V",
        keys="organization_id~>organization? project_id~>project? user>user",
        uniques="{key,organization_id,user} {key,project_id,user}",
        ordinal="user key",
        sanitised="safe: key; option: value",
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="options")
    organization_id = models.BigIntegerField(null=True, blank=True)
    project_id = models.BigIntegerField(null=True, blank=True)
    key = models.CharField(max_length=64)
    value = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project_id", "key"], name="accounts_option_of_project"),
            models.UniqueConstraint(fields=["user", "organization_id", "key"], name="accounts_option_of_org"),
            models.UniqueConstraint(
                fields=["user", "key"],
                condition=models.Q(organization_id=None, project_id=None),
                name="accounts_option_everywhere",
            ),
        ]


class Email(models.Model):
    """An address that somebody has used; one row per address in any letter case."""

    relocation: ClassVar = Relocation(
        "sentry.email",
        Silo.CONTROL,
        (RelocationScope.USER,),
        columns="date_added:d email:e",
        uniques="{email}",
        after="user",
        ordinal="email",
        compared="date-updated: date_added",
    )

    email = models.EmailField(max_length=200)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_email_unique")]


class UserEmail(models.Model):
    """An address of a user, and whether it is proven to be theirs."""

    relocation: ClassVar = Relocation(
        "sentry.useremail",
        Silo.CONTROL,
        (RelocationScope.USER,),
        columns="date_hash_added:d email:e is_verified:b validation_hash:s",
        keys="user>user",
        uniques="{email,user}",
        after="email",
        ordinal="user email",
        compared="date-updated: date_hash_added; ignored: validation_hash is_verified",
        sanitised="hex: validation_hash",
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="emails")
    email = models.EmailField(max_length=200)
    validation_hash = models.CharField(max_length=32, default=_validation_hash)
    date_hash_added = models.DateTimeField(default=clock.now)
    is_verified = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "email"], name="accounts_useremail_unique")]


def _claim_hash() -> str:
    return new_hex(16)


class LostPasswordHash(models.Model):
    """What lets somebody choose a password for an account that has none, or whose password is forgotten: sent by mail,
    and good for an hour.

    Source: the relocation specification, 4.8.
    """

    silo: ClassVar = Silo.CONTROL

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="lost_password")
    hash = models.CharField(max_length=32, default=_claim_hash)
    date_added = models.DateTimeField(default=clock.now)


class Authenticator(models.Model):
    """A second factor: recovery codes 0, TOTP 1, SMS 2, U2F 3."""

    relocation: ClassVar = Relocation(
        "sentry.authenticator",
        Silo.CONTROL,
        (RelocationScope.GLOBAL,),
        columns="config:V created_at:d last_used_at:d type:n",
        keys="user>user",
        uniques="{type,user}",
        sanitised="empty: config",
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="authenticators")
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    type = models.PositiveSmallIntegerField()
    config = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "type"], name="accounts_authenticator_unique")]


class ApiToken(models.Model):
    """A user's token for the API. Only its SHA-256 is kept (`hashed_token`) and its last four characters.

    `token` and `refresh_token` hold nothing; they are there because the relocation format names them.
    """

    relocation: ClassVar = Relocation(
        "sentry.apitoken",
        Silo.CONTROL,
        (RelocationScope.GLOBAL, RelocationScope.CONFIG),
        columns=(
            "date_added:d expires_at:d hashed_refresh_token:s hashed_token:s name:s refresh_token:s scope_list:L "
            "scopes:B token:s token_last_characters:s token_type:s"
        ),
        keys="application>apiapplication? scoping_organization_id~>organization? user>user",
        uniques="{hashed_refresh_token} {hashed_token} {refresh_token} {token}",
        compared=(
            "hash: refresh_token token; ignored: hashed_token hashed_refresh_token token_last_characters; unordered: "
            "scope_list"
        ),
        sanitised=(
            "token-hash: hashed_refresh_token hashed_token; name: name; token: refresh_token token; safe: scope_list "
            "token_type; token-tail: token_last_characters"
        ),
        newer="scoping_organization_id",
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    application_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=255, null=True, blank=True)
    token = models.CharField(max_length=100, null=True, blank=True)
    hashed_token = models.CharField(max_length=64, null=True, blank=True, unique=True)
    refresh_token = models.CharField(max_length=100, null=True, blank=True)
    hashed_refresh_token = models.CharField(max_length=64, null=True, blank=True, unique=True)
    token_type = models.CharField(max_length=7, null=True, blank=True)
    token_last_characters = models.CharField(max_length=4, null=True, blank=True)
    scope_list = models.JSONField(default=list)
    scopes = models.BigIntegerField(default=0)
    scoping_organization_id = models.BigIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)
