"""Two releases side by side: how each does, the issues that only one of them has, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from vedette.core import clock
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import SessionTotals, Window
from vedette.issues.models import Group
from vedette.projects.models import Project
from vedette.releases import listing, rates
from vedette.releases.conditions import Scope
from vedette.releases.health import NOTHING, CrashFree, summary_span
from vedette.releases.models import Commit, Release, ReleaseCommit
from vedette.releases.periods import last
from vedette.web.releasecommits import CommitLine, FileLine, files_of, lines_of
from vedette.web.releasefilters import ReleaseFilters
from vedette.web.releaseissues import MOST_COUNTED, bounded, issues_of
from vedette.web.releasepage import OpenedRelease, Summary, load_summary
from vedette.web.streampage import IssueWords, words_of

MOST_ISSUES, MOST_COMMITS, MOST_FILES = 50, 100, 100
MOST_BETWEEN = 1000  # so many releases between two are looked at for commits
MOST_CHOICES = 100


@dataclass(frozen=True, slots=True)
class Side(CrashFree):
    """One of the two. `adoption` is per cent of the last day's sessions; None while the event store is away."""

    opened: OpenedRelease
    summary: Summary
    totals: SessionTotals
    adoption: float | None

    @property
    def release(self) -> Release:
        """The release itself."""
        return self.opened.release


@dataclass(frozen=True, slots=True)
class Shared:
    """Issues of one kind of belonging, the most frequent first; `count` is how many there are, at most a thousand."""

    lines: tuple[tuple[Group, IssueWords], ...]
    count: int

    @property
    def more(self) -> int:
        """How many are not told."""
        return max(0, self.count - len(self.lines))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two, as they were asked for; `older` and `newer` are the same two by age. `commits` and `files` are those of
    the releases after the older one up to the newer one."""

    a: Side
    b: Side
    older: Release
    newer: Release
    only_a: Shared
    only_b: Shared
    both: Shared
    commits: tuple[CommitLine, ...]
    more_commits: bool
    files: tuple[FileLine, ...]
    between: int
    is_away: bool


def compare_releases(a: OpenedRelease, b: OpenedRelease, filters: ReleaseFilters) -> Comparison:
    """Everything of the page."""
    numbers = _numbers((a, b), filters)
    older, newer = sorted((a.release, b.release), key=lambda release: (release.sort_date, release.pk))
    projects = tuple({project.pk: project for project in (*a.shown, *b.shown)}.values())
    in_a, in_b = issues_of(a.release, projects, "all"), issues_of(b.release, projects, "all")
    between = _between(older, newer, projects)
    commits = list(
        Commit.objects.filter(pk__in=ReleaseCommit.objects.filter(release__in=between).values("commit_id"))
        .select_related("repository", "author")
        .order_by("-date_added", "-pk")[: MOST_COMMITS + 1]
    )
    return Comparison(
        a=_side(a, numbers),
        b=_side(b, numbers),
        older=older,
        newer=newer,
        only_a=_shared(in_a.exclude(pk__in=in_b.values("pk"))),
        only_b=_shared(in_b.exclude(pk__in=in_a.values("pk"))),
        both=_shared(in_a.filter(pk__in=in_b.values("pk"))),
        commits=tuple(lines_of(_by_repository(commits[:MOST_COMMITS]), older.organization_id)),
        more_commits=len(commits) > MOST_COMMITS,
        files=tuple(files_of(between, MOST_FILES)),
        between=len(between),
        is_away=numbers is None,
    )


def _by_repository(commits: Sequence[Commit]) -> list[Commit]:
    return sorted(commits, key=lambda commit: (commit.repository.name, commit.repository_id))


def latest_choices(organization_id: int, projects: Sequence[Project]) -> list[str]:
    """The versions that the page offers: the newest."""
    scope = Scope(organization_id, tuple(project.pk for project in projects))
    rows = listing.listed(scope, "open").order_by("-sort_date", "-pk")
    return list(rows.values_list("version", flat=True)[:MOST_CHOICES])


def _numbers(sides: Sequence[OpenedRelease], filters: ReleaseFilters) -> dict[str, Any] | None:
    """Totals of the period and of the last day by version, and of the last day altogether ("")."""
    now = clock.now()
    ids = tuple({project.pk for side in sides for project in side.shown})
    environments = (filters.environment,) if filters.environment else ()
    versions = [side.release.version for side in sides]
    period, day = (
        Window(ids, *summary_span(filters.period, now), environments),
        Window(ids, *last(1, now), environments),
    )
    with suppress(StoreUnavailable):
        store = event_store()
        totals = queries.session_sums(store, period, ("release",), releases=versions)
        days = queries.session_sums(store, day, ("release",), releases=versions)
        everybody = queries.session_sums(store, day)
        return {
            "totals": {sums.by[0]: sums.totals for sums in totals},
            "day": {sums.by[0]: sums.totals for sums in days},
            "all": everybody[0].totals if everybody else NOTHING,
        }
    return None


def _side(opened: OpenedRelease, numbers: dict[str, Any] | None) -> Side:
    known = numbers or {"totals": {}, "day": {}, "all": NOTHING}
    version = opened.release.version
    part = rates.part(known["day"].get(version, NOTHING).sessions, known["all"].sessions)
    return Side(opened, load_summary(opened), known["totals"].get(version, NOTHING), rates.percent(part))


def _shared(rows: QuerySet[Group]) -> Shared:
    found = rows.select_related("project").order_by("-times_seen", "-pk")[:MOST_ISSUES]
    lines = tuple((group, words_of(group)) for group in found)
    return Shared(lines, len(lines) if len(lines) < MOST_ISSUES else min(bounded(rows), MOST_COUNTED))


def _between(older: Release, newer: Release, projects: Sequence[Project]) -> list[int]:
    """The releases of these projects after `older`, up to `newer`, by age: the newest thousand."""
    scope = Scope(older.organization_id, tuple(project.pk for project in projects))
    after = Q(sort_date__gt=older.sort_date) | Q(sort_date=older.sort_date, pk__gt=older.pk)
    upto = Q(sort_date__lt=newer.sort_date) | Q(sort_date=newer.sort_date, pk__lte=newer.pk)
    rows = listing.listed(scope, "").filter(after, upto, sort_date__range=(older.sort_date, newer.sort_date))
    return list(rows.order_by("-sort_date", "-pk").values_list("pk", flat=True)[:MOST_BETWEEN])
