"""Making projects and their keys: the rows that belong together, written together."""

from django.db import IntegrityError, transaction

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.grouping import configs
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Organization, Team
from vedette.orgs.slugs import PROJECT_LENGTH, SlugTaken, check_slug, slug_from, with_suffix
from vedette.projects.models import ObjectStatus, Project, ProjectKey, ProjectOption, ProjectTeam
from vedette.projects.options import GROUPING_CONFIG
from vedette.wire.dsn import build_dsn

LONGEST_NAME = 200
LONGEST_LABEL = 64
LONGEST_PLATFORM = 64
DEFAULT_KEY_LABEL = "Default"


def create_project(
    organization: Organization,
    name: str,
    slug: str = "",
    platform: str | None = None,
    team: Team | None = None,
    by: User | None = None,
    *,
    ip_address: str | None = None,
) -> Project:
    """A new project with a key to report with, in `team` if one is given.

    Without a slug one is made of the name, with digits behind it where that is taken. Raises `RuleBroken` for a bad
    name, slug, platform or team, and `SlugTaken`; of two that race for a slug one gets it.
    """
    _check(name, platform, organization, team)
    slug = slug or _free_slug(organization, name)
    check_slug(slug, PROJECT_LENGTH)
    try:
        with transaction.atomic():
            project = Project.objects.create(
                organization=organization, name=name.strip(), slug=slug, platform=platform or None
            )
            if team:
                ProjectTeam.objects.create(project=project, team=team)
            ProjectKey.objects.create(project=project, label=DEFAULT_KEY_LABEL)
            if configs.NEWEST is not configs.FIRST:
                ProjectOption.objects.create(project=project, key=GROUPING_CONFIG.key, value=configs.NEWEST.id)
            record(
                AuditEvent.PROJECT_CREATE,
                organization,
                by=by,
                target=project.pk,
                data={"slug": slug, "name": name, "platform": platform},
                ip_address=ip_address,
            )
    except IntegrityError as error:
        if Project.objects.filter(organization=organization, slug=slug).exists():
            raise SlugTaken("A project") from error
        raise
    return project


@transaction.atomic
def create_key(
    project: Project,
    label: str = DEFAULT_KEY_LABEL,
    *,
    by: User | None = None,
    rate_limit: tuple[int, int] | None = None,
    ip_address: str | None = None,
) -> ProjectKey:
    """Another key of `project`. `rate_limit` is (items, window in seconds). Raises `RuleBroken`."""
    if len(label) > LONGEST_LABEL:
        raise RuleBroken({"name": [f"Ensure this field has no more than {LONGEST_LABEL} characters."]})
    count, window = rate_limit or (None, None)
    key = ProjectKey.objects.create(project=project, label=label, rate_limit_count=count, rate_limit_window=window)
    _record(AuditEvent.PROJECTKEY_CREATE, key, by, ip_address)
    return key


@transaction.atomic
def set_key_active(key: ProjectKey, active: bool, *, by: User | None = None, ip_address: str | None = None) -> bool:
    """Let SDKs send with `key`, or refuse them; True if that changed anything."""
    wanted = ObjectStatus.ACTIVE if active else ObjectStatus.DISABLED
    changed = ProjectKey.objects.filter(pk=key.pk).exclude(status=wanted).update(status=wanted)
    key.status = wanted
    if changed:
        _record(AuditEvent.PROJECTKEY_ENABLE if active else AuditEvent.PROJECTKEY_DISABLE, key, by, ip_address)
    return bool(changed)


@transaction.atomic
def delete_key(key: ProjectKey, *, by: User | None = None, ip_address: str | None = None) -> None:
    """Remove `key` for good: what still sends with it is refused."""
    _record(AuditEvent.PROJECTKEY_REMOVE, key, by, ip_address)
    key.delete()


def default_key(project: Project) -> ProjectKey | None:
    """The key that pages and commands show: the oldest active one."""
    return project.keys.filter(status=ObjectStatus.ACTIVE).order_by("date_added", "id").first()


def dsn_of(key: ProjectKey, url: str) -> str:
    """The DSN of `key` on the server whose external address is `url`."""
    return build_dsn(url, key.public_key, key.project_id).as_text()


def _record(event: AuditEvent, key: ProjectKey, by: User | None, ip_address: str | None) -> None:
    data = {"label": key.label, "public_key": key.public_key, "project": key.project.slug}
    record(event, key.project.organization, by=by, target=key.pk, data=data, ip_address=ip_address)


def _check(name: str, platform: str | None, organization: Organization, team: Team | None) -> None:
    if not name.strip():
        raise RuleBroken({"name": ["This field may not be blank."]})
    if len(name.strip()) > LONGEST_NAME:
        raise RuleBroken({"name": [f"Ensure this field has no more than {LONGEST_NAME} characters."]})
    if platform and len(platform) > LONGEST_PLATFORM:
        raise RuleBroken({"platform": ["Invalid platform"]})
    if team and team.organization_id != organization.pk:
        raise RuleBroken({"team": ["Invalid team"]})


def _free_slug(organization: Organization, name: str) -> str:
    slug = slug_from(name, PROJECT_LENGTH, "project")
    taken = Project.objects.filter(organization=organization, slug=slug).exists()
    return with_suffix(slug, PROJECT_LENGTH) if taken else slug
