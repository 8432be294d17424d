"""How people say that issues are fixed: now, in the next release, the current one, another one, or by a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.issues.models import Group
from vedette.issues.resolve import Fix, InCommit, InNextRelease, InRelease
from vedette.projects.models import Project
from vedette.releases.conditions import Scope
from vedette.releases.latest import latest_of, newest_release
from vedette.releases.models import Commit, Release, ReleaseCommit
from vedette.releases.ordering import orderings
from vedette.web.releasecommits import CommitLine, lines_of
from vedette.web.text import visible

WAYS = ("next", "current", "release", "commit")
MOST_RELEASES, MOST_COMMITS = 12, 8
LATELY = 20  # so many of the project's newest releases are searched for commits by what they say
_SHORTEST_KEY = 4


@dataclass(frozen=True, slots=True)
class Ways:
    """What the menu names: the release that is current, None for a project without releases."""

    current: Release | None = None


def ways_of(project: Project) -> Ways:
    """The ways to resolve an issue of this project."""
    return Ways(current_release(project))


def current_release(project: Project) -> Release | None:
    """The latest release, by version or by date as the project orders."""
    return latest_of(_releases(project), orderings({project.pk})[project.pk])


def fix_of(groups: Sequence[Group], way: str, version: str = "", commit: str = "") -> Fix | None:
    """How `way`, one of `WAYS` or nothing, says that these issues are fixed; None: plainly. Raises `RuleBroken`."""
    if not way or not groups:
        return None
    if way not in WAYS:
        raise RuleBroken(f"There is no way to resolve {way[:20]!r}.")
    project = groups[0].project
    if any(group.project_id != project.pk for group in groups):
        raise RuleBroken("Issues of several projects cannot be resolved in one release. Choose those of one project.")
    if way == "commit":
        return InCommit(_commit(project, commit))
    release = {"next": _newest, "current": current_release}.get(way, lambda one: _named(one, version))(project)
    if release is None:
        raise RuleBroken(f"{project.slug} has no {f'release {visible(version)}' if version else 'release yet'}.")
    return InNextRelease(release) if way == "next" else InRelease(release)


def said_of(fix: Fix | None) -> str:
    """The end of the sentence about issues that were resolved so."""
    match fix:
        case InRelease(release):
            return f" in {visible(release.version)}"
        case InNextRelease():
            return " in the next release"
        case InCommit(commit):
            return f" by commit {visible(commit.key)[:12]}"
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What one may choose from. `problem` says why there is nothing to choose."""

    project: Project | None = None
    current: Release | None = None
    releases: tuple[Release, ...] = ()
    commits: tuple[CommitLine, ...] = ()
    problem: str = ""


def choices(groups: Sequence[Group], text: str) -> Choices:
    """The releases whose version has `text` in it, the newest without one; and commits that begin with it or say it."""
    projects = {group.project_id: group.project for group in groups}
    if not groups:
        return Choices(problem="Choose at least one issue first.")
    if len(projects) > 1:
        return Choices(problem="These issues are of several projects; a release fixes issues of one.")
    (project,) = projects.values()
    rows = _releases(project).order_by("-sort_date", "-pk")
    found = rows.filter(version__icontains=text) if text else rows
    commits = _commits(project, text)
    return Choices(
        project,
        current_release(project),
        tuple(found[:MOST_RELEASES]),
        tuple(lines_of(commits, project.organization_id)),
    )


def _releases(project: Project) -> QuerySet[Release]:
    """The project's releases, as rows that an index can give in order: there may be very many."""
    return Scope(project.organization_id, (project.pk,)).releases()


def _newest(project: Project) -> Release | None:
    return newest_release(project.organization_id, project.pk)


def _named(project: Project, version: str) -> Release | None:
    return _releases(project).filter(version=version).first()


def _commit(project: Project, text: str) -> Commit:
    number = as_id(text)
    found = Commit.objects.filter(organization_id=project.organization_id, pk=number).first() if number else None
    if found is None:
        raise RuleBroken("There is no such commit.")
    return found


def _commits(project: Project, text: str) -> list[Commit]:
    """Commits of the project's newest releases; with a text those that say it, and any that begins with it."""
    newest = list(_releases(project).order_by("-sort_date", "-pk").values_list("pk", flat=True)[:LATELY])
    recent = Q(pk__in=ReleaseCommit.objects.filter(release__in=newest).values("commit_id"))
    rows = Commit.objects.filter(organization_id=project.organization_id).select_related("repository", "author")
    if text:
        recent &= Q(message__icontains=text)
        if len(text) >= _SHORTEST_KEY:
            recent |= Q(key__startswith=text)
    return list(rows.filter(recent).order_by("-date_added", "-pk")[:MOST_COMMITS])
