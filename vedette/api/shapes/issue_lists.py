"""Issues in lists: what the event store adds, asked once for the whole list.

Source: the search specification, section 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from vedette.api import numbers
from vedette.api.issue_fixes import status_details
from vedette.api.shapes.issues import IssueShape, Lifetime, as_inbox, as_issue, as_owners
from vedette.core.clock import as_z
from vedette.events.rows import IssueStats
from vedette.issues.marks import Marks, marks_of
from vedette.issues.models import Group, GroupInbox
from vedette.issues.owners import owners_of
from vedette.issues.sharing import shares_of
from vedette.issues.stream import StreamRequest, StreamRow, conditions_of
from vedette.orgs.models import Organization


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of an issue are wanted."""

    stats: bool = True
    lifetime: bool = True
    filtered: bool = True
    unhandled: bool = True
    base: bool = True
    inbox: bool = False
    owners: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> "Parts":
        """All but those that `collapse` names, and those that `expand` does."""
        collapsed = set(query.getlist("collapse"))
        stats = "stats" not in collapsed
        return cls(
            stats=stats,
            lifetime=stats and "lifetime" not in collapsed,
            filtered=stats and "filtered" not in collapsed,
            unhandled="unhandled" not in collapsed,
            base="base" not in collapsed,
            inbox="inbox" in query.getlist("expand"),
            owners="owners" in query.getlist("expand"),
        )


def as_issue_list(
    rows: Sequence[StreamRow],
    organization: Organization,
    wanted: StreamRequest,
    parts: Parts,
    *,
    degraded: bool = False,
) -> list[IssueShape]:
    """The issues of a page; one question to the event store where the search looks at events. `degraded`: it is away,
    so nothing is asked."""
    filtered = None if degraded or not rows or not parts.filtered else _filtered_stats(rows, wanted)
    groups = [row.group for row in rows]
    details = status_details(groups) if parts.base else {}
    waiting = {one.group_id: one for one in GroupInbox.objects.filter(group__in=groups)} if parts.inbox else {}
    marks = marks_of(groups, wanted.viewer) if parts.base else {}
    issues = [
        _issue(row, organization, wanted, parts, filtered, details.get(row.group.pk), marks.get(row.group.pk))
        for row in rows
    ]
    if parts.base:
        links = shares_of(groups)
        for issue, group in zip(issues, groups, strict=True):
            issue["shareId"], issue["isPublic"] = links.get(group.pk), group.pk in links
    if parts.inbox:
        for issue, group in zip(issues, groups, strict=True):
            issue["inbox"] = as_inbox(waiting.get(group.pk))
    if parts.owners:
        owners = owners_of(groups)
        for issue, group in zip(issues, groups, strict=True):
            issue["owners"] = as_owners(owners.get(group.pk, []))
    return issues


def _filtered_stats(rows: Sequence[StreamRow], wanted: StreamRequest) -> dict[int, IssueStats] | None:
    """The numbers of the events that the search itself finds; None where it asks nothing of events."""
    terms = conditions_of(wanted)
    ids = [row.group.pk for row in rows]
    return numbers.stats(wanted.window, ids, terms.tags, terms.text) if terms.event_half else None


def _issue(
    row: StreamRow,
    organization: Organization,
    wanted: StreamRequest,
    parts: Parts,
    filtered: dict[int, IssueStats] | None,
    details: dict[str, Any] | None,
    marks: Marks | None,
) -> IssueShape:
    group = row.group
    issue: IssueShape = {"id": str(group.pk)}
    if parts.base:
        issue = as_issue(group, organization, row.assignee, details, marks)
    if parts.unhandled:
        issue["isUnhandled"] = row.unhandled
    if parts.stats:
        issue["count"] = str(row.count)
        issue["userCount"] = row.users
        issue["firstSeen"] = as_z(row.first_seen)
        issue["lastSeen"] = as_z(row.last_seen)
        if wanted.series:
            issue["stats"] = {wanted.series: list(row.series)}
    if parts.lifetime:
        issue["lifetime"] = _over_all_time(row)
    if parts.filtered:
        issue["filtered"] = None if filtered is None else _filtered(group, filtered.get(group.pk))
    return issue


def _over_all_time(row: StreamRow) -> Lifetime:
    group = row.group
    return {
        "count": str(group.times_seen),
        "userCount": row.users_ever,
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
