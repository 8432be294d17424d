"""The stream's filters: between the controls of the page and the query string that page and API share.

The text box, the status and the level are parts of one `query`; project, environment, range and sort are parameters
of their own, called as in the API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import QueryDict

from vedette.issues.search import ISSUE_KEYS, NOT_YET
from vedette.releases.search import VERSION_KEYS

RANGES = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
SORTS = ("date", "new", "freq", "user")
SERIES = ("24h", "14d")
STATUSES = {
    "unresolved": "Unresolved",
    "for_review": "For review",
    "archived": "Archived",
    "resolved": "Resolved",
    "": "All",
}
LEVELS = ("fatal", "error", "warning", "info", "debug", "sample")
DEFAULT_QUERY, DEFAULT_RANGE = "is:unresolved", "14d"
_WORD = re.compile(r'(?:[^\s"]*"(?:\\.|[^"\\])*"\S*)|\S+')
_KEY = re.compile(r"[\w.\-]+")
_TAKEN = ISSUE_KEYS | NOT_YET | VERSION_KEYS | {"is", "has"}
_PLAIN = re.compile(r"[^\s\"()\[\]*,]+")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. `text` is the query without its first plain status and level."""

    query: str
    status: str
    level: str
    text: str
    project: str
    environment: str
    period: str
    sort: str
    series: str

    @property
    def window(self) -> timedelta:
        """How far back to look."""
        return RANGES[self.period]

    def start(self, end: datetime) -> datetime:
        """The beginning of the range that ends at `end`."""
        return end - self.window

    @property
    def narrowed(self) -> bool:
        """Whether anything but the usual is asked for."""
        return bool(self.query != DEFAULT_QUERY or self.project or self.environment)


def page_number(params: QueryDict, most: int = 10_000) -> int:
    """The number of the page that an address asks for (`page`), at most `most`; the first where it says nothing."""
    text = params.get("page", "")
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def read_filters(params: QueryDict) -> Filters:
    """The filters in an address. What makes no sense there falls back to the usual."""
    query = " ".join(params.get("query", DEFAULT_QUERY).split()) if "query" in params else DEFAULT_QUERY
    status, level, text = split_query(query)
    return Filters(
        query=query,
        status=status,
        level=level,
        text=text,
        project=params.get("project", ""),
        environment=params.get("environment", ""),
        period=_one_of(params, "statsPeriod", RANGES, DEFAULT_RANGE),
        sort=_one_of(params, "sort", SORTS, "date"),
        series=_one_of(params, "groupStatsPeriod", SERIES, "24h"),
    )


def split_query(query: str) -> tuple[str, str, str]:
    """(status, level, the rest) of a query; a status or level that the controls cannot show stays in the rest.

    `ignored` is the older name of `archived`.
    """
    status = level = ""
    rest = []
    for word in _WORD.findall(query):
        key, _, value = word.partition(":")
        value = "archived" if value == "ignored" else value
        if key == "is" and value in STATUSES and value and not status:
            status = value
        elif key == "level" and value in LEVELS and not level:
            level = value
        else:
            rest.append(word)
    return status, level, " ".join(rest)


def join_query(status: str, level: str, text: str) -> str:
    """One query of the three controls. What is typed wins over what is chosen."""
    typed_status, typed_level, _ = split_query(text)
    parts = [
        f"is:{status}" if status in STATUSES and status and not typed_status else "",
        f"level:{level}" if level in LEVELS and not typed_level else "",
        " ".join(text.split()),
    ]
    return " ".join(filter(None, parts))


def composed(params: QueryDict) -> QueryDict | None:
    """The canonical parameters for what the filter form sent; None when they are canonical already."""
    if not {"status", "level", "text"} & params.keys():
        return None
    canonical = params.copy()
    canonical["query"] = join_query(params.get("status", ""), params.get("level", ""), params.get("text", ""))
    for name in ("status", "level", "text", "cursor"):
        canonical.pop(name, None)
    for name in [name for name, value in canonical.items() if name != "query" and value == ""]:
        canonical.pop(name)
    return canonical


def quote_term(value: str) -> str:
    """A value as the search language spells it: quoted where it holds anything that means something there."""
    if _PLAIN.fullmatch(value):
        return value
    return _quoted(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tag_term(key: str, value: str) -> str:
    """The condition that an event carries this tag; a key that means something else in searches is spelt out."""
    if key in _TAKEN:
        key = f"tags[{key}]"
    elif not _KEY.fullmatch(key):
        key = _quoted(key)
    return f"{key}:{quote_term(value)}"


def _one_of(params: Mapping[str, str], name: str, allowed: object, usual: str) -> str:
    value = params.get(name, usual)
    return value if value in allowed else usual  # type: ignore[operator]
