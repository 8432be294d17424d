"""Organizations: the caller's list, one with its settings, changing them."""

from typing import Any, cast

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.authentication import Credential
from vedette.api.avatars import kind_of, photo_of
from vedette.api.bodies import Wish, field_of, read
from vedette.api.endpoint import Endpoint, OrganizationEndpoint, access_of
from vedette.api.filters import search_text
from vedette.api.operations import ORG_ADMIN, ORG_READ, ORG_WRITE, PAGING, Operation, Parameter, operation
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
from vedette.orgs.access import Access, access_of_user, reachable_teams
from vedette.orgs.avatars import TYPES
from vedette.orgs.changes import FLAGS, change_organization, schedule_deletion
from vedette.orgs.members import NotAllowed
from vedette.orgs.models import InviteStatus, Organization, OrganizationMember, OrganizationStatus
from vedette.orgs.options import OPTIONS
from vedette.orgs.services import create_organization, may_create_organizations
from vedette.orgs.slugs import SlugTaken
from vedette.projects.access import reachable_projects

NAMED_QUERY = Parameter("query", "Text in the name or the slug.")
DETAILED = Parameter("detailed", "`0` leaves out teams and projects.", choices=("0", "1"))


class NewOrganization(Wish):
    """An organization to make. `agreeTerms` is known to clients and changes nothing."""

    name = serializers.CharField(max_length=64)
    slug = serializers.CharField(required=False, max_length=50, allow_blank=True)
    agreeTerms = serializers.BooleanField(required=False)


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

    @operation(
        Operation(
            "createOrganization",
            ORG_WRITE,
            takes=NewOrganization,
            answers=OrganizationDetails,
            statuses=(201,),
            fails=(409,),
        )
    )
    def post(self, request: Request) -> Response:
        """Make an organization, with a team of its name, and own it.

        Superusers may; everybody else where the server is set up so (`VEDETTE_OPEN_ORGANIZATIONS`).
        """
        if self.caller.is_bound:
            raise AuthenticationFailed("Unauthorized organization access.")
        if self.user is None or not may_create_organizations(self.user):
            raise NotAllowed("Only superusers make organizations on this server.")
        wish = read(NewOrganization, request.data)
        made = create_organization(wish["name"], wish.get("slug", ""), self.user, ip_address=self.address)
        access = access_of(self.caller, made)
        if access is None:
            raise NotFound
        return Response(whole_organization(made, access), status=201)


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
    cancelDeletion = serializers.BooleanField(required=False)
    trustedRelays = serializers.JSONField(required=False)
    avatar = serializers.CharField(required=False, allow_blank=True)
    avatarType = serializers.CharField(required=False)

    def validate_avatarType(self, value: str) -> str:
        """One of the words."""
        return kind_of(value, TYPES)

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

    @operation(
        Operation(
            "updateOrganization", ORG_WRITE, takes=OrganizationChanges, answers=OrganizationDetails, fails=(409, 413)
        )
    )
    def put(self, request: Request) -> Response:
        """Change settings of the organization.

        Changing `defaultRole` needs org:admin. The slug before leads to the new one. `cancelDeletion` restores an
        organization that was given up and is not yet being deleted; only who holds org:admin finds it then.
        """
        wish = read(OrganizationChanges, request.data)
        if self.organization.status != OrganizationStatus.ACTIVE and not wish.get("cancelDeletion"):
            raise NotFound
        if "avatar" in wish:
            wish["avatar"] = photo_of(wish["avatar"], "avatar")
        if "defaultRole" in wish and not self.access.has_any("org:admin"):
            raise RuleBroken({"defaultRole": ["Changing the default role needs the scope org:admin."]})
        try:
            change_organization(self.organization, wish, by=self.user, ip_address=self.address)
        except SlugTaken as taken:
            return Response(taken.errors, status=409)
        return Response(self.details())

    def enter(self, organization: Organization | None) -> None:
        """Take the caller's place; also in an organization that was given up, for those who may restore it."""
        given_up = organization is not None and organization.status == OrganizationStatus.PENDING_DELETION
        if self.request.method != "PUT" or not given_up or organization is None:
            super().enter(organization)
            return
        caller = self.caller
        if caller.user is None or caller.organization_id not in (None, organization.pk):
            raise NotFound
        access = access_of_user(caller.user, organization, caller.scopes, status=OrganizationStatus.PENDING_DELETION)
        if access is None or not access.has_any("org:admin"):
            raise NotFound
        self.organization, self.access = organization, access

    @operation(Operation("deleteOrganization", ORG_ADMIN, statuses=(202,)))
    def delete(self, request: Request) -> Response:
        """Give the organization up: it is gone for everybody at once, and all its data is deleted soon after."""
        schedule_deletion(self.organization, by=self.user, ip_address=self.address)
        return Response(status=202)

    def details(self) -> OrganizationDetails:
        """The organization as the caller sees it, with what the request wants of it."""
        if self.request.query_params.get("detailed") == "0":
            return cast("OrganizationDetails", organization_details(self.organization, self.access))
        return whole_organization(self.organization, self.access)


def whole_organization(organization: Organization, access: Access) -> OrganizationDetails:
    """The organization as the caller sees it, with its teams and projects."""
    details = cast("OrganizationDetails", organization_details(organization, access))
    details["teams"] = as_teams(list(reachable_teams(access).order_by("slug")), access)
    details["projects"] = project_summaries(list(reachable_projects(access).order_by("slug")), access)
    return details
