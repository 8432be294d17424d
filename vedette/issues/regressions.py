"""Issues that come back: resolved ones, by hand or by age, that get an event which their resolution does not cover.

For a whole batch, in the caller's transaction. Races are settled by conditional updates: of two nodes that digest the
same regressing event, one changes the row and writes the history.

Source: the ingest specification, 14.14; the issue workflow specification, 5.5, 6.1, 6.2 and 6.4.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db.models import Q

from vedette.core import clock
from vedette.issues.history import Change, record
from vedette.issues.lines import of_line
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupLink,
    GroupResolution,
    GroupResolutionRelease,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    LinkedType,
    LinkRelationship,
    ResolutionType,
)
from vedette.issues.pending import name_release
from vedette.issues.resolutions import Dated, Resolution, judge
from vedette.projects.options import resolve_ages
from vedette.releases.models import PullRequestCommit, Release, ReleaseCommit
from vedette.releases.ordering import Ordering, orderings

_WINDOW = timedelta(seconds=5)
_NOT_YET = 2**63  # greater than every id
_RESOLVING = (
    ActivityType.SET_RESOLVED,
    ActivityType.SET_RESOLVED_IN_RELEASE,
    ActivityType.SET_RESOLVED_IN_COMMIT,
    ActivityType.SET_RESOLVED_BY_AGE,
)


class Arrived(Protocol):
    """What an event tells about a possible regression."""

    @property
    def organization_id(self) -> int: ...
    @property
    def project_id(self) -> int: ...
    @property
    def event_id(self) -> str: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def release_id(self) -> int | None: ...
    @property
    def version(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """An issue that counts as resolved as the batch arrives."""

    group: Group
    by_age: bool


def candidates(group_ids: Sequence[int], project_ids: set[int]) -> list[Candidate]:
    """Which of these issues count as resolved, before a batch is added to them."""
    ages = resolve_ages(project_ids)
    now = clock.now()
    aged = Q(pk__in=[])
    for project, hours in sorted(ages.items()):
        aged |= Q(project_id=project, last_seen__lt=now - timedelta(hours=hours))
    found = Group.objects.filter(
        Q(status=GroupStatus.RESOLVED) | Q(aged, status=GroupStatus.UNRESOLVED), pk__in=group_ids
    )
    return [Candidate(group, group.status == GroupStatus.UNRESOLVED) for group in found.order_by("pk")]


def regress(resolved: Sequence[Candidate], arrived: Sequence[tuple[Arrived, int]], now: datetime) -> set[int]:
    """Reopen those of the `resolved` issues that got an event which is not covered, and say so in their history; gives
    their ids."""
    if not resolved:
        return set()
    events: dict[int, list[Arrived]] = defaultdict(list)
    for arrival, group in arrived:
        events[group].append(arrival)
    judging = _Judging([one for one in resolved if events[one.group.pk]], events)
    regressed: dict[int, Arrived] = {}
    for candidate in resolved:
        decisive = judging.decisive(candidate, events[candidate.group.pk])
        if decisive is not None and _reopen(candidate, decisive):
            regressed[candidate.group.pk] = decisive
            _tell(candidate.group, decisive, judging)
    record([_change(group, event) for group, event in regressed.items()], now)
    return set(regressed)


def _change(group_id: int, event: Arrived) -> Change:
    return Change(
        event.organization_id, event.project_id, group_id, HistoryStatus.REGRESSED, release_id=event.release_id
    )


class _Judging:
    """What judging a batch needs to know, read in bulk."""

    def __init__(self, resolved: Sequence[Candidate], events: dict[int, list[Arrived]]) -> None:
        groups = [one.group for one in resolved]
        rows = GroupResolution.objects.filter(group__in=groups).select_related("release")
        self.rows = {row.group_id: row for row in rows}
        self._by_age = _resolved_by_age([group for group in groups if group.pk not in self.rows])
        self._unshipped = unshipped(group.pk for group in groups)
        tied = [group for group in groups if group.pk in self.rows]
        seen = {event.release_id for group in tied for event in events[group.pk] if event.release_id}
        self._releases = {row.pk: dated_of(row) for row in Release.objects.filter(pk__in=seen)} if seen else {}
        self._current = _current_releases(list(self.rows.values()))
        self._listed = _listed(self.rows.values())
        self._orderings = orderings({group.project_id for group in tied}) if tied else {}

    def decisive(self, candidate: Candidate, events: Sequence[Arrived]) -> Arrived | None:
        """The newest of the events that reopens the issue."""
        open_ones = [event for event in events if not self._covered(candidate, event)]
        return max(open_ones, key=lambda event: (event.timestamp, event.event_id), default=None)

    def follows_semver(self, event: Arrived) -> bool:
        """Whether the project orders the event's release by its version."""
        return self._orderings.get(event.project_id, Ordering()).applies_to(event.version)

    def _covered(self, candidate: Candidate, event: Arrived) -> bool:
        return candidate.group.pk in self._unshipped or self._holds(candidate, event)

    def _holds(self, candidate: Candidate, event: Arrived) -> bool:
        group = candidate.group
        row = self.rows.get(group.pk)
        if row is None:
            late = group.resolved_at is not None and event.timestamp <= group.resolved_at
            return late and not candidate.by_age and group.pk not in self._by_age
        return self._judged(row, event).holds

    def resolved_in(self, row: GroupResolution, event: Arrived) -> str | None:
        """Of several releases in which an issue was fixed, the version of the one that decided about the event."""
        return self._judged(row, event).version if row.pk in self._listed else None

    def _judged(self, row: GroupResolution, event: Arrived) -> "_Judged":
        release = self._releases.get(event.release_id) if event.release_id else None
        ordering = self._orderings.get(event.project_id, Ordering())
        return _judge(row, self._listed.get(row.pk, ()), self._current.get(row.pk), release, ordering)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict, and the version of the release that the event was measured by, where there was a choice."""

    holds: bool
    row: int
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an event would do to an issue: whether it brings it back, and why.

    `row` is that of the table of the issue workflow specification, 6.2; None where it is not asked: the issue is not
    resolved, or `commit_id` resolves it and is in no release yet. `line` is the version of the release that decides,
    where the issue is fixed in several.
    """

    regresses: bool
    row: int | None = None
    follows_semver: bool = False
    commit_id: int | None = None
    line: str | None = None


def explain(group: Group, release: Release | None, version: str, now: datetime) -> Explanation:
    """What an event of `version` (empty: of no release) would do that happens now. `release` is the row of the version;
    one that is not there yet counts as younger than any."""
    if not candidates([group.pk], {group.project_id}):
        return Explanation(False)
    ordering = orderings({group.project_id})[group.project_id]
    by_version = bool(version) and ordering.applies_to(version)
    commit_id = unshipped([group.pk]).get(group.pk)
    row = GroupResolution.objects.filter(group=group).select_related("release").first()
    event = (dated_of(release) if release else Dated(_NOT_YET, version, now)) if version else None
    plain = judge(None, event, by_version=by_version)
    judged = _Judged(plain.holds, plain.row)
    if row is not None:
        judged = _judge(row, _listed([row]).get(row.pk, ()), _current_releases([row]).get(row.pk), event, ordering)
    if not judged.holds and commit_id is not None:
        return Explanation(False, None, by_version, commit_id)
    return Explanation(not judged.holds, judged.row, by_version, line=judged.version)


def _judge(
    row: GroupResolution, listed: Sequence[Dated], current: Dated | None, event: Dated | None, ordering: Ordering
) -> _Judged:
    by_version = event is not None and ordering.applies_to(event.version)
    without_package = ordering.without_package
    decisive = None
    if listed and event is not None:
        decisive = of_line(listed, event, by_version=by_version, without_package=without_package)
        resolution = Resolution(decisive, is_next=False)
    else:
        is_next = row.type != ResolutionType.IN_RELEASE
        resolution = Resolution(dated_of(row.release), is_next, row.current_release_version, current)
    verdict = judge(resolution, event, by_version=by_version, without_package=without_package)
    return _Judged(verdict.holds, verdict.row, decisive.version if decisive else None)


def _listed(rows: Iterable[GroupResolution]) -> dict[int, list[Dated]]:
    """The releases that resolutions list beside their own, by the resolution's id."""
    ids = [row.pk for row in rows if row.type == ResolutionType.IN_RELEASE]
    found: dict[int, list[Dated]] = defaultdict(list)
    listed = GroupResolutionRelease.objects.filter(resolution__in=ids).select_related("release") if ids else ()
    for one in listed:
        found[one.resolution_id].append(dated_of(one.release))
    return found


def unshipped(group_ids: Iterable[int]) -> dict[int, int]:
    """The issues whose newest commit that resolves them is in no release yet, with that commit: nobody can have run it.

    A commit of a pull request is in a release as soon as any of its commits is: merging may have made others of them.
    """
    links = GroupLink.objects.filter(
        group__in=list(group_ids), linked_type=LinkedType.COMMIT, relationship=LinkRelationship.RESOLVES
    )
    newest = dict(links.order_by("datetime", "pk").values_list("group_id", "linked_id"))
    if not newest:
        return {}
    waiting = set(newest.values())
    waiting -= set(ReleaseCommit.objects.filter(commit__in=waiting).values_list("commit_id", flat=True))
    merged = PullRequestCommit.objects.filter(
        commit__in=waiting, pull_request__pullrequestcommit__commit__release_links__isnull=False
    )
    waiting -= set(merged.values_list("commit_id", flat=True))
    return {group: commit for group, commit in newest.items() if commit in waiting}


def dated_of(release: Release) -> Dated:
    """The release as far as its age matters."""
    return Dated(release.pk, release.version, release.date_released or release.date_added)


def _current_releases(rows: Sequence[GroupResolution]) -> dict[int, Dated]:
    """The releases that resolutions name as the current ones, by the resolution's id."""
    named = {row.current_release_version for row in rows if row.current_release_version}
    if not named:
        return {}
    organizations = {row.release.organization_id for row in rows}
    releases = Release.objects.filter(organization_id__in=organizations, version__in=named)
    known = {(release.organization_id, release.version): dated_of(release) for release in releases}
    found = {row.pk: known.get((row.release.organization_id, row.current_release_version or "")) for row in rows}
    return {pk: release for pk, release in found.items() if release is not None}


def _resolved_by_age(groups: Sequence[Group]) -> set[int]:
    """Which of these issues nobody resolved but their age."""
    if not groups:
        return set()
    entries = Activity.objects.filter(group__in=groups, type__in=_RESOLVING).order_by("datetime", "pk")
    last = dict(entries.values_list("group_id", "type"))
    return {group for group, kind in last.items() if kind == ActivityType.SET_RESOLVED_BY_AGE and group is not None}


def _reopen(candidate: Candidate, event: Arrived) -> bool:
    """One conditional update; whether it changed the row."""
    group = candidate.group
    at = max(event.timestamp, group.last_seen)
    rows = Group.objects.filter(pk=group.pk, status=group.status)
    if candidate.by_age:
        rows = rows.exclude(active_at__gte=at - _WINDOW)
    else:
        rows = rows.filter(resolved_at=group.resolved_at)
    return bool(
        rows.update(status=GroupStatus.UNRESOLVED, substatus=GroupSubStatus.REGRESSED, active_at=at, resolved_at=None)
    )


def _tell(group: Group, event: Arrived, judging: _Judging) -> None:
    """The entry in the issue's history; a resolution in the next release learns which release that was."""
    data: dict[str, Any] = {"event_id": event.event_id, "version": event.version}
    row = judging.rows.get(group.pk)
    if row is not None:
        GroupResolution.objects.filter(pk=row.pk).delete()
        entry = name_release(group.pk, row.pk, event.version)
        if entry is not None:
            version = judging.resolved_in(row, event) or entry.data["version"]
            told = {"follows_semver": judging.follows_semver(event), "resolved_in_version": version}
            data = {**data, **told}
    Activity.objects.create(
        project_id=group.project_id,
        group=group,
        type=ActivityType.SET_REGRESSION,
        datetime=event.timestamp,
        data=data,
    )
