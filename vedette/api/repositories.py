"""Repositories. There are none yet: commits come with releases."""

from typing import TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.operations import PAGING, REPOSITORY_READ, Operation, operation
from vedette.api.paging import Page
from vedette.api.shapes.base import Moment
from vedette.core.paging import Cursor


class Provider(TypedDict):
    """Where a repository is hosted."""

    id: str
    name: str


class RepositoryShape(TypedDict):
    """A repository of an organization."""

    id: str
    name: str
    url: str | None
    provider: Provider
    status: str
    dateCreated: Moment
    integrationId: str | None
    externalSlug: str | None
    externalId: str | None


class RepositoryList(OrganizationEndpoint):
    """The repositories of an organization."""

    tag = "Repositories"

    @operation(Operation("listOrganizationRepositories", REPOSITORY_READ, query=PAGING, answers=list[RepositoryShape]))
    def get(self, request: Request) -> Response:
        """The repositories of an organization."""
        rows: list[RepositoryShape] = []
        return self.paged(Page(rows, Cursor(100, -1, True), Cursor(100, 1), False, False), rows)
