"""Changing the settings of projects and keys, and giving projects up; each change goes into the audit log."""

from typing import Any

from django.db import IntegrityError, transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.changes import refuse_scrubbing_rules
from vedette.orgs.slugs import PROJECT_LENGTH, SlugTaken, check_slug
from vedette.projects.models import ObjectStatus, Project, ProjectKey, ProjectOption
from vedette.projects.options import (
    FINGERPRINTING_RULES,
    GROUPING_CONFIG,
    GROUPING_ENHANCEMENTS,
    OPTIONS,
    SECONDARY_GROUPING_CONFIG,
    SECONDARY_GROUPING_EXPIRY,
    set_option,
)
from vedette.projects.rules import remember_rules
from vedette.projects.services import LONGEST_LABEL, LONGEST_NAME, LONGEST_PLATFORM
from vedette.projects.transitions import change_config
from vedette.tasks.names import DELETIONS
from vedette.tasks.schedule import hasten

LAST_SLUG = "vedette:slug_before_deletion"


def change_project(
    project: Project,
    changes: dict[str, Any],
    *,
    by: User | None = None,
    label: str = "",
    ip_address: str | None = None,
) -> list[str]:
    """Apply `changes` (API field to value; others are left alone) and name the fields that changed.

    Knows `name`, `slug`, `platform` and the options. Raises `RuleBroken` and `SlugTaken`, and then nothing has changed.
    """
    refuse_scrubbing_rules(changes)
    columns = _columns(project, changes)
    try:
        with transaction.atomic():
            told = [option.field for option in OPTIONS if option.field in changes and _set(project, option, changes)]
            told += [column for column, value in columns.items() if getattr(project, column) != value]
            if columns:
                Project.objects.filter(pk=project.pk).update(**columns)
            if told:
                data = {"slug": project.slug, "changed": sorted(told), **columns}
                record(
                    AuditEvent.PROJECT_EDIT,
                    project.organization,
                    by=by,
                    label=label,
                    target=project.pk,
                    data=data,
                    ip_address=ip_address,
                )
    except IntegrityError as error:
        raise SlugTaken("A project") from error
    for column, value in columns.items():
        setattr(project, column, value)
    return told


def _set(project: Project, option: Any, changes: dict[str, Any]) -> bool:
    value = changes[option.field]
    if option is GROUPING_CONFIG:
        return change_config(project, value, clock.now())
    if option in (SECONDARY_GROUPING_CONFIG, SECONDARY_GROUPING_EXPIRY):
        return False  # they follow from a change of the configuration
    changed = set_option(project, option, value)
    if changed and option in (GROUPING_ENHANCEMENTS, FINGERPRINTING_RULES):
        remember_rules(project, option.read(value))
    return changed


def _columns(project: Project, changes: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "name" in changes:
        columns["name"] = _checked("name", changes["name"].strip(), LONGEST_NAME)
    if "slug" in changes and changes["slug"] != project.slug:
        check_slug(changes["slug"], PROJECT_LENGTH)
        columns["slug"] = changes["slug"]
    if "platform" in changes:
        platform = changes["platform"] or None
        columns["platform"] = _checked("platform", platform, LONGEST_PLATFORM) if platform else None
    return columns


def _checked(field: str, value: str, longest: int) -> str:
    if not value:
        raise RuleBroken({field: ["This field may not be blank."]})
    if len(value) > longest:
        raise RuleBroken({field: [f"Ensure this field has no more than {longest} characters."]})
    return value


@transaction.atomic
def schedule_deletion(
    project: Project, *, by: User | None = None, label: str = "", ip_address: str | None = None
) -> bool:
    """Give a project up: it is gone for everybody at once, and its slug is free. False if it was gone before.

    The slug that it had is kept in an option, for whoever wants it back before its data is deleted.
    """
    slug = f"deleted-{new_hex(12)}"
    gone = Project.objects.filter(pk=project.pk, status__in=(ObjectStatus.ACTIVE, ObjectStatus.DISABLED)).update(
        status=ObjectStatus.PENDING_DELETION, slug=slug
    )
    if not gone:
        return False
    ProjectOption.objects.update_or_create(project=project, key=LAST_SLUG, defaults={"value": project.slug})
    data = {"slug": project.slug, "name": project.name}
    record(
        AuditEvent.PROJECT_REMOVE,
        project.organization,
        by=by,
        label=label,
        target=project.pk,
        data=data,
        ip_address=ip_address,
    )
    hasten(DELETIONS, clock.now())
    project.status, project.slug = ObjectStatus.PENDING_DELETION, slug
    return True


@transaction.atomic
def change_key(
    key: ProjectKey,
    changes: dict[str, Any],
    *,
    by: User | None = None,
    label: str = "",
    ip_address: str | None = None,
) -> list[str]:
    """Apply `changes` to a key's `label`, `rate_limit_count` and `rate_limit_window`; the names of what changed.

    Raises `RuleBroken`.
    """
    if "label" in changes:
        _checked("name", changes["label"], LONGEST_LABEL)
    changed = {name: value for name, value in changes.items() if getattr(key, name) != value}
    if changed:
        ProjectKey.objects.filter(pk=key.pk).update(**changed)
        for name, value in changed.items():
            setattr(key, name, value)
        data = {"label": key.label, "public_key": key.public_key, "project": key.project.slug}
        record(
            AuditEvent.PROJECTKEY_EDIT,
            key.project.organization,
            by=by,
            label=label,
            target=key.pk,
            data=data,
            ip_address=ip_address,
        )
    return sorted(changed)
