"""The teams of an organization: the list, a new one, one with its members and projects, its end."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.orgs import places
from vedette.orgs.access import Access, reachable_teams
from vedette.orgs.changes import change_team
from vedette.orgs.models import InviteStatus, OrganizationMember, Team
from vedette.orgs.teams import MAKE, make_team
from vedette.orgs.teams import delete_team as delete
from vedette.projects.access import may, reachable_projects
from vedette.projects.models import Project
from vedette.projects.teams import add_team, remove_team
from vedette.web.doors import organization_page
from vedette.web.keepingforms import ConfirmForm
from vedette.web.memberforms import TeamForm
from vedette.web.memberspage import MOST_CHOICES, others_for, team_member_rows, team_rows
from vedette.web.rendering import back_to, done, failed, page

READ = ("team:read", "team:write", "team:admin")
WRITE = ("team:write", "team:admin")
PROJECT_WRITE = ("project:write", "project:admin")
_GONE = "They are not there any more."


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def teams(request: HttpRequest, access: Access) -> HttpResponse:
    """The teams that the visitor sees, and a new one for those who may make it."""
    may_make = access.has_any(*MAKE)
    form = TeamForm(request.POST or None)
    if request.method == "POST":
        if not may_make:
            raise PermissionDenied
        if form.is_valid():
            wish = form.cleaned_data
            try:
                made = make_team(access, wish["name"], wish["slug"], ip_address=client_address(request) or None)
            except RuleBroken as broken:
                form.blame(broken)
            else:
                return redirect("web:team", access.organization.slug, made.slug)
    context = {"teams": team_rows(access), "form": form, "may_make": may_make}
    return page(request, "web/teams.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def team(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """One team: its members and projects; and another name for it."""
    found = _team(access, slug)
    form = _rename_form(request, found)
    if request.method == "POST":
        _check(access, found, *WRITE)
        if form.is_valid():
            name, new_slug = form.cleaned_data["name"], form.cleaned_data["slug"] or None
            address = client_address(request) or None
            try:
                changed = change_team(found, name=name, slug=new_slug, by=access.user, ip_address=address)
            except RuleBroken as broken:
                form.blame(broken)
            else:
                return done(request, "That is saved." if changed else "Nothing has changed.", _url(access, found))
    return _page(request, access, found, form, ConfirmForm(expected=found.slug))


@require_POST
@organization_page(*READ)
def change_team_members(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Join or leave a team; put somebody into it, take them out, make them an admin of it."""
    found = _team(access, slug)
    verb = request.POST.get("do")
    is_own = verb in ("join", "leave")
    member = _member(access, access.member_id if is_own else as_id(request.POST.get("member", "")))
    if verb not in ("join", "leave", "add", "remove", places.ADMIN, places.LEAST):
        raise Http404
    if member is None:
        return failed(request, _GONE, _url(access, found))
    allowed = places.may_manage(access, found) or verb == "leave" or (verb == "join" and places.may_join(access, found))
    if not allowed:
        raise PermissionDenied
    address = client_address(request) or None
    if verb in ("join", "add"):
        places.join(access, member, found, ip_address=address)
    elif verb in ("leave", "remove"):
        places.leave(access, member, found, ip_address=address)
    else:
        role = places.read_team_role(verb)
        places.set_team_role(access, member, found, role, ip_address=address)
    said = {"join": f"You are in {found.slug} now.", "leave": f"You have left {found.slug}."}
    gone = verb == "leave" and not access.all_projects  # then the team is not there for them any more
    back = reverse("web:teams", args=[access.organization.slug])
    return done(request, said.get(verb, "That is saved."), back if gone else back_to(request, _url(access, found)))


@require_POST
@organization_page(*READ)
def change_team_projects(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Let a team have a project, or take it away."""
    found = _team(access, slug)
    project = reachable_projects(access).filter(pk=as_id(request.POST.get("project", "")) or 0).first()
    verb = request.POST.get("do")
    if project is None or verb not in ("add", "remove"):
        raise Http404
    if not (_gives_projects(access, found) and may(access, project, *PROJECT_WRITE)):
        raise PermissionDenied
    change = add_team if verb == "add" else remove_team
    change(project, found, by=access.user, ip_address=client_address(request) or None)
    return done(request, "That is saved.", _url(access, found))


@require_POST
@organization_page("team:admin")
def delete_team(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Delete a team, for whoever types its slug."""
    found = _team(access, slug)
    _check(access, found, "team:admin")
    confirm = ConfirmForm(request.POST, expected=found.slug)
    if not confirm.is_valid():
        return _page(request, access, found, _rename_form(None, found), confirm)
    delete(access, found, ip_address=client_address(request) or None)
    return done(request, f"The team {found.slug} is deleted.", reverse("web:teams", args=[access.organization.slug]))


def _page(request: HttpRequest, access: Access, found: Team, form: TeamForm, confirm: ConfirmForm) -> HttpResponse:
    manages = places.may_manage(access, found)
    owned = list(reachable_projects(access).filter(teams=found).order_by("slug")[:MOST_CHOICES])
    context: dict[str, Any] = {
        "team": found,
        "members": team_member_rows(found, access),
        "others": others_for(found) if manages else [],
        "projects": owned,
        "free_projects": _projects_to_give(access, found, owned),
        "gives_projects": _gives_projects(access, found),
        "manages": manages,
        "may_rename": access.has_any_for_teams(frozenset({found.pk}), *WRITE),
        "may_delete": access.has_any_for_teams(frozenset({found.pk}), "team:admin"),
        "is_in": found.pk in access.teams,
        "may_join": places.may_join(access, found),
        "form": form,
        "confirm": confirm,
    }
    return page(request, "web/team.html", context, status=400 if form.errors or confirm.errors else 200)


def _projects_to_give(access: Access, found: Team, owned: list[Project]) -> list[Project]:
    if not _gives_projects(access, found):
        return []
    others = reachable_projects(access).exclude(pk__in=[one.pk for one in owned]).order_by("slug")
    if not access.has_any(*PROJECT_WRITE):
        own = [pk for pk in access.teams if access.has_any_for_teams(frozenset({pk}), *PROJECT_WRITE)]
        others = others.filter(teams__in=own)
    return list(others.distinct()[:MOST_CHOICES])


def _gives_projects(access: Access, found: Team) -> bool:
    return access.has_any_for_teams(frozenset({found.pk}), *PROJECT_WRITE)


def _rename_form(request: HttpRequest | None, found: Team) -> TeamForm:
    sent = request.POST if request is not None and request.method == "POST" else None
    return TeamForm(sent, initial={"name": found.name, "slug": found.slug})


def _team(access: Access, slug: str) -> Team:
    found = reachable_teams(access).filter(slug=slug).first()
    if found is None:
        raise Http404
    found.organization = access.organization
    return found


def _member(access: Access, pk: int | None) -> OrganizationMember | None:
    members = OrganizationMember.objects.filter(organization=access.organization, invite_status=InviteStatus.APPROVED)
    return members.filter(pk=pk).first() if pk is not None else None


def _check(access: Access, found: Team, *scopes: str) -> None:
    if not access.has_any_for_teams(frozenset({found.pk}), *scopes):
        raise PermissionDenied


def _url(access: Access, found: Team) -> str:
    return reverse("web:team", args=[access.organization.slug, found.slug])
