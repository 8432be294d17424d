"""Options: settings that live in rows of (key, JSON value), each with a type and a default.

Keys are those of the release specification, section 20, so that imported rows keep their meaning. A stored value of
the wrong type (an import, an older server) reads as the default; a written one is always of its type.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vedette.core import json
from vedette.core.errors import RuleBroken
from vedette.orgs.models import Organization, OrganizationOption
from vedette.orgs.roles import is_role
from vedette.wire.quotas import ABUSE_GROUPS, ABUSE_MOST

T = TypeVar("T")
LONGEST_RETENTION = 3650  # days
MOST_WORDS, LONGEST_WORD = 500, 256  # entries of a list, characters of one
LONGEST_VALUE = 8192  # bytes of any other setting as JSON, unless it has a check of its own


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One setting. `field` is its name in the API, `key` the one it is stored under.

    `read` turns a JSON value into the option's type, or raises `RuleBroken`. `check` says what is wrong with a value
    that is to be written; what is stored already is not asked for it.
    """

    field: str
    key: str
    default: T
    read: Callable[[Any], T]
    check: Callable[[T], list[str]] | None = None

    def written(self, value: Any) -> T:
        """A value that is to be stored. Raises `RuleBroken` by the option's API name."""
        try:
            typed = self.read(value)
        except RuleBroken as error:
            raise RuleBroken({self.field: error.errors[""]}) from error
        if complaints := (self.check or complaints_about_size)(typed):
            raise RuleBroken({self.field: complaints})
        return typed

    def stored(self, value: Any) -> T:
        """What a stored value means: the default where it is of the wrong type."""
        try:
            return self.read(value)
        except RuleBroken:
            return self.default


def flag(value: Any) -> bool:
    """A JSON boolean; older servers stored 0 and 1 as well."""
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise RuleBroken("Must be a valid boolean.")


def number(least: int, most: int) -> Callable[[Any], int]:
    """A reader of whole numbers within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise RuleBroken("A valid integer is required.")
        if not least <= value <= most:
            raise RuleBroken(f"Ensure this value is between {least} and {most}.")
        return value

    return read


def words(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text with a line for each; without blanks and repetitions."""
    lines = value.splitlines() if isinstance(value, str) else value
    if value is None:
        return ()
    if not isinstance(lines, (list, tuple)) or not all(isinstance(line, str) for line in lines):
        raise RuleBroken("Expected a list of texts.")
    return tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))


def complaints_about_words(lines: tuple[str, ...]) -> list[str]:
    """What is wrong with a list of texts: every event may be compared with each of them."""
    if len(lines) > MOST_WORDS:
        return [f"{len(lines)} entries, {MOST_WORDS} are allowed."]
    return [f"{line[:60]!r} is longer than {LONGEST_WORD} characters." for line in lines if len(line) > LONGEST_WORD]


def complaints_about_size(value: Any) -> list[str]:
    """What is wrong with any other value: settings are read whole, and for many projects at once."""
    size = len(json.dumps(value))
    return [f"{size} bytes, {LONGEST_VALUE} are allowed."] if size > LONGEST_VALUE else []


def text(value: Any) -> str:
    """A text; null is the empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RuleBroken("Not a valid string.")
    return value


def optional(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """A reader that takes null as well."""
    return lambda value: None if value is None else read(value)


def choice(*names: str) -> Callable[[Any], str]:
    """A reader of one of `names`."""

    def read(value: Any) -> str:
        if value not in names:
            raise RuleBroken(f'"{value}" is not a valid choice.')
        return str(value)

    return read


def role_name(value: Any) -> str:
    """The name of an organization role."""
    if not isinstance(value, str) or not is_role(value):
        raise RuleBroken(f'"{value}" is not a valid role.')
    return value


PROJECT_RATE_LIMIT = Option("projectRateLimit", "sentry:project-rate-limit", 100, number(0, 100))
ACCOUNT_RATE_LIMIT = Option("accountRateLimit", "sentry:account-rate-limit", 0, number(0, 10**9))
DATA_SCRUBBER = Option("dataScrubber", "sentry:require_scrub_data", False, flag)
SENSITIVE_FIELDS: Option[tuple[str, ...]] = Option(
    "sensitiveFields", "sentry:sensitive_fields", (), words, complaints_about_words
)
SAFE_FIELDS: Option[tuple[str, ...]] = Option("safeFields", "sentry:safe_fields", (), words, complaints_about_words)
SCRAPE_JAVASCRIPT = Option("scrapeJavaScript", "sentry:scrape_javascript", True, flag)
DATA_SCRUBBER_DEFAULTS = Option("dataScrubberDefaults", "sentry:require_scrub_defaults", False, flag)
STORE_CRASH_REPORTS = Option("storeCrashReports", "sentry:store_crash_reports", 0, number(-1, 100))
ATTACHMENTS_ROLE = Option("attachmentsRole", "sentry:attachments_role", "member", role_name)
DEBUG_FILES_ROLE = Option("debugFilesRole", "sentry:debug_files_role", "admin", role_name)
EVENTS_MEMBER_ADMIN = Option("eventsMemberAdmin", "sentry:events_member_admin", True, flag)
ALERTS_MEMBER_WRITE = Option("alertsMemberWrite", "sentry:alerts_member_write", True, flag)
ALLOW_MEMBER_INVITE = Option("allowMemberInvite", "sentry:allow_member_invite", True, flag)
SCRUB_IP_ADDRESSES = Option("scrubIPAddresses", "sentry:require_scrub_ip_address", False, flag)
RELAY_PII_CONFIG = Option("relayPiiConfig", "sentry:relay_pii_config", None, optional(text))
# Limits against floods: so many a second, taken over ten seconds; 0 is none.
LIMITS: dict[str, Option[int]] = {
    group: Option(
        {"attachment_bytes": "attachmentBytesLimit"}.get(group, f"{group.removesuffix('s')}Limit"),
        f"vedette:{group}_limit",
        0,
        number(0, ABUSE_MOST.get(group, 10**6)),
    )
    for group in ABUSE_GROUPS
}
SPIKE_PROTECTION = Option("spikeProtection", "vedette:spike_protection", False, flag)
ALLOW_JOIN_REQUESTS = Option("allowJoinRequests", "sentry:join_requests", True, flag)
# Kept so that settings survive a move; nothing in Vedette does what they switch.
APDEX_THRESHOLD = Option("apdexThreshold", "sentry:apdex_threshold", 300, number(1, 10**6))
AI_SUGGESTED_SOLUTION = Option("aiSuggestedSolution", "sentry:ai_suggested_solution", True, flag)
GITHUB_PR_BOT = Option("githubPRBot", "sentry:github_pr_bot", True, flag)
GITHUB_OPEN_PR_BOT = Option("githubOpenPRBot", "sentry:github_open_pr_bot", True, flag)
GITHUB_NUDGE_INVITE = Option("githubNudgeInvite", "sentry:github_nudge_invite", True, flag)
AGGREGATED_DATA_CONSENT = Option("aggregatedDataConsent", "sentry:aggregated_data_consent", False, flag)
GEN_AI_CONSENT = Option("genAIConsent", "sentry:gen_ai_consent", False, flag)
# Empty means what the server keeps.
RETENTION_DAYS = Option("retentionDays", "vedette:retention_days", None, optional(number(1, LONGEST_RETENTION)))
ATTACHMENT_RETENTION_DAYS = Option(
    "attachmentRetentionDays", "vedette:attachment_retention_days", None, optional(number(1, LONGEST_RETENTION))
)
STORM_EVENTS_PER_MINUTE = Option(
    "stormEventsPerMinute", "vedette:storm_events_per_minute", None, optional(number(0, 10**9))
)

OPTIONS: tuple[Option[Any], ...] = (
    PROJECT_RATE_LIMIT,
    ACCOUNT_RATE_LIMIT,
    DATA_SCRUBBER,
    SENSITIVE_FIELDS,
    SAFE_FIELDS,
    SCRAPE_JAVASCRIPT,
    DATA_SCRUBBER_DEFAULTS,
    STORE_CRASH_REPORTS,
    ATTACHMENTS_ROLE,
    DEBUG_FILES_ROLE,
    EVENTS_MEMBER_ADMIN,
    ALERTS_MEMBER_WRITE,
    ALLOW_MEMBER_INVITE,
    SCRUB_IP_ADDRESSES,
    RELAY_PII_CONFIG,
    ALLOW_JOIN_REQUESTS,
    APDEX_THRESHOLD,
    AI_SUGGESTED_SOLUTION,
    GITHUB_PR_BOT,
    GITHUB_OPEN_PR_BOT,
    GITHUB_NUDGE_INVITE,
    AGGREGATED_DATA_CONSENT,
    GEN_AI_CONSENT,
    *LIMITS.values(),
    SPIKE_PROTECTION,
    RETENTION_DAYS,
    ATTACHMENT_RETENTION_DAYS,
    STORM_EVENTS_PER_MINUTE,
)


def get_option(organization: Organization, option: Option[T]) -> T:
    """The value of one option; its default where none is set."""
    row = OrganizationOption.objects.filter(organization=organization, key=option.key).values_list("value", flat=True)
    values = list(row)
    return option.stored(values[0]) if values else option.default


def options_of(organization_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Every option of each organization by its API name, defaults filled in. One query."""
    found: dict[int, dict[str, Any]] = {pk: {o.field: o.default for o in OPTIONS} for pk in organization_ids}
    by_key = {option.key: option for option in OPTIONS}
    rows = OrganizationOption.objects.filter(organization_id__in=list(found), key__in=by_key)
    for organization_id, key, value in rows.values_list("organization_id", "key", "value"):
        found[organization_id][by_key[key].field] = by_key[key].stored(value)
    return found


def set_option(organization: Organization, option: Option[T], value: Any) -> str | None:
    """Store one option; what the audit log says of the change (`from 1 to 2`, `to 2`), None if nothing changed.

    Raises `RuleBroken` with the option's API name as the field.
    """
    typed = option.written(value)
    row, created = OrganizationOption.objects.get_or_create(
        organization=organization, key=option.key, defaults={"value": typed}
    )
    if created:
        return None if typed == option.default else f"to {typed}"
    before = option.stored(row.value)
    OrganizationOption.objects.filter(pk=row.pk).update(value=typed)
    return None if before == typed else f"from {before} to {typed}"
