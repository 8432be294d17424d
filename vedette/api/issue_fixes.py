"""In which release, or by which commit, issues are resolved: as requests say it, and as answers do.

Source: the issue workflow specification, 3.3, 3.5, 5.1 and 5.4.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rest_framework import serializers

from vedette.accounts.models import User
from vedette.api.bodies import Wish
from vedette.api.shapes.commits import as_commits
from vedette.api.shapes.users import UserShape, users_by_id
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events.client import StoreUnavailable
from vedette.issues.lines import greatest_first
from vedette.issues.models import (
    Group,
    GroupLink,
    GroupResolution,
    GroupSnooze,
    GroupStatus,
    GroupSubStatus,
    LinkedType,
    LinkRelationship,
)
from vedette.issues.models import ResolutionType as Kind
from vedette.issues.regressions import dated_of
from vedette.issues.resolve import (
    AsBefore,
    Fix,
    InCommit,
    InNextRelease,
    InRelease,
    InReleases,
    listed_versions,
    releases_of,
)
from vedette.issues.snoozes import users_ever, what_is_left
from vedette.projects.models import Project
from vedette.releases.latest import newest_release
from vedette.releases.models import Commit, Repository, RepositoryStatus
from vedette.releases.ordering import orderings

NO_RELEASE_YET = "No release data present in the system to form a basis for 'Next Release'"
UNKNOWN_RELEASE = "Unable to find a release with the given version."
UNKNOWN_REPOSITORY = "Unable to find the given repository."
UNKNOWN_COMMIT = "Unable to find the given commit."
_WORDS = {
    "inNextRelease": "in next release",
    "inUpcomingRelease": "in upcoming release",
    "inReleases": "in release",
    "inRelease": "in release",
    "inCommit": "in commit",
}


class InCommitWish(Wish):
    """A commit of a repository, by its key and the repository's name."""

    commit = serializers.CharField()
    repository = serializers.CharField()


def fix_of(wish: dict[str, Any], groups: Sequence[Group]) -> Fix | None:
    """How a checked `wish` to resolve `groups` says that they are fixed; None: plainly. Raises `RuleBroken`.

    Of several ways the first counts: next, upcoming, in several releases, in a release, in a commit. Releases have to
    belong to the project of the issues, which has to be one.
    """
    status = wish.get("status")
    if status not in ("resolved", "resolvedInNextRelease") or not groups:
        return None
    prefix, details = ("statusDetails.", wish["statusDetails"]) if "statusDetails" in wish else ("", wish)
    name = next((name for name in _WORDS if details.get(name)), None)
    if status == "resolvedInNextRelease":
        name = "inNextRelease"
    if name is None:
        return None
    if len({group.project_id for group in groups}) > 1:
        raise RuleBroken(f"Cannot set resolved {_WORDS[name]} for multiple projects.")
    project = groups[0].project
    if name == "inCommit":
        return InCommit(_commit(project, details["inCommit"], f"{prefix}inCommit"))
    if name == "inReleases":
        return _in_releases(project, details["inReleases"], f"{prefix}inReleases")
    if name == "inRelease":
        return _in_release(project, details["inRelease"], f"{prefix}inRelease")
    newest = newest_release(project.organization_id, project.pk)
    if newest is None:
        if status == "resolvedInNextRelease":  # an older way to say it, which is taken for "resolved" then
            return None
        raise RuleBroken({f"{prefix}{name}": [NO_RELEASE_YET]})
    return InNextRelease(newest, upcoming=name == "inUpcomingRelease")


def _in_release(project: Project, version: str, field: str) -> InRelease:
    if version == "latest":
        release = newest_release(project.organization_id, project.pk)
        sentence = NO_RELEASE_YET
    else:
        release = releases_of(project.pk).filter(organization_id=project.organization_id, version=version).first()
        sentence = UNKNOWN_RELEASE
    if release is None:
        raise RuleBroken({field: [sentence]})
    return InRelease(release)


def _in_releases(project: Project, versions: Sequence[str], field: str) -> InRelease | InReleases:
    """Releases of the project, the greatest first; one that is named alone says no more than `inRelease` does."""
    rows = releases_of(project.pk).filter(organization_id=project.organization_id, version__in=versions)
    found = {release.pk: release for release in rows}
    if len(found) < len(set(versions)):
        raise RuleBroken({field: [UNKNOWN_RELEASE]})
    ordering = orderings({project.pk})[project.pk]
    dated = [dated_of(release) for release in found.values()]
    first, *others = greatest_first(dated, without_package=ordering.without_package)
    if not others:
        return InRelease(found[first.pk])
    return InReleases((found[first.pk], *(found[one.pk] for one in others)))


def _commit(project: Project, wish: dict[str, str], field: str) -> Commit:
    """The commit of the organization's repository; of several repositories with the name the newest."""
    named = Repository.objects.filter(
        organization_id=project.organization_id, name=wish["repository"], status=RepositoryStatus.ACTIVE
    )
    repository = named.order_by("-pk").first()
    if repository is None:
        raise RuleBroken({f"{field}.repository": [UNKNOWN_REPOSITORY]})
    commit = Commit.objects.filter(repository=repository, key=wish["commit"]).first()
    if commit is None:
        raise RuleBroken({f"{field}.commit": [UNKNOWN_COMMIT]})
    return commit


def told_of(fix: Fix | None, by: User | None) -> dict[str, Any]:
    """`statusDetails` of the answer to a request that resolved."""
    if fix is None:
        return {}
    actor = actor_of(by)
    match fix:
        case InNextRelease(upcoming=True):
            return {"inUpcomingRelease": True, "actor": actor}
        case InNextRelease():
            return {"inNextRelease": True, "actor": actor}
        case InRelease(release):
            return {"inRelease": release.version, "actor": actor}
        case InReleases(releases):
            return _in_several([release.version for release in releases]) | {"actor": actor}
        case InCommit(commit):
            return {"inCommit": as_commits([commit])[0], "actor": actor}
        case AsBefore(release):  # of no request; it is what the pages take back with
            return {"inRelease": release.version, "actor": actor}


def actor_of(by: User | None) -> UserShape | None:
    """Whoever did it, as answers show them."""
    return users_by_id([by.pk]).get(by.pk) if by else None


def status_details(groups: Sequence[Group]) -> dict[int, dict[str, Any]]:
    """`statusDetails` of these issues by id: a few statements and those of the shapes, however many they are."""
    resolved = [group.pk for group in groups if group.status == GroupStatus.RESOLVED]
    archived = [group for group in groups if group.status == GroupStatus.IGNORED]
    return (_of_resolved(resolved) if resolved else {}) | (_of_archived(archived) if archived else {})


def _of_resolved(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = list(GroupResolution.objects.filter(group__in=ids).select_related("release"))
    listed = listed_versions(rows)
    users = users_by_id(row.actor_id for row in rows)
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        actor = users.get(row.actor_id or 0)
        if row.pk in listed:
            found[row.group_id] = {**_in_several(listed[row.pk]), "actor": actor}
        elif row.type == Kind.IN_RELEASE:
            found[row.group_id] = {"inRelease": row.release.version, "actor": actor}
        else:
            found[row.group_id] = {"inNextRelease": True, "actor": actor}
    return found | _by_commit([pk for pk in ids if pk not in found])


def _in_several(versions: Sequence[str]) -> dict[str, Any]:
    """With one of them for clients that know of no more."""
    return {"inRelease": versions[0], "inReleases": list(versions)}


def _of_archived(groups: Sequence[Group]) -> dict[int, dict[str, Any]]:
    """Until when issues are archived. Where the event store is away, users that came since are not taken off."""
    escalating = GroupSubStatus.ARCHIVED_UNTIL_ESCALATING
    found: dict[int, dict[str, Any]] = {
        group.pk: {"ignoreUntilEscalating": True} for group in groups if group.substatus == escalating
    }
    rest = [group for group in groups if group.pk not in found]
    left = what_is_left(rest, _users_of(rest))
    people = users_by_id(actor for _, actor in left.values())
    return found | {pk: {**words, "actor": people.get(actor or 0)} for pk, (words, actor) in left.items()}


def _users_of(groups: Sequence[Group]) -> dict[int, int]:
    counted = GroupSnooze.objects.filter(group__in=groups, user_count__isnull=False, user_window__isnull=True)
    ids = set(counted.values_list("group_id", flat=True))
    with suppress(StoreUnavailable):
        return users_ever([group for group in groups if group.pk in ids], clock.now())
    return {}


def _by_commit(group_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Of issues that no release resolves: the newest commit that does."""
    links = GroupLink.objects.filter(
        group__in=group_ids, linked_type=LinkedType.COMMIT, relationship=LinkRelationship.RESOLVES
    )
    newest = dict(links.order_by("datetime", "pk").values_list("group_id", "linked_id"))
    if not newest:
        return {}
    commits = list(Commit.objects.filter(pk__in=set(newest.values())).select_related("repository", "author"))
    shapes = dict(zip((commit.pk for commit in commits), as_commits(commits), strict=True))
    return {group: {"inCommit": shapes[commit]} for group, commit in newest.items() if commit in shapes}
