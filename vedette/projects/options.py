"""Options of projects, and what digesting needs to know of a project in one value.

Field names are those of the API specification, section 13; keys are those that imported rows carry, and those that
begin with `vedette:` are our own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.grouping.configs import CONFIGS, FIRST
from vedette.orgs import options as org_options
from vedette.orgs.options import Option, choice, complaints_about_words, flag, number, optional, text, words
from vedette.projects.models import ObjectStatus, Project, ProjectOption
from vedette.projects.rules import complaints_about_enhancements, complaints_about_fingerprinting
from vedette.wire import filters
from vedette.wire.filters import (
    OLDER_KEYS,
    OLDEST_KEPT,
    InboundFilters,
    complaints_about_globs,
    complaints_about_networks,
)
from vedette.wire.quotas import ABUSE_DEFAULTS, ABUSE_GROUPS, ABUSE_MOST

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


def _complaints_about_names(value: Any) -> list[str]:
    return complaints_about_words(value) if isinstance(value, tuple) else []


def _unknown_browsers(value: Any) -> list[str]:
    names = value if isinstance(value, tuple) else ()
    return [f"{name[:40]!r} is no browser that this filter knows." for name in names if name not in LEGACY_BROWSERS]


LEGACY_BROWSERS = (*OLDEST_KEPT, *OLDER_KEYS)

ALLOWED_DOMAINS: Option[tuple[str, ...]] = Option(
    "allowedDomains", "sentry:origins", ANY_DOMAIN, words, complaints_about_words
)
DATA_SCRUBBER = Option("dataScrubber", "sentry:scrub_data", True, flag)
DATA_SCRUBBER_DEFAULTS = Option("dataScrubberDefaults", "sentry:scrub_defaults", True, flag)
SCRUB_IP_ADDRESSES = Option("scrubIPAddresses", "sentry:scrub_ip_address", False, flag)
SENSITIVE_FIELDS: Option[tuple[str, ...]] = Option(
    "sensitiveFields", "sentry:sensitive_fields", (), words, complaints_about_words
)
SAFE_FIELDS: Option[tuple[str, ...]] = Option("safeFields", "sentry:safe_fields", (), words, complaints_about_words)
RELAY_PII_CONFIG = Option("relayPiiConfig", "sentry:relay_pii_config", None, optional(text))
STORE_CRASH_REPORTS = Option("storeCrashReports", "sentry:store_crash_reports", None, optional(number(-1, 100)))
SCRAPE_JAVASCRIPT = Option("scrapeJavaScript", "sentry:scrape_javascript", True, flag)
VERIFY_SSL = Option("verifySSL", "sentry:verify_ssl", False, flag)
SECURITY_TOKEN = Option("securityToken", "sentry:token", "", text)
SECURITY_TOKEN_HEADER = Option("securityTokenHeader", "sentry:token_header", None, optional(text))
RESOLVE_AGE = Option("resolveAge", "sentry:resolve_age", 0, number(0, 24 * 3650))  # hours, 0 is off
STORM_EVENTS_PER_MINUTE = Option(  # empty means the organization's
    "stormEventsPerMinute", "vedette:storm_events_per_minute", None, optional(number(0, 10**9))
)
ESCALATE_NEW_ISSUES = Option("escalateNewIssues", "vedette:escalate_new_issues", False, flag)
ASSIGN_SUSPECTS, ASSIGN_OWNERS, ASSIGN_NOBODY = (
    "Auto Assign to Suspect Commits",
    "Auto Assign to Issue Owner",
    "Turn off Auto-Assignment",
)
AUTO_ASSIGNMENT = Option(
    "autoAssignment",
    "vedette:auto_assignment",
    ASSIGN_NOBODY,
    choice(ASSIGN_SUSPECTS, ASSIGN_OWNERS, ASSIGN_NOBODY),
)
AUTO_RELEASE_CREATION = Option("enableAutoReleaseCreation", "sentry:enable_auto_release_creation", True, flag)
RELEASE_DATE_FROM_EVENTS = Option("releaseDateFromEvents", "vedette:release_date_from_events", True, flag)
RELEASE_ORDERING = Option("releaseOrdering", "vedette:release_ordering", "auto", choice("auto", "semver", "date"))
FINGERPRINTING_RULES = Option(
    "fingerprintingRules", "sentry:fingerprinting_rules", "", text, complaints_about_fingerprinting
)
GROUPING_ENHANCEMENTS = Option(
    "groupingEnhancements", "sentry:grouping_enhancements", "", text, complaints_about_enhancements
)
GROUPING_CONFIG = Option("groupingConfig", "sentry:grouping_config", FIRST.id, choice(*CONFIGS))
SECONDARY_GROUPING_CONFIG = Option(
    "secondaryGroupingConfig", "sentry:secondary_grouping_config", "", choice("", *CONFIGS)
)
SECONDARY_GROUPING_EXPIRY = Option(  # Unix seconds
    "secondaryGroupingExpiry", "sentry:secondary_grouping_expiry", 0, number(0, 2**40)
)
DEFAULT_ENVIRONMENT = Option("defaultEnvironment", "sentry:default_environment", None, optional(text))
SUBJECT_PREFIX = Option("subjectPrefix", "mail:subject_prefix", "", text)
SUBJECT_TEMPLATE = Option("subjectTemplate", "mail:subject_template", "$shortID - $title", text)
DIGESTS_MIN_DELAY = Option("digestsMinDelay", "digests:mail:minimum_delay", 300, number(60, 3600))
DIGESTS_MAX_DELAY = Option("digestsMaxDelay", "digests:mail:maximum_delay", 1800, number(60, 3600))
HIGHLIGHT_TAGS: Option[tuple[str, ...]] = Option(
    "highlightTags", "sentry:highlight_tags", (), words, complaints_about_words
)
HIGHLIGHT_CONTEXT: Option[dict[str, Any]] = Option("highlightContext", "sentry:highlight_context", {}, _pairs)
FILTER_IPS: Option[tuple[str, ...]] = Option(
    "filters:blacklisted_ips", "sentry:blacklisted_ips", (), words, complaints_about_networks
)
FILTER_RELEASES: Option[tuple[str, ...]] = Option(
    "filters:releases", "sentry:releases", (), words, complaints_about_globs
)
FILTER_MESSAGES: Option[tuple[str, ...]] = Option(
    "filters:error_messages", "sentry:error_messages", (), words, complaints_about_globs
)
FILTER_HYDRATION: Option[Any] = Option(
    "filters:react-hydration-errors", "filters:react-hydration-errors", True, _filter, _complaints_about_names
)
FILTER_CHUNKS: Option[Any] = Option(
    "filters:chunk-load-error", "filters:chunk-load-error", True, _filter, _complaints_about_names
)
FILTER_CSP = Option("sentry:csp_ignored_sources_defaults", "sentry:csp_ignored_sources_defaults", True, flag)
CSP_SOURCES: Option[tuple[str, ...]] = Option(
    "sentry:csp_ignored_sources", "sentry:csp_ignored_sources", (), words, complaints_about_words
)
FILTER_EXTENSIONS: Option[Any] = Option(
    "filters:browser-extensions", "filters:browser-extensions", False, _filter, _complaints_about_names
)
FILTER_LOCALHOST: Option[Any] = Option(
    "filters:localhost", "filters:localhost", False, _filter, _complaints_about_names
)
FILTER_CRAWLERS: Option[Any] = Option(
    "filters:web-crawlers", "filters:web-crawlers", False, _filter, _complaints_about_names
)
FILTER_LEGACY_BROWSERS: Option[Any] = Option(
    "filters:legacy-browsers", "filters:legacy-browsers", False, _filter, _unknown_browsers
)
FILTER_HEALTH_CHECKS: Option[Any] = Option(
    "filters:filtered-transaction", "filters:filtered-transaction", True, _filter, _complaints_about_names
)
# Limits against floods: so many a second, taken over ten seconds; 0 is none.
LIMITS: dict[str, Option[int]] = {
    group: Option(
        f"limits:{group}",
        f"vedette:{group}_limit",
        ABUSE_DEFAULTS.get(group, 0),
        number(0, ABUSE_MOST.get(group, 10**6)),
    )
    for group in ABUSE_GROUPS
}
SPIKE_PROTECTION = Option(
    "limits:spike_protection", "vedette:spike_protection", "inherit", choice("inherit", "on", "off")
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
    STORM_EVENTS_PER_MINUTE,
    ESCALATE_NEW_ISSUES,
    AUTO_ASSIGNMENT,
    AUTO_RELEASE_CREATION,
    RELEASE_DATE_FROM_EVENTS,
    RELEASE_ORDERING,
    FINGERPRINTING_RULES,
    GROUPING_ENHANCEMENTS,
    GROUPING_CONFIG,
    SECONDARY_GROUPING_CONFIG,
    SECONDARY_GROUPING_EXPIRY,
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
    FILTER_HYDRATION,
    FILTER_CHUNKS,
    FILTER_CSP,
    CSP_SOURCES,
    *LIMITS.values(),
    SPIKE_PROTECTION,
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
    stored_crash_reports: int
    storm_events_per_minute: int
    escalates_new: bool
    fingerprinting_rules: str
    grouping_enhancements: str
    auto_release_creation: bool
    release_date_from_events: bool
    grouping_config: str
    secondary_grouping_config: str
    filters: InboundFilters


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


def resolve_ages(project_ids: Collection[int]) -> dict[int, int]:
    """After how many hours of silence issues count as resolved, for those of these projects that say so. One query."""
    return _resolve_ages(ProjectOption.objects.filter(project_id__in=list(project_ids)))


def projects_with_resolve_age() -> dict[int, int]:
    """The same for every project that is in use."""
    return _resolve_ages(ProjectOption.objects.filter(project__status=ObjectStatus.ACTIVE))


def _resolve_ages(rows: QuerySet[ProjectOption]) -> dict[int, int]:
    found = rows.filter(key=RESOLVE_AGE.key).values_list("project_id", "value")
    hours = {project: RESOLVE_AGE.stored(value) for project, value in found}
    return {project: age for project, age in hours.items() if age > 0}


def projects_with(option: Option[bool]) -> set[int]:
    """The projects in use that have switched something on which is off unless they say so. One query."""
    rows = ProjectOption.objects.filter(project__status=ObjectStatus.ACTIVE, key=option.key)
    return {project for project, value in rows.values_list("project_id", "value") if option.stored(value)}


def set_option(project: Project, option: Option[T], value: Any) -> bool:
    """Store one option; True if its value changed. Raises `RuleBroken` with the option's API name as the field."""
    typed = option.written(value)
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


def _secondary_config(own: dict[str, Any]) -> str:
    """The configuration before, while the transition from it lasts."""
    lasts = own["secondaryGroupingExpiry"] > clock.now().timestamp()
    config: str = own["secondaryGroupingConfig"]
    return config if lasts and config != own["groupingConfig"] else ""


def _first_given(*values: int | None) -> int:
    return next((value for value in values if value is not None), 0)


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
        retention_days=shared["retentionDays"] or settings.VEDETTE.retention_days,
        stored_crash_reports=_first_given(own["storeCrashReports"], shared["storeCrashReports"]),
        storm_events_per_minute=_first_given(
            own["stormEventsPerMinute"], shared["stormEventsPerMinute"], settings.VEDETTE.storm_events_per_minute
        ),
        escalates_new=own["escalateNewIssues"],
        fingerprinting_rules=own["fingerprintingRules"],
        grouping_enhancements=own["groupingEnhancements"],
        auto_release_creation=own["enableAutoReleaseCreation"],
        release_date_from_events=own["releaseDateFromEvents"],
        grouping_config=own["groupingConfig"],
        secondary_grouping_config=_secondary_config(own),
        filters=inbound_filters(own),
    )


# The filters that are switches: the option of each, by the reason under which its hits are counted.
FILTER_SWITCHES: dict[str, Option[Any]] = {
    filters.HYDRATION: FILTER_HYDRATION,
    filters.CHUNKS: FILTER_CHUNKS,
    filters.CSP: FILTER_CSP,
    filters.LOCALHOST: FILTER_LOCALHOST,
    filters.EXTENSIONS: FILTER_EXTENSIONS,
    filters.CRAWLERS: FILTER_CRAWLERS,
    filters.HEALTH_CHECKS: FILTER_HEALTH_CHECKS,
}


def inbound_filters(options: dict[str, Any]) -> InboundFilters:
    """The inbound filters that these options (by their API names) come to."""
    browsers = options[FILTER_LEGACY_BROWSERS.field]
    return InboundFilters(
        on=tuple(reason for reason, option in FILTER_SWITCHES.items() if options[option.field]),
        legacy_browsers=browsers if isinstance(browsers, tuple) else tuple(OLDEST_KEPT) if browsers else (),
        addresses=options[FILTER_IPS.field],
        releases=options[FILTER_RELEASES.field],
        messages=options[FILTER_MESSAGES.field],
        csp_sources=options[CSP_SOURCES.field],
    )


def is_protected(own: dict[str, Any], shared: dict[str, Any]) -> bool:
    """Whether spikes of a project with these options, in an organization with those, are cut off."""
    said = own[SPIKE_PROTECTION.field]
    return bool(shared[org_options.SPIKE_PROTECTION.field]) if said == "inherit" else said == "on"
