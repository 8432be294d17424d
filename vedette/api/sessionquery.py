"""What a request of the sessions API asks for: fields, groups, an interval, filters, an order.

Source: the release health specification, 7.1 and 7.4.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.http import QueryDict

from vedette.api.filters import search_text, seconds_of, time_range
from vedette.core.clock import from_unix
from vedette.core.errors import RuleBroken
from vedette.events.queries.sessions import Dimension, SessionFilter
from vedette.projects.models import Project
from vedette.releases.rates import RATES, STATUSES
from vedette.wire.globs import GLOB_LIMIT

MINUTE, HOUR, DAY = 60, 3600, 86_400
FINE_FOR = timedelta(days=30)  # afterwards the minutes of an hour are summed up
MAX_INTERVALS = 1000
MAX_TERMS = 20
MAX_PATTERNS = 20  # values with a star, of all filters: each is compared with every release
MAX_STARS = 10

COUNTS = ("sum(session)", "count_unique(user)")
DURATIONS = tuple(f"{name}(session.duration)" for name in ("p50", "p75", "p90", "p95", "p99", "avg", "max"))
FIELDS = (*COUNTS, *DURATIONS, *RATES)
STATUS = "session.status"
GROUPS = ("project", "environment", "release", STATUS)
RELEASE_DATE = "release.timestamp"

_TERM = re.compile(r'(!?)([\w.]+):(\[[^\]]*\]|"(?:\\.|[^"\\])*"|[^\s"]*)(?=\s|$)')
_ITEM = re.compile(r'"(?:\\.|[^"\\])*"|[^\s,]+')


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """A request that makes sense. `statuses` are those that the query leaves, None where it says nothing of them."""

    fields: tuple[str, ...]
    by: tuple[str, ...]
    interval: int
    start: datetime
    end: datetime
    filters: tuple[SessionFilter, ...]
    statuses: frozenset[str] | None
    order: str
    descending: bool
    text: str

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The groups that the event store divides by."""
        return tuple(cast(Dimension, name) for name in self.by if name != STATUS)

    @property
    def intervals(self) -> list[int]:
        """When each bucket begins, Unix seconds."""
        return list(range(int(self.start.timestamp()), int(self.end.timestamp()), self.interval))

    @property
    def by_status(self) -> bool:
        """Whether each status is a group of its own."""
        return STATUS in self.by


def read_query(query: QueryDict, projects: Sequence[Project], now: datetime) -> SessionQuery:
    """The request, checked. Raises `RuleBroken` with the sentence that says what is wrong with it."""
    fields = _words(query, "field", FIELDS)
    if not fields:
        raise RuleBroken('Request is missing a "field"')
    by = _words(query, "groupBy", GROUPS)
    start, end, interval = _stretch(query, now)
    text = search_text(query)
    filters, statuses = parse_terms(text, projects)
    order, descending = _order(query, fields, by)
    _check_statuses(fields, by, statuses, order if query.get("orderBy") else "")
    return SessionQuery(fields, by, interval, start, end, filters, statuses, order, descending, text)


def _words(query: QueryDict, name: str, known: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(query.getlist(name)))
    for word in found:
        if word not in known:
            raise RuleBroken(f'Invalid {name}: "{word[:50]}"')
    return found


def _stretch(query: QueryDict, now: datetime) -> tuple[datetime, datetime, int]:
    """Start and end, rounded out to the interval, and the interval in seconds."""
    asked = time_range(query, now)
    text = query.get("interval", "")
    interval = seconds_of(text) if text else HOUR
    if not interval:
        raise RuleBroken(f"Invalid interval: {text[:50]!r}")
    smallest, name = (MINUTE, "one minute") if asked.start >= now - FINE_FOR else (HOUR, "one hour")
    if interval % smallest:
        raise RuleBroken(f"The interval has to be a multiple of the minimum interval of {name}.")
    if interval > DAY:
        raise RuleBroken("The interval has to be at most one day.")
    if DAY % interval:
        raise RuleBroken("The interval should divide one day cleanly.")
    if not text and asked.end - asked.start > timedelta(seconds=(MAX_INTERVALS - 2) * interval):
        interval = DAY
    first = int(asked.start.timestamp()) // interval * interval
    last = -(-int(asked.end.timestamp()) // interval) * interval
    if (last - first) // interval > MAX_INTERVALS:
        raise RuleBroken(
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range."
        )
    return from_unix(first), from_unix(max(last, first + interval)), interval


def _order(query: QueryDict, fields: Sequence[str], by: Sequence[str]) -> tuple[str, bool]:
    given = query.get("orderBy", "")
    if not given:
        return fields[0], True
    name = given.removeprefix("-")
    if name == RELEASE_DATE:
        if "release" not in by:
            raise RuleBroken("To sort by release.timestamp, tag release must be in the groupBy")
    elif name not in fields:
        raise RuleBroken(f"'orderBy' must be one of the provided 'fields', or {RELEASE_DATE}")
    return name, given.startswith("-")


def _check_statuses(fields: Sequence[str], by: Sequence[str], statuses: frozenset[str] | None, order: str) -> None:
    """Some numbers cannot be told of a status, and some not of several together."""
    for field in fields:
        if field in RATES and STATUS in by:
            raise RuleBroken(f"Cannot group field {field} by {STATUS}")
        if field in RATES and statuses is not None:
            raise RuleBroken(f"Cannot filter field {field} by {STATUS}")
    several = statuses is not None and len(statuses) > 1 and STATUS not in by
    if several and "count_unique(user)" in fields:
        raise RuleBroken(f"Cannot filter count_unique(user) by multiple {STATUS} unless it is in groupBy")
    if statuses is not None and order in DURATIONS:
        raise RuleBroken(f"Cannot order by {order} with the current filters")


def parse_terms(text: str, projects: Sequence[Project]) -> tuple[tuple[SessionFilter, ...], frozenset[str] | None]:
    """The filters of `text`, and the statuses that it leaves. Raises `RuleBroken`."""
    filters: list[SessionFilter] = []
    statuses: frozenset[str] | None = None
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TERM.match(text, place)
        if match is None:
            raise RuleBroken(f"Invalid query: {text[place : place + 50]!r} is no filter")
        place = match.end()
        negated, key, values = bool(match[1]), match[2], _values(match[3])
        if key == STATUS:
            statuses = (frozenset(STATUSES) if statuses is None else statuses) & _statuses(values, negated)
        else:
            filters.append(_filter(key, values, negated, projects))
        if len(filters) > MAX_TERMS:
            raise RuleBroken(f"The query has more than {MAX_TERMS} filters.")
        if sum(len(one.like) for one in filters) > MAX_PATTERNS:
            raise RuleBroken(f"The query has more than {MAX_PATTERNS} values with a star.")
    return tuple(filters), statuses


def _values(text: str) -> list[tuple[str, bool]]:
    """The values, each with whether it was quoted."""
    if text.startswith("["):
        return [_value(item) for item in _ITEM.findall(text[1:-1])]
    return [_value(text)]


def _value(text: str) -> tuple[str, bool]:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL), True
    return text, False


def _statuses(values: Sequence[tuple[str, bool]], negated: bool) -> frozenset[str]:
    words = frozenset(value for value, _ in values)
    if unknown := sorted(words - set(STATUSES)):
        raise RuleBroken(f"Invalid value for {STATUS}: {unknown[0][:50]!r}")
    return frozenset(STATUSES) - words if negated else words


def _filter(key: str, values: Sequence[tuple[str, bool]], negated: bool, projects: Sequence[Project]) -> SessionFilter:
    if key not in ("release", "environment", "project"):
        raise RuleBroken(f"Invalid key for this search: {key[:50]}")
    if key == "project":
        return SessionFilter("project", tuple(_project(value, projects) for value, _ in values), (), negated)
    exact = tuple(value for value, quoted in values if quoted or "*" not in value)
    like = tuple(value for value, quoted in values if not quoted and "*" in value)
    for value in like:
        if value.count("*") > MAX_STARS or len(value) > GLOB_LIMIT:
            raise RuleBroken(
                f"Invalid pattern {value[:50]!r}: at most {MAX_STARS} stars and {GLOB_LIMIT} characters are allowed."
            )
    return SessionFilter(cast(Dimension, key), exact, like, negated)


def _project(value: str, projects: Sequence[Project]) -> str:
    found = next((project for project in projects if value in (project.slug, str(project.pk))), None)
    if found is None:
        raise RuleBroken(f"Invalid query. Project {value[:50]} does not exist or is not actively selected.")
    return str(found.pk)
