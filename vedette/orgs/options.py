"""Options: settings that live in rows of (key, JSON value), each with a type and a default.

Keys are those of the release specification, section 20, so that imported rows keep their meaning. A stored value of
the wrong type (an import, an older server) reads as the default; a written one is always of its type.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vedette.core.errors import RuleBroken
from vedette.orgs.models import Organization, OrganizationOption
from vedette.orgs.roles import is_role

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One setting. `field` is its name in the API, `key` the one it is stored under.

    `read` turns a JSON value into the option's type, or raises `RuleBroken`.
    """

    field: str
    key: str
    default: T
    read: Callable[[Any], T]

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
SENSITIVE_FIELDS: Option[tuple[str, ...]] = Option("sensitiveFields", "sentry:sensitive_fields", (), words)
SAFE_FIELDS: Option[tuple[str, ...]] = Option("safeFields", "sentry:safe_fields", (), words)
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
ALLOW_JOIN_REQUESTS = Option("allowJoinRequests", "sentry:join_requests", True, flag)

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
    typed = _typed(option, value)
    row, created = OrganizationOption.objects.get_or_create(
        organization=organization, key=option.key, defaults={"value": typed}
    )
    if created:
        return None if typed == option.default else f"to {typed}"
    before = option.stored(row.value)
    OrganizationOption.objects.filter(pk=row.pk).update(value=typed)
    return None if before == typed else f"from {before} to {typed}"


def _typed(option: Option[T], value: Any) -> T:
    try:
        return option.read(value)
    except RuleBroken as error:
        raise RuleBroken({option.field: error.errors[""]}) from error
