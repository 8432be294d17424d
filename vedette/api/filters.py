"""Query parameters that many lists share: time, projects, environments.

Source: the API specification, section 9.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.http import QueryDict
from rest_framework.exceptions import NotFound, PermissionDenied

from vedette.api.errors import FORBIDDEN
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.orgs.access import Access
from vedette.orgs.models import Organization
from vedette.orgs.options import LONGEST_RETENTION
from vedette.projects.access import reachable_projects
from vedette.projects.models import Environment, Project

DEFAULT_DAYS = 90
MAX_INTERVALS = 10_000
MAX_SEARCH_WORDS = 20
MAX_SEARCH_LENGTH = 4096
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PERIOD = re.compile(r"(\d{1,9})([smhdw]?)")
_LATEST = datetime(9998, 1, 1, tzinfo=UTC)  # nothing that is kept is as late
_FRACTION = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` to `end`, both aware UTC."""

    start: datetime
    end: datetime


def seconds_of(text: str) -> int | None:
    """The length of a period such as `24h`; None if it is none."""
    match = _PERIOD.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def moment_of(text: str) -> datetime:
    """The moment that ISO 8601 text (no zone is UTC; up to nine decimals) or Unix seconds name. Raises ValueError."""
    text = text.strip()
    try:
        if re.fullmatch(r"-?\d{5,}(\.\d+)?", text):
            return clock.from_unix(float(text))
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", text.replace(" ", "+") if "T" in text else text))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def time_range(query: QueryDict, now: datetime) -> TimeRange:
    """The window that the request names: by default the last 90 days, never beyond retention, and never so late that
    nobody could round it up to whole intervals. Raises `RuleBroken`."""
    return _within_retention(asked_range(query, now) or TimeRange(now - timedelta(days=DEFAULT_DAYS), now), now)


def asked_range(query: QueryDict, now: datetime) -> TimeRange | None:
    """The window in the request's own words, None when it names none. Raises `RuleBroken`."""
    if period := query.get("statsPeriod"):
        return TimeRange(now - _period("statsPeriod", period), now)
    if query.get("statsPeriodStart") or query.get("statsPeriodEnd"):
        start = _period("statsPeriodStart", query.get("statsPeriodStart", ""))
        end = _period("statsPeriodEnd", query.get("statsPeriodEnd", ""))
        return _in_order(TimeRange(now - start, now - end))
    if query.get("start") or query.get("end"):
        if not (query.get("start") and query.get("end")):
            raise RuleBroken("start and end are both required")
        return _in_order(TimeRange(_moment("start", query.get("start", "")), _moment("end", query.get("end", ""))))
    return None


def _period(name: str, text: str) -> timedelta:
    seconds = seconds_of(text)
    if seconds is None:
        raise RuleBroken(f"Invalid {name}: {text[:50]!r}")
    return timedelta(seconds=min(seconds, 10 * 365 * 86_400))


def _moment(name: str, text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError:
        raise RuleBroken(f"Invalid {name}: {text[:50]!r}") from None


def _in_order(asked: TimeRange) -> TimeRange:
    if asked.start >= asked.end:
        raise RuleBroken("start must be before end")
    return asked


def _within_retention(asked: TimeRange, now: datetime) -> TimeRange:
    oldest = now - timedelta(days=LONGEST_RETENTION)
    start, end = max(asked.start, oldest), max(asked.end, oldest + timedelta(seconds=1))
    return TimeRange(min(start, _LATEST - timedelta(seconds=1)), min(end, _LATEST))


def projects(query: QueryDict, access: Access, *, slugs: tuple[str, ...] = ()) -> list[Project]:
    """The projects that the request names by id or slug, or all that the caller reaches.

    One that the caller does not reach is refused in the same words as one that is not there. Raises `PermissionDenied`.
    """
    reachable = reachable_projects(access)
    names = [name for name in (*query.getlist("project"), *query.getlist("projectSlug"), *slugs) if name]
    if not names or "-1" in names:
        return list(reachable)
    ids = {number for name in names if (number := as_id(name)) is not None}
    words = {name for name in names if as_id(name) is None}
    found = list(reachable.filter(Q(pk__in=ids) | Q(slug__in=words)))
    if ids - {project.pk for project in found} or words - {project.slug for project in found}:
        raise PermissionDenied(FORBIDDEN)
    return found


def environments(query: QueryDict, organization: Organization) -> tuple[str, ...]:
    """The names of the environments that the request asks for; the empty one is "none given". Raises `NotFound`."""
    names = set(query.getlist("environment"))
    known = Environment.objects.filter(organization_id=organization.pk, name__in=names).values_list("name", flat=True)
    if names - {""} - set(known):
        raise NotFound
    return tuple(sorted(names))


def search_text(query: QueryDict) -> str:
    """What the `query` of a list of names says. Raises `RuleBroken` for more than a database compares with."""
    text = query.get("query", "")
    if len(text) > MAX_SEARCH_LENGTH:
        raise RuleBroken(f"The query is longer than {MAX_SEARCH_LENGTH} characters.")
    return text


def search_words(query: QueryDict) -> list[str]:
    """The words of that text. Raises `RuleBroken` for too many: each is one condition more."""
    words = search_text(query).split()
    if len(words) > MAX_SEARCH_WORDS:
        raise RuleBroken(f"The query has more than {MAX_SEARCH_WORDS} words.")
    return words
