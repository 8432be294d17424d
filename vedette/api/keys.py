"""Keys: what SDKs report with."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint, one_of
from vedette.api.operations import (
    ORG_READ,
    PAGING,
    PROJECT_ADMIN,
    PROJECT_READ,
    PROJECT_WRITE,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.shapes.keys import KeyShape, as_key
from vedette.core.errors import RuleBroken
from vedette.orgs.access import reachable_teams
from vedette.projects.access import reachable_projects
from vedette.projects.changes import change_key
from vedette.projects.models import ObjectStatus, ProjectKey
from vedette.projects.services import create_key, delete_key, set_key_active

STATUS = Parameter("status", "Only keys that are on, or only those that are off.", choices=("active", "inactive"))
MAX_COUNT, MAX_WINDOW_SECONDS = 10**6, 86_400


class RateLimitWish(Wish):
    """How many events in how many seconds; zero or null is no limit."""

    count = serializers.IntegerField(min_value=0, max_value=MAX_COUNT, allow_null=True, required=False)
    window = serializers.IntegerField(min_value=0, max_value=MAX_WINDOW_SECONDS, allow_null=True, required=False)


class KeyWish(Wish):
    """A key to make or to change; what is absent stays."""

    name = serializers.CharField(required=False, max_length=64, allow_blank=True)
    rateLimit = RateLimitWish(required=False, allow_null=True)
    isActive = serializers.BooleanField(required=False)


def rate_limit_of(wish: dict[str, Any]) -> tuple[int, int] | None:
    """(count, window) of a wish; None where either is nothing."""
    limit = wish.get("rateLimit") or {}
    count, window = limit.get("count"), limit.get("window")
    return (count, window) if count and window else None


def with_status(rows: QuerySet[ProjectKey], status: str | None) -> QuerySet[ProjectKey]:
    """The keys of a status, oldest first. Raises `RuleBroken` for a word that is none."""
    if status not in (None, "", "active", "inactive"):
        raise RuleBroken("Invalid status parameter.")
    if status == "active":
        rows = rows.filter(status=ObjectStatus.ACTIVE)
    elif status == "inactive":
        rows = rows.filter(status=ObjectStatus.DISABLED)
    return rows.order_by("pk")


class KeyList(ProjectEndpoint):
    """The keys of a project."""

    tag = "Projects"

    @operation(Operation("listProjectKeys", PROJECT_READ, query=(STATUS, *PAGING), answers=list[KeyShape]))
    def get(self, request: Request) -> Response:
        """The keys of a project, oldest first."""
        page = by_number(with_status(self.project.keys.all(), request.query_params.get("status")), request.query_params)
        return self.paged(page, [as_key(key) for key in page.rows])

    @operation(Operation("createProjectKey", PROJECT_WRITE, takes=KeyWish, answers=KeyShape, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Make another key of the project."""
        wish = read(KeyWish, request.data)
        limit, label = rate_limit_of(wish), wish.get("name") or "Default"
        key = create_key(self.project, label, by=self.user, rate_limit=limit, ip_address=self.address)
        return Response(as_key(key), status=201)


class KeyItem(ProjectEndpoint):
    """One key."""

    tag = "Projects"

    def find(self) -> ProjectKey:
        """The key that the path names by its public half, among those of the project. Raises `NotFound`."""
        key = self.project.keys.filter(public_key=self.path["key_id"]).first()
        if key is None:
            raise NotFound
        key.project = self.project
        return key

    @operation(Operation("getProjectKey", PROJECT_READ, answers=KeyShape))
    def get(self, request: Request) -> Response:
        """One key of a project."""
        return Response(as_key(self.find()))

    @operation(Operation("updateProjectKey", PROJECT_WRITE, takes=KeyWish, answers=KeyShape))
    def put(self, request: Request) -> Response:
        """Rename a key, limit its rate, switch it on or off."""
        key, wish = self.find(), read(KeyWish, request.data)
        changes: dict[str, Any] = {"label": wish["name"]} if wish.get("name") else {}
        if "rateLimit" in wish:
            changes["rate_limit_count"], changes["rate_limit_window"] = rate_limit_of(wish) or (None, None)
        change_key(key, changes, by=self.user, ip_address=self.address)
        if "isActive" in wish:
            set_key_active(key, wish["isActive"], by=self.user, ip_address=self.address)
        return Response(as_key(key))

    @operation(Operation("deleteProjectKey", PROJECT_ADMIN, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete a key: what still reports with it is refused."""
        delete_key(self.find(), by=self.user, ip_address=self.address)
        return Response(status=204)


class OrganizationKeys(OrganizationEndpoint):
    """The keys of an organization's projects."""

    tag = "Organizations"

    @operation(
        Operation(
            "listOrganizationProjectKeys",
            ORG_READ,
            query=(STATUS, Parameter("team", "Only projects of this team, by id or slug."), *PAGING),
            answers=list[KeyShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The keys of all projects that the caller reaches."""
        projects = reachable_projects(self.access)
        if team := request.query_params.get("team"):
            projects = projects.filter(teams=one_of(reachable_teams(self.access), team))
        rows = ProjectKey.objects.filter(project__in=projects)
        page = by_number(with_status(rows, request.query_params.get("status")), request.query_params)
        return self.paged(page, [as_key(key) for key in page.rows])
