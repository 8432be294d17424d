"""The endpoints' common ground: from a path to an organization, project, team or issue that the caller may see.

Everything starts at the caller's organization; what lies outside does not exist for the caller (404). Source: the API
specification, sections 3 to 5 and 10.
"""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from vedette.accounts.models import User
from vedette.accounts.signin_limits import client_address
from vedette.api import cors
from vedette.api.authentication import Credential, Credentials, Kind, credential_of
from vedette.api.bodies import JsonBody
from vedette.api.errors import SecondFactorRequired
from vedette.api.operations import Operation
from vedette.api.paging import Page, headers_of
from vedette.api.permissions import Denied
from vedette.api.rendering import AlwaysJson, OrjsonRenderer
from vedette.api.schema import DeclaredSchema
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.core.nul import SENTENCE, holds_nul, query_holds_nul
from vedette.issues.lookup import find_group
from vedette.issues.models import Group
from vedette.orgs import reservations
from vedette.orgs.access import Access, access_of_org_token, access_of_user, reachable_teams
from vedette.orgs.models import Organization, Team
from vedette.orgs.secondfactor import must_set_up
from vedette.projects.access import may, reachable_projects
from vedette.projects.models import Project


class Endpoint(APIView):
    """One path of the API. Its methods are declared with `operation`; `path` holds the parts of the request's path."""

    authentication_classes = [Credentials]
    permission_classes = [Denied]
    renderer_classes = [OrjsonRenderer]
    parser_classes = [JsonBody]
    content_negotiation_class = AlwaysJson
    schema = DeclaredSchema()

    tag: ClassVar[str] = ""
    operations: ClassVar[dict[str, Operation]] = {}
    is_inside_an_organization: ClassVar[bool] = False
    path: dict[str, str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collects what the methods declare."""
        super().__init_subclass__(**kwargs)
        methods = {name: getattr(cls, name, None) for name in ("get", "post", "put", "delete")}
        declared = {name.upper(): getattr(method, "operation", None) for name, method in methods.items() if method}
        cls.operations = {name: operation for name, operation in declared.items() if operation}

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Keeps the parts of the path aside: handlers take only the request."""
        super().setup(request, *args, **kwargs)
        self.path = {name: str(value) for name, value in kwargs.items()}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Handle the request."""
        return super().dispatch(request)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Before anything is looked for: what no database takes names nothing. Then credentials and permissions."""
        if holds_nul(list(self.path.values())):
            raise NotFound
        if query_holds_nul(request.META.get("QUERY_STRING", "")):
            raise RuleBroken(SENTENCE)
        super().initial(request, *args, **kwargs)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What browsers ask before they call: the headers say it all."""
        return Response(status=200)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds the headers that every answer has."""
        final = super().finalize_response(request, response, *args, **kwargs)
        cors.add_headers(request, final, self.allowed_methods)
        return final

    @property
    def operation(self) -> Operation | None:
        """The declaration of the method that was asked for."""
        method = self.request.method or ""
        return self.operations.get("GET" if method == "HEAD" else method)

    @property
    def caller(self) -> Credential:
        """The credential of the request; only where one is needed."""
        credential = credential_of(self.request)
        if credential is None:
            raise NotAuthenticated
        return credential

    @property
    def user(self) -> User | None:
        """The user who calls, if it is one."""
        return self.caller.user

    @property
    def address(self) -> str | None:
        """Where the request came from, for the audit log; None where nobody knows."""
        return client_address(self.request._request) or None

    def locate(self, **path: str) -> None:
        """Find what the path names, for this caller. Raises `NotFound`."""

    def holds(self, *scopes: str) -> bool:
        """Whether the caller has one of `scopes` for what the path names."""
        return self.caller.scopes is None or not self.caller.scopes.isdisjoint(scopes)

    def paged(self, page: Page[Any], body: Any) -> Response:
        """`body`, made of the rows of `page`, with the links to the other pages."""
        return Response(body, headers=headers_of(page, self.request))

    def __str__(self) -> str:
        return type(self).__name__


class OrganizationEndpoint(Endpoint):
    """Something of one organization."""

    is_inside_an_organization = True
    organization: Organization
    access: Access

    def locate(self, **path: str) -> None:
        """Enter the organization. Raises `NotFound`, or `AuthenticationFailed` for another organization's token."""
        self.enter(find_organization(path["organization_id_or_slug"]))

    def enter(self, organization: Organization | None) -> None:
        """Take the caller's place in `organization`; None is nowhere."""
        bound_to = self.caller.organization_id
        if bound_to is not None and (organization is None or organization.pk != bound_to):
            raise AuthenticationFailed("Unauthorized organization access.")
        access = organization and access_of(self.caller, organization)
        if not organization or not access:
            raise NotFound
        if self.caller.kind is Kind.SESSION and self.user and must_set_up(self.user, organization):
            raise SecondFactorRequired
        self.organization, self.access = organization, access

    def holds(self, *scopes: str) -> bool:
        """Whether the caller has one of `scopes` in the whole organization."""
        return self.access.has_any(*scopes)


class ProjectEndpoint(OrganizationEndpoint):
    """Something of one project."""

    project: Project

    def locate(self, **path: str) -> None:
        """Find the project among those that the caller reaches."""
        super().locate(**path)
        projects = reachable_projects(self.access)
        if self.caller.kind is Kind.DSN:
            projects = Project.objects.filter(pk=self.caller.project_id or 0, organization=self.organization)
        self.project = one_of(projects, path["project_id_or_slug"])
        self.project.organization = self.organization

    def holds(self, *scopes: str) -> bool:
        """Whether the caller has one of `scopes` for the project."""
        return may(self.access, self.project, *scopes)


class TeamEndpoint(OrganizationEndpoint):
    """Something of one team."""

    team: Team

    def locate(self, **path: str) -> None:
        """Find the team among those that the caller reaches: with open membership all, otherwise their own."""
        super().locate(**path)
        self.team = one_of(reachable_teams(self.access), path["team_id_or_slug"])
        self.team.organization = self.organization

    def holds(self, *scopes: str) -> bool:
        """Whether the caller has one of `scopes` for the team."""
        return self.access.has_any_for_teams(frozenset({self.team.pk}), *scopes)


class IssueEndpoint(OrganizationEndpoint):
    """Something of one issue, by number or short id; by number alone where the path names no organization."""

    group: Group

    def locate(self, **path: str) -> None:
        """Find the issue among those that the caller may see."""
        if "organization_id_or_slug" in path:
            super().locate(**path)
        else:
            self._enter_by_issue(path["issue_id"])
        group = find_group(self.access, path["issue_id"])
        if group is None:
            raise NotFound
        self.group = group

    def _enter_by_issue(self, text: str) -> None:
        number = as_id(text)
        groups = Group.objects.filter(pk=number or 0).select_related("project__organization")
        group = groups.first() if number else None
        organization = group.project.organization if group else None
        bound_to = self.caller.organization_id
        if bound_to is not None and (organization is None or organization.pk != bound_to):
            raise NotFound  # whether somebody else's issue has this number is not for this caller
        self.enter(organization)

    def holds(self, *scopes: str) -> bool:
        """Whether the caller has one of `scopes` for the issue's project."""
        return may(self.access, self.group.project, *scopes)


def find_organization(id_or_slug: str) -> Organization | None:
    """The organization with this id or slug, or the slug that it had before, whoever asks: tokens name their
    organization by the slug of their day."""
    number = as_id(id_or_slug)
    if number is not None:
        return Organization.objects.filter(pk=number).first()
    found = Organization.objects.filter(slug=id_or_slug).first()
    if found is None:
        found = Organization.objects.filter(pk=reservations.organization_with(id_or_slug) or 0).first()
    return found


def access_of(credential: Credential, organization: Organization) -> Access | None:
    """What the credential may do in `organization`."""
    if credential.user is not None:
        return access_of_user(credential.user, organization, credential.scopes)
    if credential.organization_id != organization.pk:
        return None
    return access_of_org_token(organization, credential.scopes or frozenset())


def one_of(rows: QuerySet[Any], id_or_slug: str) -> Any:
    """The row with this id or slug. Raises `NotFound`."""
    number = as_id(id_or_slug)
    found = (rows.filter(slug=id_or_slug) if number is None else rows.filter(pk=number)).first()
    if found is None:
        raise NotFound
    return found
