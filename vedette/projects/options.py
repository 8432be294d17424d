"""Options of projects, and what digesting needs to know of a project in one value.

Field names are those of the API specification, section 13; keys are those that imported rows carry, and those that
begin with `vedette:` are our own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

from vedette.core.errors import RuleBroken
from vedette.orgs import options as org_options
from vedette.orgs.options import Option, choice, flag, number, optional, text, words
from vedette.projects.models import Project, ProjectOption

T = TypeVar("T")
ANY_DOMAIN = ("*",)


def _pairs(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuleBroken("Expected an object.")
    return value


def _filter(value: Any) -> Any:
    """A switch of an inbound filter: on, off, or the names of what it filters."""
    if value in ("0", "1"):
        return value == "1"
    return words(value) if isinstance(value, (list, tuple)) else flag(value)


ALLOWED_DOMAINS: Option[tuple[str, ...]] = Option("allowedDomains", "sentry:origins", ANY_DOMAIN, words)
DATA_SCRUBBER = Option("dataScrubber", "sentry:scrub_data", True, flag)
DATA_SCRUBBER_DEFAULTS = Option("dataScrubberDefaults", "sentry:scrub_defaults", True, flag)
SCRUB_IP_ADDRESSES = Option("scrubIPAddresses", "sentry:scrub_ip_address", False, flag)
SENSITIVE_FIELDS: Option[tuple[str, ...]] = Option("sensitiveFields", "sentry:sensitive_fields", (), words)
SAFE_FIELDS: Option[tuple[str, ...]] = Option("safeFields", "sentry:safe_fields", (), words)
RELAY_PII_CONFIG = Option("relayPiiConfig", "sentry:relay_pii_config", None, optional(text))
STORE_CRASH_REPORTS = Option("storeCrashReports", "sentry:store_crash_reports", None, optional(number(-1, 100)))
SCRAPE_JAVASCRIPT = Option("scrapeJavaScript", "sentry:scrape_javascript", True, flag)
VERIFY_SSL = Option("verifySSL", "sentry:verify_ssl", False, flag)
SECURITY_TOKEN = Option("securityToken", "sentry:token", "", text)
SECURITY_TOKEN_HEADER = Option("securityTokenHeader", "sentry:token_header", None, optional(text))
RESOLVE_AGE = Option("resolveAge", "sentry:resolve_age", 0, number(0, 24 * 3650))  # hours, 0 is off
AUTO_RELEASE_CREATION = Option("enableAutoReleaseCreation", "sentry:enable_auto_release_creation", True, flag)
RELEASE_DATE_FROM_EVENTS = Option("releaseDateFromEvents", "vedette:release_date_from_events", True, flag)
RELEASE_ORDERING = Option("releaseOrdering", "vedette:release_ordering", "auto", choice("auto", "semver", "date"))
FINGERPRINTING_RULES = Option("fingerprintingRules", "sentry:fingerprinting_rules", "", text)
GROUPING_ENHANCEMENTS = Option("groupingEnhancements", "sentry:grouping_enhancements", "", text)
DEFAULT_ENVIRONMENT = Option("defaultEnvironment", "sentry:default_environment", None, optional(text))
SUBJECT_PREFIX = Option("subjectPrefix", "mail:subject_prefix", "", text)
SUBJECT_TEMPLATE = Option("subjectTemplate", "mail:subject_template", "$shortID - $title", text)
DIGESTS_MIN_DELAY = Option("digestsMinDelay", "digests:mail:minimum_delay", 300, number(60, 3600))
DIGESTS_MAX_DELAY = Option("digestsMaxDelay", "digests:mail:maximum_delay", 1800, number(60, 3600))
HIGHLIGHT_TAGS: Option[tuple[str, ...]] = Option("highlightTags", "sentry:highlight_tags", (), words)
HIGHLIGHT_CONTEXT: Option[dict[str, Any]] = Option("highlightContext", "sentry:highlight_context", {}, _pairs)
FILTER_IPS: Option[tuple[str, ...]] = Option("filters:blacklisted_ips", "sentry:blacklisted_ips", (), words)
FILTER_RELEASES: Option[tuple[str, ...]] = Option("filters:releases", "sentry:releases", (), words)
FILTER_MESSAGES: Option[tuple[str, ...]] = Option("filters:error_messages", "sentry:error_messages", (), words)
FILTER_EXTENSIONS: Option[Any] = Option("filters:browser-extensions", "filters:browser-extensions", False, _filter)
FILTER_LOCALHOST: Option[Any] = Option("filters:localhost", "filters:localhost", False, _filter)
FILTER_CRAWLERS: Option[Any] = Option("filters:web-crawlers", "filters:web-crawlers", False, _filter)
FILTER_LEGACY_BROWSERS: Option[Any] = Option("filters:legacy-browsers", "filters:legacy-browsers", False, _filter)
FILTER_HEALTH_CHECKS: Option[Any] = Option(
    "filters:filtered-transaction", "filters:filtered-transaction", True, _filter
)

OPTIONS: tuple[Option[Any], ...] = (
    ALLOWED_DOMAINS,
    DATA_SCRUBBER,
    DATA_SCRUBBER_DEFAULTS,
    SCRUB_IP_ADDRESSES,
    SENSITIVE_FIELDS,
    SAFE_FIELDS,
    RELAY_PII_CONFIG,
    STORE_CRASH_REPORTS,
    SCRAPE_JAVASCRIPT,
    VERIFY_SSL,
    SECURITY_TOKEN,
    SECURITY_TOKEN_HEADER,
    RESOLVE_AGE,
    AUTO_RELEASE_CREATION,
    RELEASE_DATE_FROM_EVENTS,
    RELEASE_ORDERING,
    FINGERPRINTING_RULES,
    GROUPING_ENHANCEMENTS,
    DEFAULT_ENVIRONMENT,
    SUBJECT_PREFIX,
    SUBJECT_TEMPLATE,
    DIGESTS_MIN_DELAY,
    DIGESTS_MAX_DELAY,
    HIGHLIGHT_TAGS,
    HIGHLIGHT_CONTEXT,
    FILTER_IPS,
    FILTER_RELEASES,
    FILTER_MESSAGES,
    FILTER_EXTENSIONS,
    FILTER_LOCALHOST,
    FILTER_CRAWLERS,
    FILTER_LEGACY_BROWSERS,
    FILTER_HEALTH_CHECKS,
)


@dataclass(frozen=True, slots=True)
class DigestOptions:
    """What the digest has to know of a project, its organization's switches folded in.

    An organization's scrubbing switch forces a project's on; lists of fields are joined.
    """

    project_id: int
    organization_id: int
    slug: str
    platform: str | None
    scrub_data: bool
    scrub_defaults: bool
    scrub_ip_addresses: bool
    sensitive_fields: tuple[str, ...]
    safe_fields: tuple[str, ...]
    retention_days: int
    fingerprinting_rules: str
    grouping_enhancements: str
    auto_release_creation: bool
    release_date_from_events: bool


def get_option(project: Project, option: Option[T]) -> T:
    """The value of one option; its default where none is set."""
    values = list(ProjectOption.objects.filter(project=project, key=option.key).values_list("value", flat=True))
    return option.stored(values[0]) if values else option.default


def options_of(project_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Every option of each project by its API name, defaults filled in. One query."""
    found: dict[int, dict[str, Any]] = {pk: {o.field: o.default for o in OPTIONS} for pk in project_ids}
    by_key = {option.key: option for option in OPTIONS}
    rows = ProjectOption.objects.filter(project_id__in=list(found), key__in=by_key)
    for project_id, key, value in rows.values_list("project_id", "key", "value"):
        found[project_id][by_key[key].field] = by_key[key].stored(value)
    return found


def set_option(project: Project, option: Option[T], value: Any) -> bool:
    """Store one option; True if its value changed. Raises `RuleBroken` with the option's API name as the field."""
    try:
        typed = option.read(value)
    except RuleBroken as error:
        raise RuleBroken({option.field: error.errors[""]}) from error
    row, created = ProjectOption.objects.get_or_create(project=project, key=option.key, defaults={"value": typed})
    if created:
        return typed != option.default
    ProjectOption.objects.filter(pk=row.pk).update(value=typed)
    return option.stored(row.value) != typed


def digest_options(project_ids: Collection[int]) -> dict[int, DigestOptions]:
    """What digesting needs, by project id; projects that are gone are missing. Three queries for any number."""
    projects = list(
        Project.objects.filter(pk__in=list(project_ids)).values_list("id", "organization_id", "slug", "platform")
    )
    own = options_of([row[0] for row in projects])
    shared = org_options.options_of({row[1] for row in projects})
    return {
        project_id: _folded(project_id, organization_id, slug, platform, own[project_id], shared[organization_id])
        for project_id, organization_id, slug, platform in projects
    }


def _folded(
    project_id: int,
    organization_id: int,
    slug: str,
    platform: str | None,
    own: dict[str, Any],
    shared: dict[str, Any],
) -> DigestOptions:
    return DigestOptions(
        project_id=project_id,
        organization_id=organization_id,
        slug=slug,
        platform=platform,
        scrub_data=own["dataScrubber"] or shared["dataScrubber"],
        scrub_defaults=own["dataScrubberDefaults"] or shared["dataScrubberDefaults"],
        scrub_ip_addresses=own["scrubIPAddresses"] or shared["scrubIPAddresses"],
        sensitive_fields=tuple(dict.fromkeys(shared["sensitiveFields"] + own["sensitiveFields"])),
        safe_fields=tuple(dict.fromkeys(shared["safeFields"] + own["safeFields"])),
        retention_days=settings.VEDETTE.retention_days,
        fingerprinting_rules=own["fingerprintingRules"],
        grouping_enhancements=own["groupingEnhancements"],
        auto_release_creation=own["enableAutoReleaseCreation"],
        release_date_from_events=own["releaseDateFromEvents"],
    )
