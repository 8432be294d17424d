"""Projects, their options, keys (the DSN), teams and environments.

Field names and meanings are those of the relocation format (relocation specification, appendix A).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.ids import new_hex
from vedette.core.relocation import Relocation, RelocationScope, Silo
from vedette.core.snowflake import SnowflakeModel
from vedette.orgs.models import Organization, Team

_ORGANIZATION = (RelocationScope.ORGANIZATION,)


class ObjectStatus(IntEnum):
    """The life of a project, a key or a repository."""

    ACTIVE = 0
    DISABLED = 1
    PENDING_DELETION = 2
    DELETION_IN_PROGRESS = 3


class ProjectFlags(IntFlag):
    """The bits of `Project.flags` that Vedette sets, bit 0 first."""

    HAS_RELEASES = 1
    HAS_ISSUE_ALERTS_TARGETING = 2
    HAS_TRANSACTIONS = 4
    HAS_ALERT_FILTERS = 8
    HAS_SESSIONS = 16
    HAS_PROFILES = 32
    HAS_REPLAYS = 64
    HAS_FEEDBACKS = 128
    HAS_NEW_FEEDBACKS = 256


class Project(SnowflakeModel):
    """One application that reports. Its id is part of the DSN."""

    relocation: ClassVar = Relocation(
        "sentry.project",
        Silo.REGION,
        _ORGANIZATION,
        columns="date_added:d first_event:d flags:B forced_color:s name:s platform:s public:b slug:s status:n",
        keys="organization>organization template>projecttemplate?",
        uniques="{organization,slug}",
        sanitised="safe: forced_color platform; name: name; slug: slug",
    )

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    platform = models.CharField(max_length=64, null=True, blank=True)
    forced_color = models.CharField(max_length=6, null=True, blank=True)
    public = models.BooleanField(default=False)
    status = models.PositiveSmallIntegerField(default=ObjectStatus.ACTIVE)
    first_event = models.DateTimeField(null=True, blank=True)
    flags = models.BigIntegerField(
        default=int(ProjectFlags.HAS_ISSUE_ALERTS_TARGETING | ProjectFlags.HAS_ALERT_FILTERS)
    )
    date_added = models.DateTimeField(default=clock.now)
    template_id = models.BigIntegerField(null=True, blank=True)
    teams = models.ManyToManyField(Team, through="ProjectTeam", related_name="projects")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="projects_project_unique")]

    def __str__(self) -> str:
        return self.slug

    @property
    def has_reported(self) -> bool:
        """Whether an application has ever sent an event, a transaction or a session."""
        telemetry = ProjectFlags.HAS_TRANSACTIONS | ProjectFlags.HAS_SESSIONS
        return self.first_event is not None or bool(self.flags & telemetry)


class ProjectTeam(models.Model):
    """A team that a project belongs to."""

    relocation: ClassVar = Relocation(
        "sentry.projectteam",
        Silo.REGION,
        _ORGANIZATION,
        keys="project>project team>team",
        uniques="{project,team}",
    )

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "team"], name="projects_team_unique")]


class ProjectOption(models.Model):
    """One setting of a project: a key and a JSON value."""

    relocation: ClassVar = Relocation(
        "sentry.projectoption",
        Silo.REGION,
        _ORGANIZATION,
        columns="key:s value:V",
        keys="project>project",
        uniques="{key,project}",
        sanitised="safe: key; option: value",
    )

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="options")
    key = models.CharField(max_length=64)
    value = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="projects_option_unique")]


class KeyRoles(IntFlag):
    """The bits of `ProjectKey.roles`."""

    STORE = 1
    API = 2


def _new_key() -> str:
    return new_hex(16)


class ProjectKey(models.Model):
    """The credential that SDKs send: its public half is the user name of the DSN."""

    relocation: ClassVar = Relocation(
        "sentry.projectkey",
        Silo.REGION,
        _ORGANIZATION,
        columns=(
            "data:J date_added:d label:s public_key:s rate_limit_count:n rate_limit_window:n roles:B secret_key:s "
            "status:n use_case:s"
        ),
        keys="project>project",
        uniques="{public_key} {secret_key}",
        compared="hash: public_key secret_key; secret-hex: public_key secret_key",
        sanitised="json-texts: data; name: label; hex: public_key secret_key; safe: use_case",
    )

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="keys")
    label = models.CharField(max_length=64, blank=True, default="Default")
    public_key = models.CharField(max_length=32, unique=True, default=_new_key)
    secret_key = models.CharField(max_length=32, unique=True, default=_new_key)
    roles = models.BigIntegerField(default=int(KeyRoles.STORE))
    status = models.PositiveSmallIntegerField(default=ObjectStatus.ACTIVE)
    date_added = models.DateTimeField(default=clock.now)
    rate_limit_count = models.PositiveIntegerField(null=True, blank=True)
    rate_limit_window = models.PositiveIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict)
    use_case = models.CharField(max_length=32, default="user")

    @property
    def is_active(self) -> bool:
        """Whether SDKs may send with it."""
        return self.status == ObjectStatus.ACTIVE


class ProjectAlias(models.Model):
    """An id that a project had on the server it was moved from: DSNs handed out there still name it.

    The key of a DSN says whose it is, so projects of several servers may have had the same id. Ours alone, and in no
    export (relocation specification, 9, #5).
    """

    silo: ClassVar = Silo.REGION

    old_id = models.BigIntegerField(db_index=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["old_id", "project"], name="projects_alias_unique")]


class Environment(models.Model):
    """A place that an application runs in, by name; the empty name is "none given". Shared by an organization."""

    relocation: ClassVar = Relocation(
        "sentry.environment",
        Silo.REGION,
        _ORGANIZATION,
        columns="date_added:d name:s",
        keys="organization_id#>organization",
        uniques="{name,organization_id}",
        sanitised="name: name",
    )

    organization_id = models.BigIntegerField()
    name = models.CharField(max_length=64, blank=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "name"], name="projects_environment_unique")]


class EnvironmentProject(models.Model):
    """An environment that a project has reported from."""

    relocation: ClassVar = Relocation(
        "sentry.environmentproject",
        Silo.REGION,
        _ORGANIZATION,
        columns="is_hidden:b",
        keys="environment>environment project>project",
        uniques="{environment,project}",
    )

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    is_hidden = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "environment"], name="projects_environmentproject_unique")
        ]


class ProjectCounter(models.Model):
    """The last short id that a project has given to an issue; never reused."""

    relocation: ClassVar = Relocation(
        "sentry.counter",
        Silo.REGION,
        _ORGANIZATION,
        columns="value:n",
        keys="project>project",
        uniques="{project}",
    )

    project = models.OneToOneField(Project, on_delete=models.CASCADE)
    value = models.BigIntegerField(default=0)
