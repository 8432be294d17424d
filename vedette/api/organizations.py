"""Organizations: the caller's list, one with its settings, changing them."""

from typing import Any, cast

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.authentication import Credential
from vedette.api.bodies import Wish, field_of, read
from vedette.api.endpoint import Endpoint, OrganizationEndpoint, reachable_teams
from vedette.api.filters import search_text
from vedette.api.operations import ORG_READ, ORG_WRITE, PAGING, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.shapes.organizations import (
    OrganizationDetails,
    OrganizationSummary,
    organization_details,
    organization_summaries,
    roles_in,
)
from vedette.api.shapes.projects import project_summaries
from vedette.api.shapes.teams import as_teams
from vedette.core.errors import RuleBroken
from vedette.orgs.changes import FLAGS, change_organization
from vedette.orgs.models import InviteStatus, Organization, OrganizationMember, OrganizationStatus
from vedette.orgs.options import OPTIONS
from vedette.projects.access import reachable_projects

NAMED_QUERY = Parameter("query", "Text in the name or the slug.")
DETAILED = Parameter("detailed", "`0` leaves out teams and projects.", choices=("0", "1"))


class OrganizationList(Endpoint):
    """The organizations that the caller belongs to."""

    tag = "Organizations"
    is_inside_an_organization = True  # also a credential of one organization may ask

    @operation(
        Operation(
            "listOrganizations",
            ORG_READ,
            query=(
                NAMED_QUERY,
                Parameter("owner", "`1`: only those that the caller owns.", choices=("0", "1")),
                *PAGING,
            ),
            answers=list[OrganizationSummary],
        )
    )
    def get(self, request: Request) -> Response:
        """The organizations that the caller belongs to."""
        rows = organizations_of(self.caller).order_by("slug")
        if text := search_text(request.query_params):
            rows = rows.filter(Q(name__icontains=text) | Q(slug__icontains=text))
        if request.query_params.get("owner") == "1":
            own = OrganizationMember.objects.filter(user_id=self.user.pk if self.user else None, role="owner")
            rows = rows.filter(pk__in=own.values("organization_id"))
        page = by_number(rows, request.query_params)
        roles = roles_in(page.rows, self.user.pk, superuser=self.user.is_superuser) if self.user else {}
        return self.paged(page, organization_summaries(page.rows, roles))


def organizations_of(credential: Credential) -> QuerySet[Organization]:
    """The active organizations that the credential is good for."""
    rows = Organization.objects.filter(status=OrganizationStatus.ACTIVE)
    if credential.organization_id is not None:
        rows = rows.filter(pk=credential.organization_id)
    if credential.user is None or credential.user.is_superuser:
        return rows
    member = OrganizationMember.objects.filter(user_id=credential.user.pk, invite_status=InviteStatus.APPROVED)
    return rows.filter(pk__in=member.values("organization_id"))


class OrganizationChanges(Wish):
    """Settings of an organization; what is absent stays."""

    name = serializers.CharField(required=False, max_length=64)
    slug = serializers.CharField(required=False)
    defaultRole = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """The fields above, the flags and the options."""
        flags = {field: serializers.BooleanField(required=False) for field in FLAGS}
        return {**super().get_fields(), **flags, **{option.field: field_of(option) for option in OPTIONS}}


class OrganizationItem(OrganizationEndpoint):
    """One organization."""

    tag = "Organizations"

    @operation(Operation("getOrganization", ORG_READ, query=(DETAILED,), answers=OrganizationDetails))
    def get(self, request: Request) -> Response:
        """One organization with its settings, teams and projects."""
        return Response(self.details())

    @operation(Operation("updateOrganization", ORG_WRITE, takes=OrganizationChanges, answers=OrganizationDetails))
    def put(self, request: Request) -> Response:
        """Change settings of the organization.

        Changing `defaultRole` needs org:admin. The slug cannot be changed here.
        """
        wish = read(OrganizationChanges, request.data)
        if wish.pop("slug", self.organization.slug) != self.organization.slug:
            raise RuleBroken({"slug": ["The slug of an organization cannot be changed."]})
        if "defaultRole" in wish and not self.access.has_any("org:admin"):
            raise RuleBroken({"defaultRole": ["Changing the default role needs the scope org:admin."]})
        change_organization(self.organization, wish, by=self.user, ip_address=self.address)
        return Response(self.details())

    def details(self) -> OrganizationDetails:
        """The organization as the caller sees it, with what the request wants of it."""
        details = cast("OrganizationDetails", organization_details(self.organization, self.access))
        if self.request.query_params.get("detailed") != "0":
            teams = list(reachable_teams(self.access).order_by("slug"))
            projects = list(reachable_projects(self.access).order_by("slug"))
            details["teams"] = as_teams(teams, self.access)
            details["projects"] = project_summaries(projects, self.access)
        return details
