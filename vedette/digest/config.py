"""The settings that digesting a project's items depends on, its organization's folded in."""

import time

from django.conf import settings

from vedette.digest.values import ProjectConfig
from vedette.orgs.models import OrganizationOption
from vedette.projects.models import Project, ProjectOption

FRESH_SECONDS = 2.0

_PROJECT_KEYS = {
    "sentry:scrub_data",
    "sentry:scrub_defaults",
    "sentry:scrub_ip_address",
    "sentry:sensitive_fields",
    "sentry:safe_fields",
    "sentry:fingerprinting_rules",
    "sentry:grouping_enhancements",
}
_ORGANIZATION_KEYS = {
    "sentry:require_scrub_data",
    "sentry:require_scrub_defaults",
    "sentry:require_scrub_ip_address",
    "sentry:sensitive_fields",
    "sentry:safe_fields",
}

_cache: dict[int, tuple[float, ProjectConfig]] = {}


def configs(projects: set[int]) -> dict[int, ProjectConfig]:
    """The settings of each project that exists. A change takes hold within `FRESH_SECONDS`."""
    now = time.monotonic()
    stale = {pk for pk in projects if pk not in _cache or _cache[pk][0] < now - FRESH_SECONDS}
    if stale:
        fresh = _read(stale)
        for pk in stale:
            if pk in fresh:
                _cache[pk] = (now, fresh[pk])
            else:
                _cache.pop(pk, None)
    return {pk: _cache[pk][1] for pk in projects if pk in _cache}


def _read(projects: set[int]) -> dict[int, ProjectConfig]:
    rows = list(Project.objects.filter(pk__in=projects).only("id", "organization_id", "slug", "platform"))
    own: dict[int, dict[str, object]] = {}
    for project, key, value in ProjectOption.objects.filter(project_id__in=projects, key__in=_PROJECT_KEYS).values_list(
        "project_id", "key", "value"
    ):
        own.setdefault(project, {})[key] = value
    forced: dict[int, dict[str, object]] = {}
    for organization, key, value in OrganizationOption.objects.filter(
        organization_id__in={row.organization_id for row in rows}, key__in=_ORGANIZATION_KEYS
    ).values_list("organization_id", "key", "value"):
        forced.setdefault(organization, {})[key] = value
    return {row.pk: _config(row, own.get(row.pk, {}), forced.get(row.organization_id, {})) for row in rows}


def _config(project: Project, own: dict[str, object], forced: dict[str, object]) -> ProjectConfig:
    """An organization may force a protection on, never off; fields of both count."""
    return ProjectConfig(
        project_id=project.pk,
        organization_id=project.organization_id,
        slug=project.slug,
        platform=project.platform,
        scrub_data=own.get("sentry:scrub_data") is not False or forced.get("sentry:require_scrub_data") is True,
        scrub_defaults=own.get("sentry:scrub_defaults") is not False
        or forced.get("sentry:require_scrub_defaults") is True,
        scrub_ip_addresses=own.get("sentry:scrub_ip_address") is True
        or forced.get("sentry:require_scrub_ip_address") is True,
        sensitive_fields=_words(own.get("sentry:sensitive_fields")) + _words(forced.get("sentry:sensitive_fields")),
        safe_fields=_words(own.get("sentry:safe_fields")) + _words(forced.get("sentry:safe_fields")),
        retention_days=settings.VEDETTE.retention_days,
        fingerprinting_rules=_text(own.get("sentry:fingerprinting_rules")),
        grouping_enhancements=_text(own.get("sentry:grouping_enhancements")),
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(item).strip() for item in value if str(item).strip()) if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
