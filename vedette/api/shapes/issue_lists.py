"""Issues in lists: what the event store adds, asked once for the whole list.

Source: the search specification, section 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from vedette.api import numbers
from vedette.api.filters import TimeRange
from vedette.api.shapes.issues import IssueShape, Lifetime, as_issue
from vedette.core.clock import as_z
from vedette.events.rows import IssueStats
from vedette.issues import search
from vedette.issues.conditions import Conditions, split
from vedette.issues.models import Group
from vedette.issues.stream import StreamRequest, StreamRow
from vedette.orgs.models import Organization


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of an issue are wanted."""

    stats: bool = True
    lifetime: bool = True
    filtered: bool = True
    unhandled: bool = True
    base: bool = True

    @classmethod
    def of(cls, query: QueryDict) -> "Parts":
        """All but those that `collapse` names."""
        collapsed = set(query.getlist("collapse"))
        stats = "stats" not in collapsed
        return cls(
            stats=stats,
            lifetime=stats and "lifetime" not in collapsed,
            filtered=stats and "filtered" not in collapsed,
            unhandled="unhandled" not in collapsed,
            base="base" not in collapsed,
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What the event store says about the issues of a list."""

    unhandled: set[int]
    lifetime: dict[int, IssueStats]
    filtered: dict[int, IssueStats] | None


def as_issue_list(
    rows: Sequence[StreamRow],
    organization: Organization,
    wanted: StreamRequest,
    parts: Parts,
    now: datetime,
    *,
    degraded: bool = False,
) -> list[IssueShape]:
    """The issues of a page: three questions to the event store at most. `degraded`: it is away, so none is asked."""
    known = _Known(set(), {}, None) if degraded or not rows else _ask(rows, wanted, parts, now)
    return [_issue(row, organization, wanted, parts, known) for row in rows]


def _ask(rows: Sequence[StreamRow], wanted: StreamRequest, parts: Parts, now: datetime) -> _Known:
    ids = [row.group.pk for row in rows]
    projects = sorted({row.group.project_id for row in rows})
    asked = numbers.window(projects, TimeRange(wanted.start, wanted.end), wanted.environments)
    ever = numbers.window(projects, numbers.always(now), wanted.environments)
    terms = _event_terms(wanted)
    return _Known(
        unhandled=numbers.unhandled(asked, ids) if parts.unhandled else set(),
        lifetime=numbers.stats(ever, ids) if parts.lifetime else {},
        filtered=numbers.stats(asked, ids, terms.tags, terms.text) if parts.filtered and terms.event_half else None,
    )


def _event_terms(wanted: StreamRequest) -> Conditions:
    return split(search.parse(wanted.query), wanted.organization, wanted.viewer, wanted.viewer_teams)


def _issue(
    row: StreamRow, organization: Organization, wanted: StreamRequest, parts: Parts, known: _Known
) -> IssueShape:
    group = row.group
    issue: IssueShape = as_issue(group, organization, row.assignee) if parts.base else {"id": str(group.pk)}
    if parts.unhandled:
        issue["isUnhandled"] = group.pk in known.unhandled
    if parts.stats:
        issue["count"] = str(row.count)
        issue["userCount"] = row.users
        issue["firstSeen"] = as_z(row.first_seen)
        issue["lastSeen"] = as_z(row.last_seen)
        if wanted.series:
            issue["stats"] = {wanted.series: list(row.series)}
    if parts.lifetime:
        issue["lifetime"] = _over_all_time(group, known.lifetime.get(group.pk))
    if parts.filtered:
        issue["filtered"] = None if known.filtered is None else _filtered(group, known.filtered.get(group.pk))
    return issue


def _over_all_time(group: Group, stats: IssueStats | None) -> Lifetime:
    return {
        "count": str(group.times_seen),
        "userCount": stats.users if stats else 0,
        "firstSeen": as_z(group.first_seen),
        "lastSeen": as_z(group.last_seen),
        "stats": None,
    }


def _filtered(group: Group, stats: IssueStats | None) -> Lifetime:
    return {
        "count": str(stats.count if stats else 0),
        "userCount": stats.users if stats else 0,
        "firstSeen": as_z(stats.first_seen if stats else group.first_seen),
        "lastSeen": as_z(stats.last_seen if stats else group.last_seen),
        "stats": None,
    }
