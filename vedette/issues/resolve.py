"""Resolving issues: plainly, in a release, in the next one, by a commit.

An issue that is resolved already and is resolved in another way is a change; the same again changes nothing. Issues are
resolved in pieces (`issues.moving`) under their locks, so that of two who resolve one only one is told so.
Source: the issue workflow specification, section 5.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues import inbox
from vedette.issues.claiming import Claim, claim, willing
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupLink,
    GroupRelease,
    GroupResolution,
    GroupResolutionRelease,
    GroupSnooze,
    GroupStatus,
    HistoryStatus,
    LinkedType,
    LinkRelationship,
    ResolutionStatus,
    ResolutionType,
)
from vedette.issues.moving import SETTLED, Piece, Standing, in_pieces
from vedette.issues.subscriptions import subscribe_user
from vedette.orgs.models import InviteStatus, OrganizationMember
from vedette.releases import versions
from vedette.releases.latest import latest_of
from vedette.releases.models import Commit, Release
from vedette.releases.ordering import Ordering, orderings

SAID_BY_A_PERSON = "person"  # in the data of a link: no message takes it back


@dataclass(frozen=True, slots=True)
class InRelease:
    """Fixed in this release."""

    release: Release


@dataclass(frozen=True, slots=True)
class InReleases:
    """Fixed in each of these releases, of different lines; the first stands for them where one is to be named."""

    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class InNextRelease:
    """Fixed in what comes after the release that is current; `newest` is the newest of the project.

    `upcoming`: in one that is not there yet, whatever came after the current one.
    """

    newest: Release
    upcoming: bool = False


@dataclass(frozen=True, slots=True)
class InCommit:
    """Fixed by this commit, in whatever release contains it."""

    commit: Commit


@dataclass(frozen=True, slots=True)
class AsBefore:
    """As it was resolved before somebody changed their mind: what the resolution row said, and those beside it."""

    release: Release
    type: ResolutionType
    status: ResolutionStatus
    current_version: str | None
    listed: tuple[Release, ...] = ()


Fix = InRelease | InReleases | InNextRelease | InCommit | AsBefore
_COLUMNS = (
    "release",
    "type",
    "status",
    "current_release_version",
    "future_release_version",
    "actor_id",
    "datetime",
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The resolution row to have (none without a release), the releases (ids) beside it where there are several, and
    what the history says."""

    activity: ActivityType
    history: HistoryStatus
    data: Mapping[str, Any] = field(default_factory=dict)
    release: Release | None = None
    type: ResolutionType = ResolutionType.IN_RELEASE
    status: ResolutionStatus = ResolutionStatus.RESOLVED
    current_version: str | None = None
    kind: str = "now"
    listed: tuple[int, ...] = ()

    def is_said_by(self, row: GroupResolution, listed: Collection[int]) -> bool:
        """Whether the row says the same, and those beside it."""
        said = (row.release_id, row.type, row.status, row.current_release_version)
        same = self.release is not None and said == (self.release.pk, self.type, self.status, self.current_version)
        return same and set(self.listed) == set(listed)


def resolve(groups: Sequence[Group], by: User | None, fix: Fix | None = None, now: datetime | None = None) -> list[int]:
    """Mark issues as fixed: plainly, or as `fix` says. Those that are archived or being deleted by others meanwhile are
    settled by whoever writes last. Returns the ids that changed; the objects in hand follow what was written."""
    moment = now or clock.now()
    planner = _Planner(fix)
    alone = len(groups) == 1

    def act(piece: Piece, standing: Mapping[int, Standing]) -> list[int]:
        return _resolve(piece, standing, planner, by, moment, alone=alone)

    return in_pieces(groups, act)


def releases_of(project_id: int) -> QuerySet[Release]:
    """The releases of a project, newest first."""
    return Release.objects.filter(project_links__project_id=project_id).order_by("-sort_date", "-pk")


def _resolve(
    piece: Piece,
    standing: Mapping[int, Standing],
    planner: "_Planner",
    by: User | None,
    now: datetime,
    *,
    alone: bool,
) -> list[int]:
    groups = [piece[pk] for pk, one in standing.items() if one.status in SETTLED]
    plans = planner.plans(groups)
    rows, tied = _tie(plans, by, now)
    linked = _link(groups, planner.commit, now) if planner.commit is not None else set()
    changed = [
        group
        for group in groups
        if standing[group.pk].status != GroupStatus.RESOLVED or group.pk in tied or group.pk in linked
    ]
    if not changed:
        return []
    ids = [group.pk for group in changed]
    Group.objects.filter(pk__in=ids).update(status=GroupStatus.RESOLVED, substatus=None, resolved_at=now)
    GroupSnooze.objects.filter(group__in=ids).delete()
    _tell(changed, by, plans, rows, now, alone=alone)
    for group in changed:
        group.status, group.substatus, group.resolved_at = GroupStatus.RESOLVED, None, now
    return ids


def _tie(plans: Mapping[int, "_Plan"], by: User | None, now: datetime) -> tuple[dict[int, GroupResolution], set[int]]:
    """Write the resolution rows, or remove them; the rows by issue, and the issues whose row changed."""
    before = {row.group_id: row for row in GroupResolution.objects.filter(group__in=plans)}
    beside = listed_by(before.values())
    gone = [pk for pk, plan in plans.items() if plan.release is None and pk in before]
    GroupResolution.objects.filter(group__in=gone).delete()
    wanted = {}
    for pk, plan in plans.items():
        if plan.release is not None and not (
            pk in before and plan.is_said_by(before[pk], beside.get(before[pk].pk, ()))
        ):
            wanted[pk] = GroupResolution(
                group_id=pk,
                release=plan.release,
                type=plan.type,
                status=plan.status,
                current_release_version=plan.current_version,
                actor_id=by.pk if by else None,
                datetime=now,
            )
    written = GroupResolution.objects.bulk_create(
        wanted.values(), update_conflicts=True, unique_fields=["group"], update_fields=_COLUMNS
    )
    ids = {row.group_id: row.pk for row in written}
    _list(plans, ids, beside.keys() & set(ids.values()))
    kept = {pk: row for pk, row in before.items() if pk not in gone}
    return kept | {row.group_id: row for row in written}, {*gone, *wanted}


def listed_by(rows: Iterable[GroupResolution]) -> dict[int, list[int]]:
    """The releases (ids) that resolutions list, the first one first, by the resolution's id; none where it is one."""
    ids = [row.pk for row in rows]
    found: dict[int, list[int]] = {}
    if ids:
        listed = GroupResolutionRelease.objects.filter(resolution__in=ids).order_by("pk")
        for resolution, release in listed.values_list("resolution_id", "release_id"):
            found.setdefault(resolution, []).append(release)
    return found


def listed_versions(rows: Iterable[GroupResolution]) -> dict[int, list[str]]:
    """The versions that resolutions list, the first one first, by the resolution's id; none where it is one."""
    found: dict[int, list[str]] = {}
    listed = GroupResolutionRelease.objects.filter(resolution__in=[row.pk for row in rows]).order_by("pk")
    for resolution, version in listed.values_list("resolution_id", "release__version"):
        found.setdefault(resolution, []).append(version)
    return found


def _list(plans: Mapping[int, "_Plan"], written: Mapping[int, int], stale: Collection[int]) -> None:
    """Write the rows beside the resolutions that were written (by issue) in place of the `stale` ones."""
    if stale:
        GroupResolutionRelease.objects.filter(resolution__in=stale).delete()
    GroupResolutionRelease.objects.bulk_create(
        GroupResolutionRelease(resolution_id=row, release_id=release)
        for pk, row in written.items()
        for release in plans[pk].listed
    )


def _link(groups: Sequence[Group], commit: Commit, now: datetime) -> set[int]:
    """Let the commit resolve the issues, which somebody said and no message; the issues for which that is new."""
    links = GroupLink.objects.filter(group__in=groups, linked_type=LinkedType.COMMIT, linked_id=commit.pk)
    said = set(links.filter(relationship=LinkRelationship.RESOLVES).values_list("group_id", flat=True))
    GroupLink.objects.bulk_create(
        [
            GroupLink(
                group=group,
                linked_type=LinkedType.COMMIT,
                linked_id=commit.pk,
                project_id=group.project_id,
                relationship=LinkRelationship.RESOLVES,
                datetime=now,
                data={"by": SAID_BY_A_PERSON},
            )
            for group in groups
        ],
        update_conflicts=True,
        unique_fields=["group", "linked_type", "linked_id"],
        update_fields=["relationship", "data"],
    )
    return {group.pk for group in groups} - said


def _tell(
    groups: Sequence[Group],
    by: User | None,
    plans: Mapping[int, "_Plan"],
    rows: Mapping[int, GroupResolution],
    now: datetime,
    *,
    alone: bool,
) -> None:
    who = by.pk if by else None
    inbox.remove([group.pk for group in groups])
    if by is not None:
        subscribe_user(by, groups, now)
        _claim(groups, by, now)
    Activity.objects.bulk_create(
        Activity(
            project_id=group.project_id,
            group=group,
            type=plans[group.pk].activity,
            ident=str(rows[group.pk].pk) if group.pk in rows else None,
            user_id=who,
            datetime=now,
            data=dict(plans[group.pk].data),
        )
        for group in groups
    )
    record(
        [change_of(group, plans[group.pk].history, who, kind=plans[group.pk].kind, alone=alone) for group in groups],
        now,
    )


def _claim(groups: Sequence[Group], by: User, now: datetime) -> None:
    """Give what is nobody's to the member who resolves it, if that is what they chose."""
    if willing({by.pk}):
        claims = [Claim(group.project.organization_id, group.project_id, group.pk, by.pk) for group in groups]
        theirs = OrganizationMember.objects.filter(user_id=by.pk, invite_status=InviteStatus.APPROVED)
        mine = set(theirs.values_list("organization_id", flat=True))
        claim([one for one in claims if one.organization_id in mine], now)


class _Planner:
    """What resolving many issues in one way needs to know, looked up once."""

    def __init__(self, fix: Fix | None) -> None:
        self.fix = fix
        self.commit = fix.commit if isinstance(fix, InCommit) else None
        self._orderings: dict[int, Ordering] = {}
        self._greatest: dict[tuple[int, str | None], Release | None] = {}
        self._later: dict[tuple[int, int], Release | None] = {}
        self._containing: dict[int, Release | None] = {}

    def plans(self, groups: Sequence[Group]) -> dict[int, _Plan]:
        """What to write for each of these issues."""
        match self.fix:
            case None:
                plan = _Plan(ActivityType.SET_RESOLVED, HistoryStatus.RESOLVED)
            case InRelease(release):
                plan = _in_release(release, {"version": release.version})
            case InReleases(listed):
                said = {"version": listed[0].version, "versions": [one.version for one in listed]}
                plan = replace(_in_release(listed[0], said), listed=_ids(listed))
            case InNextRelease(newest, upcoming):
                seen = _last_seen_in(groups)
                return {
                    group.pk: self._in_next_release(group, newest, seen.get(group.pk), upcoming=upcoming)
                    for group in groups
                }
            case InCommit(commit):
                return {group.pk: self._in_commit(group, commit) for group in groups}
            case AsBefore(release, kind, status, current, listed):
                data: dict[str, Any] = {"version": "" if status == ResolutionStatus.PENDING else release.version}
                data |= {"versions": [one.version for one in listed]} if listed else {}
                plan = replace(_in_release(release, data, current), type=kind, status=status, listed=_ids(listed))
        return {group.pk: plan for group in groups}

    def _in_next_release(self, group: Group, newest: Release, seen: Release | None, *, upcoming: bool) -> _Plan:
        kind = "in_upcoming_release" if upcoming else "in_next_release"
        ordering = self._ordering(group.project_id)
        if ordering.applies_to(newest.version) and not upcoming:
            current = self._current(group.project_id, seen, ordering) or newest
            said = {"version": "", "current_release_version": current.version}
            return replace(_in_release(newest, said, current.version), kind=kind)
        if seen is not None and not upcoming and (following := self._following(group.project_id, seen)):
            return replace(_in_release(following, {"version": following.version}, seen.version), kind=kind)
        return _Plan(
            ActivityType.SET_RESOLVED_IN_RELEASE,
            HistoryStatus.SET_RESOLVED_IN_RELEASE,
            {"version": ""},
            newest,
            ResolutionType.IN_NEXT_RELEASE,
            ResolutionStatus.PENDING,
            seen.version if seen and not upcoming else None,
            kind,
        )

    def _in_commit(self, group: Group, commit: Commit) -> _Plan:
        """The newest release of the project that contains the commit, if there is one already."""
        if group.project_id not in self._containing:
            rows = releases_of(group.project_id).filter(commit_links__commit=commit)
            self._containing[group.project_id] = rows.first()
        return _Plan(
            ActivityType.SET_RESOLVED_IN_COMMIT,
            HistoryStatus.SET_RESOLVED_IN_COMMIT,
            {"commit": commit.pk},
            self._containing[group.project_id],
            kind="in_commit",
        )

    def _following(self, project_id: int, current: Release) -> Release | None:
        """The release of the project that came next after `current`; of two with one date, the one with the greater id
        is later."""
        key = (project_id, current.pk)
        if key not in self._later:
            at = current.date_released or current.date_added
            later = Q(sort_date__gt=at) | Q(sort_date=at, pk__gt=current.pk)
            self._later[key] = releases_of(project_id).filter(later).order_by("sort_date", "pk").first()
        return self._later[key]

    def _ordering(self, project_id: int) -> Ordering:
        if project_id not in self._orderings:
            self._orderings |= orderings({project_id})
        return self._orderings[project_id]

    def _current(self, project_id: int, seen: Release | None, ordering: Ordering) -> Release | None:
        """The greatest release of the project, of the package that the issue was seen in last: versions of different
        packages have no order."""
        package = versions.parse(seen.version).package if seen else None
        key = (project_id, package)
        if key not in self._greatest:
            rows = releases_of(project_id)
            self._greatest[key] = latest_of(rows.filter(package=package) if package else rows, ordering)
        return self._greatest[key]


def _ids(releases: Sequence[Release]) -> tuple[int, ...]:
    return tuple(release.pk for release in releases)


def _in_release(release: Release, data: Mapping[str, Any], current_version: str | None = None) -> _Plan:
    return _Plan(
        ActivityType.SET_RESOLVED_IN_RELEASE,
        HistoryStatus.SET_RESOLVED_IN_RELEASE,
        data,
        release,
        current_version=current_version,
        kind="in_release",
    )


def _last_seen_in(groups: Sequence[Group]) -> dict[int, Release]:
    """The release in which each issue was seen last; one that was seen in none is missing. Two statements."""
    last = GroupRelease.objects.filter(group=OuterRef("pk")).order_by("-last_seen", "-pk").values("release")[:1]
    rows = Group.objects.filter(pk__in=[group.pk for group in groups]).annotate(seen_in=Subquery(last))
    found = dict(rows.filter(seen_in__isnull=False).values_list("pk", "seen_in"))
    releases = Release.objects.in_bulk(set(found.values()))
    return {pk: releases[release] for pk, release in found.items() if release in releases}
