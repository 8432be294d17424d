"""Issues that commits say they fix: linked when a commit is stored, resolved when a release contains it.

A push to a branch resolves nothing: the issue stays as it is until its fix is in a release. Everything is looked up in
bulk, because a build may bring ten thousand commits; issues are locked in the order of their ids.

Source: the release specification, 9.1 and 9.2 with their [V].
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from vedette.core import sql
from vedette.core.pieces import pieces
from vedette.issues import inbox
from vedette.issues.claiming import Claim, claim, willing
from vedette.issues.history import Change, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupLink,
    GroupResolution,
    GroupResolutionRelease,
    GroupStatus,
    HistoryStatus,
    LinkedType,
    LinkRelationship,
    ResolutionStatus,
    ResolutionType,
    SubscriptionReason,
)
from vedette.issues.subscriptions import subscribe
from vedette.orgs.models import Organization
from vedette.releases.models import Commit, PullRequest, Release, ReleaseCommit, Repository
from vedette.shipping.analytics import RESOLVE_COMMIT, note
from vedette.shipping.audience import reach_of
from vedette.shipping.grouplinks import LinkChanges, members_of, relink
from vedette.shipping.messages import references
from vedette.shipping.sender import Sender

INTEGRATION = "integrations:"  # before the names of providers that a repository is set up at
_ROWS = 200  # issues of one transaction
_SETTLED = (GroupStatus.UNRESOLVED, GroupStatus.RESOLVED, GroupStatus.IGNORED)


def link_commits(commits: Sequence[Commit], now: datetime) -> None:
    """Link commits of one organization that were stored or changed to the issues that their messages name.

    A link that is there already stays as it is, and is not told again; one to an issue that the message names no more
    goes. In the caller's transaction.
    """
    if not commits:
        return
    organization_id = commits[0].organization_id
    named = {commit.pk: references(commit.message or "") for commit in commits}
    changes = relink(LinkedType.COMMIT, organization_id, named, now)
    if changes.made:
        _tell_links(organization_id, changes, {commit.pk: commit for commit in commits}, now)


def _tell_links(organization_id: int, changes: LinkChanges, commits: dict[int, Commit], now: datetime) -> None:
    members = members_of(organization_id, {commits[commit].author_id for _, commit in changes.made})
    authors = {commit: members.get(commits[commit].author_id or 0, []) for _, commit in changes.made}
    _write(
        ActivityType.REFERENCED_IN_COMMIT,
        [
            (changes.projects[group], group, str(commit), next(iter(authors[commit]), None), {"commit": commit})
            for group, commit in changes.made
        ],
        now,
    )
    _claim(
        organization_id,
        [
            Claim(organization_id, changes.projects[group], group, authors[commit][0])
            for group, commit in changes.made
            if authors[commit]
        ],
        now,
    )
    _note_hosted(organization_id, changes, commits)
    followers = [(changes.projects[group], group, user) for group, commit in changes.made for user in authors[commit]]
    if followers:
        subscribe(followers, SubscriptionReason.STATUS_CHANGE, now)


def _claim(organization_id: int, claims: Sequence[Claim], now: datetime) -> None:
    """Give what is nobody's to who fixes it, as far as they chose that and reach the issue's project."""
    acting = willing({one.user_id for one in claims})
    if not acting:
        return
    organization = Organization.objects.get(pk=organization_id)
    reach = reach_of(organization, acting, frozenset(one.project_id for one in claims if one.user_id in acting))
    claim([one for one in claims if one.project_id in reach.get(one.user_id, ())], now)


def _note_hosted(organization_id: int, changes: LinkChanges, commits: dict[int, Commit]) -> None:
    """One fact for each repository at a provider whose commits name issues."""
    linked: dict[int, list[int]] = defaultdict(list)
    for group, commit in changes.made:
        linked[commits[commit].repository_id].append(changes.projects[group])
    hosted = Repository.objects.filter(pk__in=list(linked), provider__startswith=INTEGRATION)
    for pk, provider in hosted.order_by("pk").values_list("pk", "provider"):
        projects = linked[pk]
        about = {"provider": (provider or "").removeprefix(INTEGRATION), "links": len(projects)}
        note(RESOLVE_COMMIT, organization_id, set(projects), Sender(), **about)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """An issue that a release fixes, the commit that says so, and who wrote it."""

    group_id: int
    commit_id: int
    author_id: int | None


def resolve_in(release: Release, now: datetime) -> int:
    """Resolve the issues that the commits of `release` fix, in it, as far as their projects are linked to it; how many
    changed. An issue that is gone or being deleted meanwhile is left out. Not inside of a transaction: some hundred
    issues at a time have their own."""
    fixed = _fixed_by(release)
    if not fixed:
        return 0
    members = members_of(release.organization_id, {one.author_id for one in fixed.values()})
    actors = {pk: next(iter(members.get(one.author_id or 0, [])), None) for pk, one in fixed.items()}
    return sum(_resolve(release, some, fixed, actors, now) for some in pieces(fixed, _ROWS))


def _fixed_by(release: Release) -> dict[int, _Fixed]:
    """By issue: commits first, then pull requests that they merged. Of several commits the newest one's author counts,
    and of a commit and a pull request the commit is named."""
    projects = release.project_links.values("project_id")
    found: dict[int, _Fixed] = {}
    links = GroupLink.objects.filter(project__in=projects).order_by("group_id", "datetime", "pk")
    contained = ReleaseCommit.objects.filter(release=release)
    authors = dict(contained.values_list("commit_id", "commit__author_id"))
    direct = links.filter(linked_type=LinkedType.COMMIT, linked_id__in=contained.values("commit_id"))
    for group, commit in direct.values_list("group_id", "linked_id"):
        found[group] = _Fixed(group, commit, authors.get(commit))
    requests = _merged_by(release)
    merged = links.filter(
        linked_type=LinkedType.PULL_REQUEST, relationship=LinkRelationship.RESOLVES, linked_id__in=list(requests)
    )
    for group, request in merged.values_list("group_id", "linked_id"):
        commit, author = requests[request]
        named = found[group].commit_id if group in found else commit
        found[group] = _Fixed(group, named, author)
    return found


def _merged_by(release: Release) -> dict[int, tuple[int, int | None]]:
    """The pull requests that commits of the release merged: (commit, the request's author) by id."""
    keys = dict(Commit.objects.filter(release_links__release=release).values_list("key", "pk"))
    found: dict[int, tuple[int, int | None]] = {}
    for some in pieces(keys):
        rows = PullRequest.objects.filter(organization_id=release.organization_id, merge_commit_sha__in=some)
        found |= {row.pk: (keys[row.merge_commit_sha or ""], row.author_id) for row in rows}
    return found


def _resolve(
    release: Release, ids: Sequence[int], fixed: Mapping[int, _Fixed], actors: Mapping[int, int | None], now: datetime
) -> int:
    """Resolve these issues in the release; how many that changed: a build that is sent again tells nothing new."""
    with transaction.atomic():
        locked = Group.objects.select_for_update(no_key=True).filter(pk__in=ids, status__in=_SETTLED).order_by("pk")
        groups = {group.pk: group for group in locked.only("project_id", "status")}
        moved = {pk for pk, group in groups.items() if group.status != GroupStatus.RESOLVED}
        Group.objects.filter(pk__in=moved).update(status=GroupStatus.RESOLVED, substatus=None, resolved_at=now)
        changed = moved | (groups.keys() - _resolved_already(release, groups))
        rows = _tie(release, sorted(changed), actors, now)
        inbox.remove(sorted(changed))
        said = {pk: {"version": release.version, "commit": fixed[pk].commit_id} for pk in sorted(moved)}
        _write(
            ActivityType.SET_RESOLVED_IN_RELEASE,
            [(groups[pk].project_id, pk, str(rows[pk]), actors[pk], data) for pk, data in said.items()],
            now,
        )
        record(
            [
                Change(
                    release.organization_id,
                    groups[pk].project_id,
                    pk,
                    HistoryStatus.RESOLVED,
                    actors[pk],
                    kind="with_commit",
                    alone=len(fixed) == 1,
                )
                for pk in sorted(changed)
            ],
            now,
        )
    return len(changed)


def _resolved_already(release: Release, ids: Collection[int]) -> set[int]:
    """The issues whose resolution says just that already."""
    rows = GroupResolution.objects.filter(
        group__in=list(ids),
        release=release,
        type=ResolutionType.IN_RELEASE,
        status=ResolutionStatus.RESOLVED,
        current_release_version=None,
        listed=None,
    )
    return set(rows.values_list("group_id", flat=True))


def _tie(release: Release, ids: Sequence[int], actors: Mapping[int, int | None], now: datetime) -> dict[int, int]:
    """Write the resolutions of these issues, whatever they were before; the ids of the rows by issue."""
    said: dict[str, object] = {
        "release_id": release.pk,
        "type": ResolutionType.IN_RELEASE.value,
        "status": ResolutionStatus.RESOLVED.value,
        "current_release_version": None,
        "future_release_version": None,
        "datetime": sql.moment(now),
    }
    columns = (*said, "actor_id")
    rows = sql.insert_rows(
        GroupResolution._meta.db_table,
        ("group_id", *columns),
        [(pk, *said.values(), actors[pk]) for pk in ids],
        tail="ON CONFLICT (group_id) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in columns)
        + " RETURNING group_id, id",
    )
    written = dict(rows)
    for some in pieces(written.values()):
        GroupResolutionRelease.objects.filter(resolution__in=some).delete()
    return written


def _write(
    kind: ActivityType, entries: Sequence[tuple[int, int, str, int | None, Mapping[str, object]]], now: datetime
) -> None:
    """Entries of issues' histories: (project, issue, ident, user, data)."""
    sql.insert_rows(
        Activity._meta.db_table,
        ("type", "datetime", "project_id", "group_id", "ident", "user_id", "data"),
        [(kind.value, sql.moment(now), *who, sql.document(data)) for *who, data in entries],
    )
