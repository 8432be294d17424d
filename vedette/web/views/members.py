"""Who belongs to an organization: the list, inviting, roles and teams, removing and leaving."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access, reachable_teams
from vedette.orgs.invitations import TooMany, invite, may_repeat, repeat
from vedette.orgs.invitelinks import url_of
from vedette.orgs.members import (
    MANAGE,
    change_member,
    is_only_owner,
    may_change,
    may_remove,
    remove_member,
    roles_to_give,
)
from vedette.orgs.models import InviteStatus, OrganizationMember, OrganizationMemberTeam
from vedette.orgs.places import ADMIN, LEAST, MOST_TEAMS
from vedette.orgs.roles import team_role
from vedette.web.doors import organization_page
from vedette.web.filters import page_number
from vedette.web.memberforms import InviteForm, MemberForm
from vedette.web.memberspage import MOST_INVITATIONS, PER_PAGE, member_rows
from vedette.web.rendering import done, failed, page

READ = ("member:read", "member:write", "member:admin")


@never_cache
@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def members(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody in the organization; and inviting, whose link is shown in the answer to this one request only."""
    form, link, status = _invite_form(request, access), "", 200
    if request.method == "POST":
        if form is None:
            return failed(request, "You may not invite anybody.", _list_url(access))
        invited, status = _invite(request, access, form)
        if invited is not None:
            link, form = url_of(invited), _invite_form(request, access, fresh=True)
    return _members_page(request, access, {"form": form, "link": link}, status)


def _invite_form(request: HttpRequest, access: Access, *, fresh: bool = False) -> InviteForm | None:
    """None for who may not invite."""
    roles = roles_to_give(access)
    if not roles:
        return None
    usual = access.organization.default_role
    usual = usual if usual in {one.id for one in roles} else roles[-1].id
    teams = list(reachable_teams(access).order_by("slug")[:MOST_TEAMS])
    return InviteForm(None if fresh else request.POST or None, roles=roles, teams=teams, usual=usual)


def _invite(request: HttpRequest, access: Access, form: InviteForm) -> tuple[OrganizationMember | None, int]:
    if not form.is_valid():
        return None, 400
    wish = form.cleaned_data
    try:
        invited = invite(
            access, wish["email"], wish["role"], form.places, clock.now(), ip_address=client_address(request) or None
        )
    except TooMany as many:
        form.add_error(None, str(many))
        return None, many.status
    except RuleBroken as broken:
        form.blame(broken)
        return None, 400
    return invited, 200


def _members_page(request: HttpRequest, access: Access, context: dict[str, Any], status: int = 200) -> HttpResponse:
    rows = OrganizationMember.objects.filter(organization=access.organization, invite_status=InviteStatus.APPROVED)
    number, now = page_number(request.GET), clock.now()
    first = (number - 1) * PER_PAGE
    found = list(rows.filter(user_id__isnull=False).order_by("id")[first : first + PER_PAGE + 1])
    waiting = list(rows.filter(user_id__isnull=True).order_by("-id")[:MOST_INVITATIONS])
    own = {
        "members": member_rows(found[:PER_PAGE], access, now),
        "number": number,
        "has_next": len(found) > PER_PAGE,
        "invitations": [
            (row, may_repeat(access, one), may_remove(access, one))
            for row, one in zip(member_rows(waiting, access, now), waiting, strict=True)
        ],
        "may_send": access.has_any(*MANAGE),
        "sends_mail": settings.VEDETTE.sends_mail,
    }
    return page(request, "web/members.html", own | context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def member(request: HttpRequest, access: Access, member_id: int) -> HttpResponse:
    """One member or invitation: role and teams, and the way out."""
    found = _member(access, member_id)
    form = _member_form(request, access, found) if may_change(access, found) else None
    if request.method == "POST":
        if form is None:
            return failed(request, "You may not change this member.", _list_url(access))
        if form.is_valid() and (answer := _change(request, access, found, form)):
            return answer
    return _member_page(request, access, found, {"form": form}, 400 if form and form.errors else 200)


def _change(request: HttpRequest, access: Access, found: OrganizationMember, form: MemberForm) -> HttpResponse | None:
    try:
        changed = change_member(
            access,
            found,
            role_name=form.cleaned_data["role"],
            places=form.places if form.teams else None,
            ip_address=client_address(request) or None,
        )
    except RuleBroken as broken:
        for sentences in broken.errors.values():
            form.add_error(None, sentences[0])
        return None
    back = reverse("web:member", args=[access.organization.slug, found.pk])
    return done(request, "That is saved." if changed else "Nothing has changed.", back)


def _member_form(request: HttpRequest, access: Access, found: OrganizationMember) -> MemberForm:
    """The form; without teams where there are more than one form holds."""
    teams = list(reachable_teams(access).order_by("slug")[: MOST_TEAMS + 1])
    stands = dict(
        OrganizationMemberTeam.objects.filter(organizationmember=found, is_active=True).values_list("team_id", "role")
    )
    shown = [] if len(teams) > MOST_TEAMS else teams
    standing = [(team, "" if team.pk not in stands else ADMIN if stands[team.pk] == ADMIN else LEAST) for team in shown]
    return MemberForm(request.POST or None, roles=roles_to_give(access), present=found.role, teams=standing)


def _member_page(
    request: HttpRequest, access: Access, found: OrganizationMember, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    own = {
        "row": member_rows([found], access, clock.now())[0],
        "may_remove": may_remove(access, found),
        "may_repeat": found.user_id is None and may_repeat(access, found),
        "is_only_owner": is_only_owner(found),
        "least": team_role(None, found.role).name,
        "link": "",
        "sends_mail": settings.VEDETTE.sends_mail,
    }
    return page(request, "web/member.html", own | context, status=status)


@require_POST
@organization_page(*READ)
def remove(request: HttpRequest, access: Access, member_id: int) -> HttpResponse:
    """Remove a member, withdraw an invitation, or leave."""
    found = _member(access, member_id)
    row = member_rows([found], access, clock.now())[0]
    try:
        remove_member(access, found, ip_address=client_address(request) or None)
    except RuleBroken as broken:
        return failed(request, _sentence(broken), _list_url(access))
    if row.is_self:
        return done(request, f"You have left {access.organization.name}.", reverse("web:landing"))
    said = f"{row.name} is removed." if row.user else f"The invitation of {row.name} is withdrawn."
    return done(request, said, _list_url(access))


@never_cache
@require_POST
@organization_page(*READ)
def invitation(request: HttpRequest, access: Access, member_id: int) -> HttpResponse:
    """Send an invitation again (`send`), or under a new link (`renew`); a new one is shown in the answer only."""
    found = _member(access, member_id)
    verb = request.POST.get("do")
    if verb not in ("send", "renew"):
        raise Http404
    if verb == "send" and not settings.VEDETTE.sends_mail:
        return failed(request, "This server sends no mail: make a new link, and give it to them.", _list_url(access))
    try:
        sent = repeat(access, found, clock.now(), renew=verb == "renew", ip_address=client_address(request) or None)
    except (RuleBroken, TooMany) as refused:
        sentence = _sentence(refused) if isinstance(refused, RuleBroken) else str(refused)
        return failed(request, sentence, _list_url(access))
    if sent.token == found.token:
        return done(request, "The mail is on its way.", _list_url(access))
    form = _member_form(request, access, sent) if may_change(access, sent) else None
    if form is not None:
        form.is_bound = False
    return _member_page(request, access, sent, {"form": form, "link": url_of(sent)})


def _member(access: Access, member_id: int) -> OrganizationMember:
    members = OrganizationMember.objects.filter(organization=access.organization, invite_status=InviteStatus.APPROVED)
    found = members.filter(pk=member_id).first()
    if found is None:
        raise Http404
    return found


def _sentence(broken: RuleBroken) -> str:
    return next(iter(broken.errors.values()))[0]


def _list_url(access: Access) -> str:
    return reverse("web:members", args=[access.organization.slug])
