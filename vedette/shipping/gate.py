"""The gate of a release, measured: the issues that it brought, the crashes, how much it is used.

An issue is new where it was first seen in this release: anywhere, or in one of the environments asked about, also when
another environment knew it before. It came back where an event of this release brought it back. Who archives an issue,
or resolves it in this release or for good, has settled it: it does not count. What is resolved in another release, in
the next one or by a commit that no release has is still there in this one, and counts.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from vedette.core.pieces import pieces
from vedette.events import queries
from vedette.events.client import EventStore, StoreUnavailable
from vedette.events.rows import SessionTotals, Window
from vedette.issues.models import (
    VISIBLE_STATUSES,
    Group,
    GroupEnvironment,
    GroupHistory,
    GroupRelease,
    GroupResolution,
    GroupResolutionRelease,
    GroupStatus,
    HistoryStatus,
    ResolutionType,
)
from vedette.issues.regressions import unshipped
from vedette.projects.models import Environment, Project
from vedette.releases import rates
from vedette.releases.gate import Bounds, Check, Counted, few_issues, high_rate
from vedette.releases.health import KNOWN_DAYS, NOTHING, summary_span
from vedette.releases.models import Release, ReleaseEnvironment
from vedette.releases.periods import last

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """What the gate is about: a release in projects of its own, everywhere or in some environments, in the last
    `period` (one of `PERIODS`)."""

    release: Release
    projects: tuple[Project, ...]
    environments: tuple[str, ...] = ()
    period: str = "14d"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check, and the newest of the issues that it is about."""

    check: Check
    issues: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says. `observed`: whether any event or session of the release has arrived."""

    findings: tuple[Finding, ...]
    observed: bool

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks alone."""
        return tuple(finding.check for finding in self.findings)


def hold_against(store: EventStore, subject: Subject, bounds: Bounds, now: datetime) -> Verdict:
    """Measure what `bounds` ask for. Raises `StoreUnavailable` where that needs sessions, and they cannot be had."""
    unknown = _unknown_environments(store, subject, now)
    sessions = _Sessions()
    wanted = (bounds.min_crash_free_sessions, bounds.min_crash_free_users, bounds.min_adoption)
    if any(bound is not None for bound in wanted):
        sessions = _sessions(store, subject, now)
    else:
        with suppress(StoreUnavailable):
            sessions = _sessions(store, subject, now)
    observed = sessions.period.sessions > 0 or _had_events(subject)
    note = "" if observed else "No event and no session of the release has arrived yet."
    findings = [*_issue_findings(subject, bounds, unknown, note), *_rate_findings(subject, bounds, sessions, unknown)]
    return Verdict(tuple(findings), observed)


def _issue_findings(subject: Subject, bounds: Bounds, unknown: str, note: str) -> list[Finding]:
    found = []
    for name, bound, what, rows in (
        ("new-issues", bounds.max_new_issues, "new in this release", new_issues),
        ("regressed-issues", bounds.max_regressed_issues, "back in this release", regressed),
    ):
        if bound is None:
            continue
        counted = Counted() if unknown else _counted(subject.release, rows(subject))
        check = few_issues(name, counted, bound, what=what, unknown=unknown, note=note)
        shown = Group.objects.filter(pk__in=counted.issues[:SHOWN]).select_related("project").order_by("-pk")
        found.append(Finding(check, tuple(shown) if counted.issues else ()))
    return found


def _rate_findings(subject: Subject, bounds: Bounds, sessions: "_Sessions", unknown: str) -> list[Finding]:
    none_yet = unknown or f"No sessions of this release have arrived in the last {subject.period}{_place(subject)}."
    checks = []
    for name, bound, rate, what in (
        (
            "crash-free-sessions",
            bounds.min_crash_free_sessions,
            rates.crash_free_sessions(sessions.period),
            "of sessions did not crash",
        ),
        (
            "crash-free-users",
            bounds.min_crash_free_users,
            rates.crash_free_users(sessions.period),
            "of users met no crash",
        ),
    ):
        if bound is not None:
            nobody = none_yet
            if name == "crash-free-users" and sessions.period.sessions:
                nobody = "The sessions of this release name no users."
            checks.append(high_rate(name, rates.percent(rate), bound, what=what, unknown=nobody))
    if bounds.min_adoption is not None:
        by_users = sessions.whole_day.users > 0
        rate = (
            rates.part(sessions.day.users, sessions.whole_day.users)
            if by_users
            else rates.part(sessions.day.sessions, sessions.whole_day.sessions)
        )
        what = f"of the {'users' if by_users else 'sessions'} of the last 24 hours have this release"
        nobody = unknown or f"No sessions of any release have arrived in the last 24 hours{_place(subject)}."
        checks.append(high_rate("adoption", rates.percent(rate), bounds.min_adoption, what=what, unknown=nobody))
    return [Finding(check) for check in checks]


def new_issues(subject: Subject) -> QuerySet[Group]:
    """The issues that were first seen in the release, settled ones too."""
    rows = _visible(subject)
    if not subject.environments:
        return rows.filter(first_release=subject.release)
    there = GroupEnvironment.objects.filter(
        group=OuterRef("pk"), first_release=subject.release, environment__name__in=subject.environments
    )
    return rows.filter(Exists(there))


def regressed(subject: Subject) -> QuerySet[Group]:
    """The issues that the release brought back, settled ones too."""
    back = GroupHistory.objects.filter(group=OuterRef("pk"), release=subject.release, status=HistoryStatus.REGRESSED)
    rows = _visible(subject).filter(Exists(back))
    if not subject.environments:
        return rows
    there = GroupRelease.objects.filter(
        group=OuterRef("pk"), release=subject.release, environment__in=subject.environments
    )
    return rows.filter(Exists(there))


def _visible(subject: Subject) -> QuerySet[Group]:
    return Group.objects.filter(project__in=subject.projects, status__in=VISIBLE_STATUSES)


def _counted(release: Release, rows: QuerySet[Group]) -> Counted:
    statuses = dict(rows.order_by("-pk").values_list("pk", "status"))
    resolved = [pk for pk, status in statuses.items() if status == GroupStatus.RESOLVED]
    settled = set(resolved) - _still_there(release, resolved)
    archived = {pk for pk, status in statuses.items() if status == GroupStatus.IGNORED}
    counting = tuple(pk for pk in statuses if pk not in settled and pk not in archived)
    return Counted(counting, len(archived), len(settled))


def _still_there(release: Release, resolved: Sequence[int]) -> set[int]:
    """Those of the resolved issues that `release` still has: they are fixed in another one, or not shipped yet."""
    found: set[int] = set()
    for some in pieces(resolved):
        found |= unshipped(some).keys()
        among = GroupResolutionRelease.objects.filter(release=release, resolution__group__in=some)
        listed = set(among.values_list("resolution_id", flat=True))
        for row in GroupResolution.objects.filter(group__in=some):
            is_later = row.type != ResolutionType.IN_RELEASE or row.current_release_version == release.version
            if (row.release_id != release.pk and row.pk not in listed) or is_later:
                found.add(row.group_id)
    return found


def _unknown_environments(store: EventStore, subject: Subject, now: datetime) -> str:
    """Why nobody can say anything: a misspelt environment would pass every check on issues."""
    names = set(subject.environments) - {""}
    rows = Environment.objects.filter(organization_id=subject.release.organization_id, name__in=names)
    unknown = names - set(rows.values_list("name", flat=True))
    projects = tuple(sorted(project.pk for project in subject.projects))
    if unknown and projects:
        window = Window(projects, *last(KNOWN_DAYS, now), tuple(sorted(unknown)))
        with suppress(StoreUnavailable):  # sessions alone make no row of an environment
            unknown -= {sums.by[0] for sums in queries.session_sums(store, window, ("environment",), users=False)}
    return f"Nothing has ever been told of the environment {', '.join(sorted(unknown))}." if unknown else ""


def _had_events(subject: Subject) -> bool:
    rows = ReleaseEnvironment.objects.filter(release=subject.release)
    if subject.environments:
        rows = rows.filter(environment__name__in=subject.environments)
    return rows.exists()


def _place(subject: Subject) -> str:
    return f" in {', '.join(name or 'no environment' for name in subject.environments)}" if subject.environments else ""


@dataclass(frozen=True, slots=True)
class _Sessions:
    """The release's sessions of the period and of the last 24 hours, and those of its projects in these hours."""

    period: SessionTotals = NOTHING
    day: SessionTotals = NOTHING
    whole_day: SessionTotals = NOTHING


def _sessions(store: EventStore, subject: Subject, now: datetime) -> _Sessions:
    projects = tuple(sorted(project.pk for project in subject.projects))
    if not projects:
        return _Sessions()

    def totals(span: tuple[datetime, datetime], releases: list[str] | None) -> SessionTotals:
        sums = queries.session_sums(store, Window(projects, *span, subject.environments), releases=releases)
        return sums[0].totals if sums else NOTHING

    own = [subject.release.version]
    return _Sessions(
        period=totals(summary_span(subject.period, now), own),
        day=totals(last(1, now), own),
        whole_day=totals(last(1, now), None),
    )
