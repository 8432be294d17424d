"""The first page of a release: what it brought, what it fixed, what it broke, and who to ask.

Everything is told of the projects that the visitor reaches; of those of the release that they do not reach, nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from vedette.accounts.models import User
from vedette.issues.models import Group
from vedette.orgs.access import Access
from vedette.projects.access import may, reachable_projects
from vedette.projects.models import ObjectStatus, Project
from vedette.releases import listing
from vedette.releases.conditions import Scope
from vedette.releases.models import (
    CommitFileChange,
    Deploy,
    Release,
    ReleaseCommit,
    ReleaseProject,
    ReleaseProjectEnvironment,
    ReleaseStatus,
)
from vedette.shipping.deploys import deploys_of, latest_deploys
from vedette.web.faces import Face, distinct, faces
from vedette.web.releaseissues import KINDS, bounded, issues_of

WRITE = ("project:releases", "project:write", "project:admin")
MOST_FILES = 1000
MOST_DEPLOYS = 50
MOST_ASKED = 5


@dataclass(frozen=True, slots=True)
class OpenedRelease:
    """A release as its visitor sees it: with `projects`, those of its own that they reach, and `shown`, the ones that
    the page is about. `links` are the rows of these projects."""

    release: Release
    projects: tuple[Project, ...]
    shown: tuple[Project, ...]
    links: tuple[ReleaseProject, ...]

    @property
    def is_archived(self) -> bool:
        """Whether lists leave it out."""
        return self.release.status == ReleaseStatus.ARCHIVED


def open_release(access: Access, version: str, wish: str = "") -> OpenedRelease | None:
    """The release of this version, of whose projects the visitor reaches one; only the project that `wish` names, by
    slug or id, where there is one. None: there is no such release for them.

    One without projects is there for those who reach the whole organization.
    """
    release = Release.objects.filter(organization=access.organization, version=version).first()
    if release is None:
        return None
    release.organization = access.organization
    links = list(
        ReleaseProject.objects.filter(release=release, project__in=reachable_projects(access).values("pk"))
        .select_related("project")
        .order_by("project__slug")
    )
    if not links and (not access.is_global or release.project_links.exists()):
        return None
    shown = [link for link in links if wish in ("", link.project.slug, str(link.project_id))]
    if wish and not shown:
        return None
    return OpenedRelease(
        release, tuple(link.project for link in links), tuple(link.project for link in shown), tuple(shown)
    )


def may_change(access: Access, release: Release) -> bool:
    """Whether the visitor may archive it: they reach and may write every active project of it."""
    projects = Project.objects.filter(releaseproject__release=release, status=ObjectStatus.ACTIVE)
    known = list(projects.order_by("pk").prefetch_related("teams")[:1000])
    return all(may(access, project, *WRITE) for project in known) if known else access.has_any(*WRITE)


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody to ask about a release, and how many of its commits are theirs."""

    face: Face
    commits: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A release in numbers and people. Counts above a thousand are told as a thousand.

    `repositories` are (name, commits); `counts` the issues by kind; `worst` the newest of those that it broke.
    """

    commits: int
    repositories: tuple[tuple[str, int], ...]
    files: int
    people: tuple[Asked, ...]
    more_people: int
    owner: User | None
    counts: dict[str, int]
    worst: tuple[Group, ...]
    fixed: tuple[Group, ...]
    deploys: tuple[Deploy, ...]
    history: tuple[Deploy, ...]
    environments: tuple[ReleaseProjectEnvironment, ...]

    @property
    def broken(self) -> int:
        """How many issues are new in it or came back with it."""
        return self.counts["new"] + self.counts["regressed"]


def load_summary(opened: OpenedRelease) -> Summary:
    """What the first screen tells."""
    release, shown = opened.release, opened.shown
    people = _people(release)
    issues = {kind: issues_of(release, shown, kind) for kind in KINDS}
    broken = issues["new"] | issues["regressed"]
    return Summary(
        commits=ReleaseCommit.objects.filter(release=release).count(),
        repositories=_repositories(release),
        files=_count_files(release),
        people=people[:MOST_ASKED],
        more_people=max(0, len(people) - MOST_ASKED),
        owner=User.objects.filter(pk=release.owner_id).first() if release.owner_id else None,
        counts={kind: bounded(rows) for kind, rows in issues.items()},
        worst=tuple(broken.select_related("project").order_by("status", "-times_seen", "-pk")[:3]),
        fixed=tuple(issues["resolved"].select_related("project").order_by("-times_seen", "-pk")[:3]),
        deploys=tuple(latest_deploys(release, shown).select_related("environment")),
        history=tuple(deploys_of(release, shown).select_related("environment")[:MOST_DEPLOYS]),
        environments=tuple(
            ReleaseProjectEnvironment.objects.filter(release=release, project__in=shown)
            .exclude(environment__name="")
            .select_related("environment", "project")
            .order_by("-last_seen", "pk")[:20]
        ),
    )


def neighbours_of(opened: OpenedRelease) -> listing.Neighbours:
    """The releases before and after it in the projects that are shown."""
    scope = Scope(opened.release.organization_id, tuple(project.pk for project in opened.shown))
    return listing.neighbours(listing.listed(scope, "open"), opened.release)


def _people(release: Release) -> tuple[Asked, ...]:
    """The authors, whoever wrote most first."""
    rows = ReleaseCommit.objects.filter(release=release, commit__author__isnull=False).order_by()
    counts = dict(rows.values_list("commit__author_id").annotate(number=Count("pk")))
    known = faces(release.organization_id, counts)
    numbers: dict[str, int] = {}
    for author, count in counts.items():
        if author in known:
            numbers[known[author].key] = numbers.get(known[author].key, 0) + count
    people = [Asked(face, numbers[face.key]) for face in distinct(known[pk] for pk in counts if pk in known)]
    return tuple(sorted(people, key=lambda one: (-one.commits, one.face.name)))


def _repositories(release: Release) -> tuple[tuple[str, int], ...]:
    rows = ReleaseCommit.objects.filter(release=release).order_by()
    counted = rows.values_list("commit__repository__name").annotate(number=Count("pk"))
    return tuple(sorted(counted, key=lambda pair: (-pair[1], pair[0])))


def _count_files(release: Release) -> int:
    rows = CommitFileChange.objects.filter(commit__release_links__release=release).order_by()
    return rows.values("filename").distinct()[: MOST_FILES + 1].count()
