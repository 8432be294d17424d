"""Commits: of a release, of a project, of a member; and the files that they changed.

Source: the release specification, section 4 (R6, R7, R15, R19, R20) and 6.2.
"""

from typing import TypedDict

from django.db.models import Exists, Max, OuterRef, QuerySet
from django.http import QueryDict
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import UserEmail
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import projects, search_text
from vedette.api.operations import MEMBER_READ, PAGING, PROJECT, RELEASE_READ, Operation, Parameter, operation
from vedette.api.paging import by_id, by_number
from vedette.api.releasereach import readable_release, readable_release_of
from vedette.api.shapes.commits import (
    CommitShape,
    FileChangeShape,
    RepositoryShape,
    as_commits,
    as_file_changes,
    as_repository,
)
from vedette.core.ids import as_id
from vedette.orgs.models import Organization
from vedette.releases.models import (
    Commit,
    CommitAuthor,
    CommitFileChange,
    Release,
    ReleaseCommit,
    ReleaseProject,
    Repository,
    RepositoryStatus,
)

REPOSITORY = (
    Parameter("repo_id", "Only of the repository with this id at its provider."),
    Parameter("repo_name", "Only of the repository with this name."),
)
KEY = Parameter("query", "The beginning of a commit's key.")
MOST_UNRELEASED = 100
LOOKED_AT = 1000


def asked_repository(query: QueryDict, organization: Organization) -> Repository | None:
    """The active repository that the request names; None if it names none. Raises `NotFound`."""
    rows = Repository.objects.filter(organization=organization, status=RepositoryStatus.ACTIVE).order_by("-pk")
    if number := query.get("repo_id"):
        found = rows.filter(external_id=number).first()
    elif name := query.get("repo_name"):
        found = rows.filter(name=name).first()
    else:
        return None
    if found is None:
        raise NotFound
    return found


class _OfOrganization(OrganizationEndpoint):
    """Something of a release, by way of the organization."""

    tag = "Releases"

    def release(self) -> Release:
        """The release that the path names. Raises `NotFound`."""
        view = projects(self.request.query_params, self.access)
        return readable_release(self.access, self.path["version"], view)


class _OfProject(ProjectEndpoint):
    """Something of a release, by way of a project."""

    tag = "Releases"

    def release(self) -> Release:
        """The release that the path names, if it is one of the project. Raises `NotFound`."""
        return readable_release_of(self.access, self.path["version"], self.project)


def commits_of(endpoint: OrganizationEndpoint, release: Release) -> Response:
    """A page of the commits of `release`, newest first."""
    query = endpoint.request.query_params
    links = ReleaseCommit.objects.filter(release=release).select_related("commit__repository", "commit__author")
    if repository := asked_repository(query, endpoint.organization):
        links = links.filter(commit__repository=repository)
    page = by_id(links, query, "order")
    return endpoint.paged(page, as_commits([link.commit for link in page.rows]))


class ReleaseCommits(_OfOrganization):
    """The commits of a release."""

    @operation(
        Operation("listReleaseCommits", RELEASE_READ, query=(*REPOSITORY, *PROJECT, *PAGING), answers=list[CommitShape])
    )
    def get(self, request: Request) -> Response:
        """The commits of a release, newest first."""
        return commits_of(self, self.release())


class ProjectReleaseCommits(_OfProject):
    """The commits of a release of a project."""

    @operation(
        Operation("listProjectReleaseCommits", RELEASE_READ, query=(*REPOSITORY, *PAGING), answers=list[CommitShape])
    )
    def get(self, request: Request) -> Response:
        """The commits of a release of the project, newest first."""
        return commits_of(self, self.release())


class ReleaseCommitFiles(_OfOrganization):
    """The files that a release changed."""

    @operation(
        Operation(
            "listReleaseCommitFiles",
            RELEASE_READ,
            query=(*REPOSITORY, *PROJECT, *PAGING),
            answers=list[FileChangeShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The files that the commits of a release changed, by name; one that several changed comes several times."""
        release = self.release()
        rows = CommitFileChange.objects.filter(commit__release_links__release=release)
        if repository := asked_repository(request.query_params, self.organization):
            rows = rows.filter(commit__repository=repository)
        ordered = rows.select_related("commit__repository", "commit__author").order_by("filename", "pk")
        page = by_number(ordered, request.query_params)
        return self.paged(page, as_file_changes(page.rows))


class ProjectReleaseRepositories(_OfProject):
    """The repositories of a release of a project."""

    @operation(Operation("listProjectReleaseRepositories", RELEASE_READ, query=PAGING, answers=list[RepositoryShape]))
    def get(self, request: Request) -> Response:
        """The repositories that the commits of a release come from, by name."""
        ids = ReleaseCommit.objects.filter(release=self.release()).values("commit__repository_id")
        rows = Repository.objects.filter(organization=self.organization, pk__in=ids).order_by("name", "pk")
        page = by_number(rows, request.query_params)
        return self.paged(page, [as_repository(row) for row in page.rows])


class ProjectCommits(ProjectEndpoint):
    """The commits of a project's releases."""

    tag = "Projects"

    @operation(Operation("listProjectCommits", RELEASE_READ, query=(KEY, *PAGING), answers=list[CommitShape]))
    def get(self, request: Request) -> Response:
        """The commits of the project's releases, newest first."""
        page = by_number(newest_first(self.shipped(), request.query_params), request.query_params)
        return self.paged(page, as_commits(page.rows))

    def shipped(self) -> QuerySet[Commit]:
        """The commits that a release of the project holds."""
        links = ReleaseCommit.objects.filter(
            Exists(ReleaseProject.objects.filter(release_id=OuterRef("release_id"), project=self.project)),
            commit_id=OuterRef("pk"),
        )
        return Commit.objects.filter(Exists(links), organization=self.organization)


def newest_first(rows: QuerySet[Commit], query: QueryDict) -> QuerySet[Commit]:
    """Those of `rows` whose keys begin as the request says, newest first."""
    if text := search_text(query):
        rows = rows.filter(key__startswith=text)
    return rows.select_related("repository", "author").order_by("-date_added", "-pk")


class Unsure(TypedDict):
    """What the answer may lack."""

    missing_emails: bool


class UnreleasedShape(TypedDict):
    """What a member wrote that no release holds yet; repositories by id."""

    commits: list[CommitShape]
    repositories: dict[str, RepositoryShape]
    errors: Unsure


class UnreleasedCommits(OrganizationEndpoint):
    """What a member wrote that no release holds yet."""

    tag = "Members"

    @operation(Operation("listUnreleasedCommits", MEMBER_READ, answers=UnreleasedShape))
    def get(self, request: Request) -> Response:
        """The newest hundred commits of a member that are newer than any released commit of their repository.

        An author is a member by an address that the member has proven; `missing_emails` says that some are not proven.
        """
        text = self.path["member_id"]
        number = self.access.member_id if text == "me" else as_id(text)
        member = None if number is None else self.organization.members.filter(pk=number).first()
        if member is None or member.user_id is None:
            raise NotFound
        addresses = UserEmail.objects.filter(user_id=member.user_id)
        proven = [email.lower() for email in addresses.filter(is_verified=True).values_list("email", flat=True)]
        rows = unreleased(self.organization, proven)
        return Response(
            UnreleasedShape(
                commits=as_commits(rows),
                repositories={str(row.repository_id): as_repository(row.repository) for row in rows},
                errors=Unsure(missing_emails=addresses.filter(is_verified=False).exists()),
            )
        )


def unreleased(organization: Organization, emails: list[str]) -> list[Commit]:
    """The newest commits by these authors that are newer than any released one of their repository."""
    authors = CommitAuthor.objects.filter(organization=organization, email__in=emails)
    written = Commit.objects.filter(organization=organization, author__in=authors.values("pk"))
    written = written.select_related("repository", "author")
    newest = list(written.order_by("-date_added", "-pk")[:LOOKED_AT])
    released = Commit.objects.filter(
        Exists(ReleaseCommit.objects.filter(commit_id=OuterRef("pk"))),
        repository_id__in={commit.repository_id for commit in newest},
    )
    last = dict(released.values_list("repository_id").annotate(Max("date_added")))
    found = [
        commit for commit in newest if (until := last.get(commit.repository_id)) is None or commit.date_added > until
    ]
    return found[:MOST_UNRELEASED]
