"""Repositories of an organization, and their commits.

Source: the release specification, section 4 (R18) and 6.3; the API specification, the table of repositories.
"""

from typing import Any, TypedDict

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.commits import KEY, newest_first
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import search_text
from vedette.api.operations import (
    PAGING,
    REPOSITORY_DELETE,
    REPOSITORY_READ,
    REPOSITORY_WRITE,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.releasewrites import sender_of
from vedette.api.shapes.commits import CommitShape, RepositoryShape, as_commits, as_repository
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.releases.models import Commit, Repository, RepositoryStatus
from vedette.shipping import hosting
from vedette.shipping.hosting import HostedWish
from vedette.shipping.providers.hosts import Host

STATUS = Parameter("status", "By default those that are not being deleted.", choices=("", "active", "disabled"))
_IN_USE = {"active": True, "visible": True, "disabled": False, "hidden": False}


class RepositoryWish(Wish):
    """A repository. One without a provider is known by its name alone."""

    name = serializers.CharField(max_length=200, required=False, help_text="By default `identifier`.")
    provider = serializers.CharField(max_length=64, required=False, help_text="`github` or `gitlab`.")
    identifier = serializers.CharField(max_length=200, required=False, help_text="Its name at the host: `acme/web`.")
    hostUrl = serializers.CharField(
        max_length=500, required=False, allow_blank=True, help_text="The host, where it is not the public one."
    )
    token = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="For asking the host. It is never shown again."
    )
    url = serializers.CharField(max_length=500, required=False, help_text="Its page; only without a provider.")


class RepositoryChange(RepositoryWish):
    """What to change of a repository."""

    status = serializers.ChoiceField(choices=list(_IN_USE), required=False)


class LookShape(TypedDict):
    """What became of asking the host."""

    ok: bool
    detail: str


class HookShape(TypedDict):
    """What the host is told: where to send, and the secret, which is not shown again."""

    url: str
    secret: str


class _Repositories(OrganizationEndpoint):
    """The repositories that the caller sees."""

    tag = "Repositories"

    def rows(self) -> QuerySet[Repository]:
        """Those of the organization that are not being deleted."""
        return Repository.objects.filter(organization=self.organization).exclude(
            status=RepositoryStatus.PENDING_DELETION
        )

    def find(self) -> Repository:
        """The one that the path names. Raises `NotFound`."""
        repository = self.rows().filter(pk=as_id(self.path["repository_id"]) or 0).first()
        if repository is None:
            raise NotFound
        repository.organization = self.organization
        return repository


class RepositoryList(_Repositories):
    """The repositories of an organization."""

    @operation(
        Operation(
            "listOrganizationRepositories",
            REPOSITORY_READ,
            query=(Parameter("query", "Text in the name."), STATUS, *PAGING),
            answers=list[RepositoryShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The repositories of an organization, by name: those that commits named are there without being set up."""
        query, rows = request.query_params, self.rows()
        status = query.get("status", "")
        if status not in STATUS.choices:
            raise RuleBroken("invalid value for status")
        if status:
            rows = rows.filter(status=RepositoryStatus[status.upper()])
        if text := search_text(query):
            rows = rows.filter(name__icontains=text)
        page = by_number(rows.order_by("name", "pk"), query)
        return self.paged(page, [as_repository(row) for row in page.rows])

    @operation(
        Operation(
            "createRepository", REPOSITORY_WRITE, takes=RepositoryWish, answers=RepositoryShape, statuses=(201, 200)
        )
    )
    def post(self, request: Request) -> Response:
        """Set up a repository at GitHub or GitLab, or by its name alone.

        One of that name that is there already is taken over with its commits: that answers 200.
        """
        wish = read(RepositoryWish, request.data)
        by = sender_of(self, request)
        if "provider" not in wish:
            if "name" not in wish:
                raise RuleBroken({"name": ["This field is required."]})
            row, is_new = hosting.set_up_by_hand(self.organization, wish["name"], wish.get("url", ""), by=by)
        else:
            hosted = _hosted(wish, wish["provider"], Host(wish.get("identifier") or wish.get("name", "")), "")
            row, is_new = hosting.set_up_hosted(self.organization, hosted, settings.VEDETTE, by=by, now=clock.now())
        return Response(as_repository(row), status=201 if is_new else 200)


class RepositoryItem(_Repositories):
    """A repository."""

    @operation(Operation("updateRepository", REPOSITORY_WRITE, takes=RepositoryChange, answers=RepositoryShape))
    def put(self, request: Request) -> Response:
        """Change where a repository is, its token, or whether it is in use.

        Moving it to another host forgets the token, unless the request brings one.
        """
        row, wish = self.find(), read(RepositoryChange, request.data)
        by, kind = sender_of(self, request), hosting.kind_of(row) or wish.get("provider")
        if kind is None:
            _refuse_unused(wish, {"name": row.name, "url": row.url})
        with transaction.atomic():
            if kind is not None and wish.keys() - {"status"}:
                changed = _hosted(wish, kind, Host.of(row), row.name)
                hosting.change_hosted(row, changed, settings.VEDETTE, by=by, now=clock.now())
            if "status" in wish:
                hosting.set_in_use(row, _IN_USE[wish["status"]], by=by)
        return Response(as_repository(row))

    @operation(Operation("deleteRepository", REPOSITORY_DELETE, answers=RepositoryShape, statuses=(202,)))
    def delete(self, request: Request) -> Response:
        """Delete a repository, with its commits, soon; its token is forgotten at once."""
        row = self.find()
        hosting.give_up(row, by=sender_of(self, request))
        return Response(as_repository(row), status=202)


class RepositoryLook(_Repositories):
    """Whether a repository's host shows it."""

    @operation(Operation("checkRepository", REPOSITORY_WRITE, answers=LookShape))
    def post(self, request: Request) -> Response:
        """Ask the host for the repository, with the token that it was given."""
        looked = hosting.look(self.find(), settings.VEDETTE)
        return Response(LookShape(ok=looked.is_there, detail=looked.sentence))


class RepositoryHook(_Repositories):
    """The secret by which a repository's host proves who it is."""

    @operation(Operation("createRepositoryHookSecret", REPOSITORY_WRITE, answers=HookShape, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Make a new secret for the webhook at the host; the one before is void."""
        row = self.find()
        if hosting.kind_of(row) is None:
            raise RuleBroken("This repository has no host that sends anything.")
        secret = hosting.new_hook_secret(row, by=sender_of(self, request), now=clock.now())
        return Response(HookShape(url=hosting.hook_address(row), secret=secret), status=201)


class RepositoryCommits(_Repositories):
    """The commits of a repository."""

    @operation(Operation("listRepositoryCommits", REPOSITORY_READ, query=(KEY, *PAGING), answers=list[CommitShape]))
    def get(self, request: Request) -> Response:
        """The commits of a repository that anybody told of, newest first."""
        query, rows = request.query_params, Commit.objects.filter(repository=self.find())
        page = by_number(newest_first(rows, query), query)
        return self.paged(page, as_commits(page.rows))


def _refuse_unused(wish: dict[str, Any], known: dict[str, str | None]) -> None:
    """Of a repository without a host only the status changes. Raises `RuleBroken` for what would be forgotten."""
    for field in sorted(wish.keys() - {"status"}):
        if wish[field] != known.get(field):
            raise RuleBroken({field: ["This repository has no host: name its `provider` as well to change this."]})


def _hosted(wish: dict[str, Any], provider: str, host: Host, name: str) -> HostedWish:
    """What is wished for, over what is there."""
    kind = provider.removeprefix("integrations:").removesuffix("_enterprise")
    slug = wish.get("identifier", host.slug)
    return HostedWish(kind, slug, wish.get("name", name), wish.get("hostUrl", host.url), wish.get("token"))
