"""Members of an organization."""

from django.db.models import Q, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import User
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import search_words
from vedette.api.operations import MEMBER_READ, PAGING, Operation, Parameter, operation
from vedette.api.paging import by_id
from vedette.api.shapes.members import MemberDetails, MemberShape, as_members, member_details
from vedette.core.ids import as_id
from vedette.orgs.models import InviteStatus, OrganizationMember


class MemberList(OrganizationEndpoint):
    """The members of an organization, and who is invited."""

    tag = "Members"

    @operation(
        Operation(
            "listOrganizationMembers",
            MEMBER_READ,
            query=(Parameter("query", "`email:`, `role:`, or text in the name or the address."), *PAGING),
            answers=list[MemberShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The members of an organization, and who is invited."""
        rows = self.organization.members.filter(invite_status=InviteStatus.APPROVED)
        page = by_id(searched(rows, search_words(request.query_params)), request.query_params)
        return self.paged(page, as_members(page.rows))


def searched(rows: QuerySet[OrganizationMember], words: list[str]) -> QuerySet[OrganizationMember]:
    """The members that each of `words` fits."""
    for word in words:
        key, _, value = word.partition(":")
        if key == "role" and value:
            rows = rows.filter(role=value)
        elif key == "email" and value:
            users = User.objects.filter(email__iexact=value)
            rows = rows.filter(Q(email__iexact=value) | Q(user_id__in=users.values("pk")))
        else:
            users = User.objects.filter(Q(name__icontains=word) | Q(email__icontains=word))
            rows = rows.filter(Q(email__icontains=word) | Q(user_id__in=users.values("pk")))
    return rows


class MemberItem(OrganizationEndpoint):
    """One member."""

    tag = "Members"

    @operation(Operation("getOrganizationMember", MEMBER_READ, answers=MemberDetails))
    def get(self, request: Request) -> Response:
        """One member, by the membership's id or `me`, with teams and roles."""
        text = self.path["member_id"]
        number = self.access.member_id if text == "me" else as_id(text)
        member = None if number is None else self.organization.members.filter(pk=number).first()
        if member is None:
            raise NotFound
        return Response(member_details(member, self.access))
