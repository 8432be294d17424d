"""The issues of a release: those that are new in it, that came back with it, that it fixes, and all it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from vedette.core import clock
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.filters import TagFilter
from vedette.events.rows import IssueStats, Window
from vedette.issues.assignees import Assignee, assignees_of
from vedette.issues.models import VISIBLE_STATUSES, Group, GroupHistory, GroupRelease, HistoryStatus
from vedette.projects.models import Project
from vedette.releases.models import Release
from vedette.shipping.fixed import fixed_in
from vedette.web.streampage import IssueWords, words_of

KINDS = {"new": "New", "regressed": "Came back", "resolved": "Fixed", "all": "Seen in it"}
ROWS_PER_PAGE = 20
MOST_COUNTED = 1000
LOOK_BACK = timedelta(days=90)
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class IssueLine:
    """An issue of a release. `stats` are its numbers in that release alone; None while the event store is away, or
    where it kept none."""

    group: Group
    words: IssueWords
    stats: IssueStats | None
    assignee: Assignee | None


def issues_of(release: Release, projects: Sequence[Project], kind: str) -> QuerySet[Group]:
    """The issues of these projects that the release has to do with; `kind` is one of `KINDS`."""
    rows = Group.objects.filter(project__in=[project.pk for project in projects], status__in=VISIBLE_STATUSES)
    if kind == "new":
        return rows.filter(first_release=release)
    if kind == "regressed":
        back = GroupHistory.objects.filter(release=release, status=HistoryStatus.REGRESSED)
        return rows.filter(pk__in=back.values("group_id"))
    if kind == "resolved":
        return rows.filter(pk__in=fixed_in(release))
    return rows.filter(pk__in=GroupRelease.objects.filter(release=release).values("group_id"))


def bounded(rows: QuerySet[Group]) -> int:
    """How many there are, and a thousand where there are more."""
    return rows.order_by()[:MOST_COUNTED].count()


def load_issues(
    release: Release, projects: Sequence[Project], kind: str, number: int
) -> tuple[tuple[IssueLine, ...], bool]:
    """Page `number` of the issues of a kind, the last seen first, and whether there is another page."""
    rows = issues_of(release, projects, kind).select_related("project").order_by("-last_seen", "-pk")
    start = (number - 1) * ROWS_PER_PAGE
    found = list(rows[start : start + ROWS_PER_PAGE + 1])
    return lines_of(found[:ROWS_PER_PAGE], release, projects), len(found) > ROWS_PER_PAGE


def lines_of(groups: Sequence[Group], release: Release, projects: Sequence[Project]) -> tuple[IssueLine, ...]:
    """These issues with their numbers in the release."""
    now = clock.now()
    window = Window(tuple(project.pk for project in projects), now - LOOK_BACK, now + _AHEAD)
    stats: dict[int, IssueStats] = {}
    with suppress(StoreUnavailable):
        tags = (TagFilter("release", "=", (release.version,)),)
        stats = queries.issue_stats(event_store(), window, [group.pk for group in groups], tags=tags)
    assignees = assignees_of(groups)
    return tuple(IssueLine(group, words_of(group), stats.get(group.pk), assignees.get(group.pk)) for group in groups)
