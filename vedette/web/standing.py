"""Where an issue stands, in full: since when it is resolved and where, what would bring it back, what it waits for.

What would bring it back is asked of the rules that decide it when events arrive (`issues.regressions.explain`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vedette.accounts.models import User
from vedette.core import clock
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupInbox,
    GroupLink,
    GroupRelease,
    GroupResolution,
    GroupStatus,
    GroupSubStatus,
    LinkedType,
    LinkRelationship,
    ResolutionType,
)
from vedette.issues.regressions import explain, unshipped
from vedette.issues.resolve import listed_versions
from vedette.issues.snoozes import what_is_left
from vedette.releases import versions
from vedette.releases.models import Commit, Deploy, Release, ReleaseProjectEnvironment
from vedette.releases.ordering import orderings
from vedette.web.fixes import Ways, current_release, ways_of
from vedette.web.history import until
from vedette.web.releasecommits import commit_url

MOST_FORETOLD = 3
_REASONS = {
    1: "It is resolved and tied to no release: any event that happens from now on brings it back.",
    2: "An event that names no release says nothing about where it is fixed.",
    3: "Its version is compared with the one that was current when the issue was resolved.",
    4: "Its date is compared with that of the release that was current when the issue was resolved.",
    5: "Its date is compared with that of the release after which the issue is fixed.",
    6: "It is the release in which the issue is said to be fixed.",
    7: "Its version is compared with the one in which the issue is fixed.",
    8: "Its date is compared with that of the release in which the issue is fixed.",
}
_BY_DATE = (4, 5, 8)
_UNSHIPPED = "The commit that fixes it is in no release yet."


@dataclass(frozen=True, slots=True)
class Foretold:
    """What an event of a release would do now, and by which rule. `version` is empty for one that names none."""

    version: str
    returns: bool
    reason: str


@dataclass(frozen=True, slots=True)
class FixingCommit:
    """The commit that resolves an issue; `url` is where its repository shows it, or empty."""

    commit: Commit
    url: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """How an issue is resolved: in `release`, in what comes after `after` (`is_next`), by a commit, by its age, or just
    so. `deploys` say where the release runs. `others` are the versions in which it is fixed as well, on other lines."""

    by: User | None = None
    release: Release | None = None
    is_next: bool = False
    after: str = ""
    commit: FixingCommit | None = None
    by_age: bool = False
    deploys: tuple[Deploy, ...] = ()
    others: tuple[str, ...] = ()
    rule: str = ""
    foretold: tuple[Foretold, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an issue stands, and what one can do about it. `waits` is why it waits to be looked at, if it does; `aside`
    until when an archived one is left alone, in words."""

    ways: Ways = field(default_factory=Ways)
    waits: GroupInbox | None = None
    aside: str = ""
    resolved: Resolved | None = None


def standing_of(group: Group) -> Standing:
    """Everything about where `group` stands; the object has its project at hand."""
    waits = GroupInbox.objects.filter(group=group).first()
    if group.status == GroupStatus.RESOLVED:
        return Standing(waits=waits, resolved=_resolved(group))
    if group.status == GroupStatus.IGNORED:
        return Standing(waits=waits, aside=_aside(group))
    return Standing(ways_of(group.project), waits)


def foretell(group: Group, version: str) -> Foretold:
    """What an event of this version (empty: of no release) would do if it happened now."""
    if version and not versions.is_valid(version):
        return Foretold(version, False, "This cannot be the version of a release.")
    rows = Release.objects.filter(organization_id=group.project.organization_id, version=version)
    release = rows.first() if version else None
    found = explain(group, release, version, clock.now())
    reason = f"It is measured by {found.line}, of the releases in which the issue is fixed. " if found.line else ""
    reason += _REASONS[found.row] if found.row is not None else _UNSHIPPED if found.commit_id else "It is not resolved."
    if version and release is None and found.row in _BY_DATE:
        reason += " There is no such release yet: it counts as newer than any."
    return Foretold(version, found.regresses, reason)


def _aside(group: Group) -> str:
    """Until when it is archived; what is left of it where that is known."""
    if group.substatus == GroupSubStatus.ARCHIVED_UNTIL_ESCALATING:
        return "until it escalates: until it happens more often than expected"
    known = what_is_left([group], {}).get(group.pk)
    return until(known[0]).strip() if known else "for good"


def _resolved(group: Group) -> Resolved:
    row = GroupResolution.objects.filter(group=group).select_related("release").first()
    commit = _commit(group)
    if row is None:
        entry = Activity.objects.filter(group=group, type__in=_RESOLVING).order_by("-datetime", "-pk").first()
        return Resolved(
            by=User.objects.filter(pk=entry.user_id).first() if entry and entry.user_id else None,
            commit=commit,
            by_age=entry is not None and entry.type == ActivityType.SET_RESOLVED_BY_AGE,
            rule=_UNSHIPPED_RULE if commit and commit.waits else "Any event that happens from now on brings it back.",
            foretold=_foretold(group, None) if commit else (),
        )
    is_next = row.type != ResolutionType.IN_RELEASE
    listed = listed_versions([row]).get(row.pk, [])
    others = tuple(version for version in listed if version != row.release.version)
    return Resolved(
        by=User.objects.filter(pk=row.actor_id).first() if row.actor_id else None,
        release=row.release,
        is_next=is_next,
        after=row.current_release_version or (row.release.version if is_next else ""),
        commit=commit,
        deploys=_deploys(row.release, group),
        others=others,
        rule=_rule(row, group, waits=commit is not None and commit.waits, others=others),
        foretold=_foretold(group, row.release),
    )


_RESOLVING = (
    ActivityType.SET_RESOLVED,
    ActivityType.SET_RESOLVED_IN_RELEASE,
    ActivityType.SET_RESOLVED_IN_COMMIT,
    ActivityType.SET_RESOLVED_BY_AGE,
    ActivityType.SET_RESOLVED_IN_PULL_REQUEST,
)
_UNSHIPPED_RULE = "Nothing brings it back before a release contains the commit."


def _rule(row: GroupResolution, group: Group, *, waits: bool, others: tuple[str, ...]) -> str:
    if waits:
        return _UNSHIPPED_RULE
    if others:
        return (
            "An event is measured by the one of these releases that is of its line: the same major and minor version, "
            "else the same major version, else the smallest. It brings the issue back in that one, or in a later one."
        )
    ordering = orderings({group.project_id})[group.project_id]
    current = row.current_release_version
    is_next = row.type != ResolutionType.IN_RELEASE
    version = current or row.release.version
    if ordering.applies_to(version):
        if current or is_next:
            return f"An event of a version greater than {version} brings it back."
        return f"An event of {version}, or of a greater version, brings it back."
    if current or is_next:
        return f"An event of a release that came after {version} brings it back."
    return f"An event of {version}, or of a release that came after it, brings it back."


def _commit(group: Group) -> FixingCommit | None:
    links = GroupLink.objects.filter(group=group, linked_type=LinkedType.COMMIT, relationship=LinkRelationship.RESOLVES)
    newest = links.order_by("-datetime", "-pk").values_list("linked_id", flat=True).first()
    found = Commit.objects.filter(pk=newest).select_related("repository").first() if newest else None
    if found is None:
        return None
    url = commit_url(found.repository.url, found.repository.provider, found.key)
    return FixingCommit(found, url, waits=group.pk in unshipped([group.pk]))


def _deploys(release: Release, group: Group) -> tuple[Deploy, ...]:
    rows = ReleaseProjectEnvironment.objects.filter(release=release, project_id=group.project_id)
    last = [pk for pk in rows.values_list("last_deploy_id", flat=True) if pk]
    deploys = Deploy.objects.filter(pk__in=last).select_related("environment")
    return tuple(deploys.order_by("-date_finished", "-pk"))


def _foretold(group: Group, fixed_in: Release | None) -> tuple[Foretold, ...]:
    """The current release, the one it is fixed in, the one it was last seen in: each once."""
    seen = GroupRelease.objects.filter(group=group).select_related("release").order_by("-last_seen", "-pk").first()
    named = [current_release(group.project), fixed_in, seen.release if seen else None]
    wanted = dict.fromkeys(release.version for release in named if release is not None)
    return tuple(foretell(group, version) for version in list(wanted)[:MOST_FORETOLD])
