"""Members of an organization, and invitations to it."""

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import User
from vedette.api.bodies import Wish, read
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import search_words
from vedette.api.operations import (
    MEMBER_INVITE,
    MEMBER_READ,
    MEMBER_REMOVE,
    PAGING,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_id
from vedette.api.shapes.members import MemberDetails, MemberShape, as_members, member_details
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.orgs.access import Access
from vedette.orgs.invitations import invite, repeat
from vedette.orgs.invitelinks import url_of
from vedette.orgs.members import change_member, remove_member, roles_to_give
from vedette.orgs.models import InviteStatus, OrganizationMember
from vedette.orgs.places import Place, places_among


class TeamRoleWish(Wish):
    """A place in a team."""

    teamSlug = serializers.CharField(max_length=50)
    role = serializers.CharField(required=False, max_length=32, allow_blank=True)


class MemberChanges(Wish):
    """A member's role and teams; what is absent stays. `role` and `teams` are older names.

    `reinvite` sends an invitation again; with `regenerate` under a new link, which ends the one before.
    """

    orgRole = serializers.CharField(required=False, max_length=32)
    role = serializers.CharField(required=False, max_length=32)
    teamRoles = TeamRoleWish(many=True, required=False)
    teams = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    reinvite = serializers.BooleanField(required=False)
    regenerate = serializers.BooleanField(required=False)


class NewMember(Wish):
    """Somebody to invite. `role` and `teams` are older names of `orgRole` and `teamRoles`.

    Without a role it is the organization's `defaultRole`, or the highest that the caller may give. `sendInvite: false`
    sends no mail. `reinvite` sends an invitation again that is there already.
    """

    email = serializers.CharField(max_length=254)
    orgRole = serializers.CharField(required=False, max_length=32)
    role = serializers.CharField(required=False, max_length=32)
    teamRoles = TeamRoleWish(many=True, required=False)
    teams = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    sendInvite = serializers.BooleanField(required=False)
    reinvite = serializers.BooleanField(required=False)


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

    @operation(
        Operation(
            "createOrganizationMember",
            MEMBER_INVITE,
            takes=NewMember,
            answers=MemberDetails,
            statuses=(201,),
            fails=(429,),
        )
    )
    def post(self, request: Request) -> Response:
        """Invite somebody by an e-mail address.

        `invite_link` of the answer is the link to follow; it is told when it is made, and never again. Nobody gives a
        role above their own.
        """
        wish = read(NewMember, request.data)
        now, send = clock.now(), wish.get("sendInvite", True)
        known = self._waiting(wish["email"]) if wish.get("reinvite") else None
        if known is not None:
            link = sent_again(self.access, known, renew=False, send=send, ip_address=self.address)
            member = known
        else:
            member = invite(
                self.access,
                wish["email"],
                role_of(wish) or default_role(self.access),
                places_of(self.access, wish) or [],
                now,
                send=send,
                ip_address=self.address,
            )
            link = url_of(member)
        return Response(member_details(member, self.access, invite_link=link), status=201)

    def _waiting(self, email: str) -> OrganizationMember | None:
        waiting = self.organization.members.filter(user_id__isnull=True, invite_status=InviteStatus.APPROVED)
        return waiting.filter(email__iexact=email.strip()).first()


def role_of(wish: dict[str, Any]) -> str | None:
    """The role that a body names, if any."""
    return wish.get("orgRole") or wish.get("role") or None


def places_of(access: Access, wish: dict[str, Any]) -> list[Place] | None:
    """The places in teams that a body names; None if it speaks of none. Raises `RuleBroken`."""
    if "teamRoles" in wish:
        return places_among(access, [(one["teamSlug"], one.get("role")) for one in wish["teamRoles"]])
    return places_among(access, [(slug, None) for slug in wish["teams"]]) if "teams" in wish else None


def default_role(access: Access) -> str:
    """The organization's role of new members, or the highest that the caller may give."""
    allowed = [one.id for one in roles_to_give(access)]
    wanted = access.organization.default_role
    return wanted if wanted in allowed or not allowed else allowed[-1]


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
        return Response(member_details(member_named(self.access, self.path["member_id"]), self.access))

    @operation(
        Operation("updateOrganizationMember", MEMBER_INVITE, takes=MemberChanges, answers=MemberDetails, fails=(429,))
    )
    def put(self, request: Request) -> Response:
        """Change a member's role and teams, or send an invitation again.

        Role and teams need member:write or member:admin. Nobody gives a role above their own, or changes somebody who
        stands above them. `invite_link` is told when it is made anew: on `regenerate`, or where the old one was over.
        """
        wish = read(MemberChanges, request.data)
        member = member_named(self.access, self.path["member_id"])
        role, places = role_of(wish), places_of(self.access, wish)
        if role is not None or places is not None:
            change_member(self.access, member, role_name=role, places=places, ip_address=self.address)
        link = None
        if wish.get("reinvite") or wish.get("regenerate"):
            if member.user_id is not None:
                raise RuleBroken("This invitation has been accepted already.")
            renew, send = bool(wish.get("regenerate")), bool(wish.get("reinvite", True))
            link = sent_again(self.access, member, renew=renew, send=send, ip_address=self.address)
        return Response(member_details(member_named(self.access, str(member.pk)), self.access, invite_link=link))

    @operation(Operation("deleteOrganizationMember", MEMBER_REMOVE, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Remove a member, withdraw an invitation, or leave (`me`).

        Others than oneself need member:write or member:admin. An organization keeps its last owner.
        """
        remove_member(self.access, member_named(self.access, self.path["member_id"]), ip_address=self.address)
        return Response(status=204)


def sent_again(
    access: Access, member: OrganizationMember, *, renew: bool, send: bool, ip_address: str | None
) -> str | None:
    """Send an invitation again; the link if a new one was made, which is told this once."""
    sent = repeat(access, member, clock.now(), renew=renew, send=send, ip_address=ip_address)
    return url_of(sent) if sent.token != member.token else None


def member_named(access: Access, text: str) -> OrganizationMember:
    """The member or invitation with this id, or the caller (`me`). Raises `NotFound`."""
    number = access.member_id if text == "me" else as_id(text)
    members = access.organization.members.filter(invite_status=InviteStatus.APPROVED)
    member = None if number is None else members.filter(pk=number).first()
    if member is None:
        raise NotFound
    return member
