"""Projects: the list, a new one, one with its keys and how to connect it."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core.errors import RuleBroken
from vedette.issues.models import VISIBLE_STATUSES, Group
from vedette.orgs.access import Access
from vedette.orgs.models import Team
from vedette.projects.access import may
from vedette.projects.models import Project, ProjectKey
from vedette.projects.services import create_key, create_project, default_key, delete_key, dsn_of, set_key_active
from vedette.web.doors import organization_page
from vedette.web.forms import KeyForm, ProjectForm
from vedette.web.projectspage import list_projects
from vedette.web.reaching import READ, WRITE, project_in, writable_project
from vedette.web.rendering import done, page
from vedette.web.snippets import snippets_for


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key with its DSN."""

    key: ProjectKey
    dsn: str


@require_GET
@organization_page(*READ)
def projects(request: HttpRequest, access: Access) -> HttpResponse:
    """Every project that the visitor reaches, with what happened in it lately."""
    listed = list_projects(access)
    return page(request, "web/projects.html", {"listed": listed, "may_create": bool(_teams(access))})


@require_http_methods(["GET", "POST"])
@organization_page(*WRITE)
def new_project(request: HttpRequest, access: Access) -> HttpResponse:
    """Make a project, in one of the visitor's teams."""
    teams = _teams(access)
    if not teams:
        raise PermissionDenied
    form = ProjectForm(request.POST or None)
    chosen = next((team for team in teams if str(team.pk) == request.POST.get("team")), teams[0])
    if request.method == "POST" and form.is_valid():
        try:
            made = create_project(
                access.organization,
                form.cleaned_data["name"],
                platform=form.cleaned_data["platform"] or None,
                team=chosen,
                by=access.user,
                ip_address=client_address(request),
            )
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return redirect("web:project", access.organization.slug, made.slug)
    context = {"form": form, "teams": teams, "chosen": chosen}
    return page(request, "web/project_new.html", context, status=400 if form.errors else 200)


@require_GET
@organization_page(*READ)
def project(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """One project: whether it reports, how to connect it, its keys."""
    found = project_in(access, slug)
    key = default_key(found)
    dsn = dsn_of(key, settings.VEDETTE.url) if key else ""
    keys = [KeyRow(one, dsn_of(one, settings.VEDETTE.url)) for one in found.keys.order_by("date_added", "id")]
    context = {
        "project": found,
        "dsn": dsn,
        "keys": keys,
        "snippets": snippets_for(dsn, found.platform) if dsn else [],
        "may_write": may(access, found, *WRITE),
        "key_form": KeyForm(),
        **_arrival(found),
    }
    return page(request, "web/project.html", context)


@require_GET
@organization_page(*READ)
def waiting(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """The fragment that waits for a project's first event."""
    found = project_in(access, slug)
    return page(request, "web/_waiting.html", {"project": found, **_arrival(found)})


@require_POST
@organization_page(*WRITE)
def add_key(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Another key for a project."""
    found = writable_project(access, slug)
    form = KeyForm(request.POST)
    if form.is_valid():
        label = form.cleaned_data["label"] or "Default"
        create_key(found, label, by=access.user, ip_address=client_address(request))
        return done(request, "The key is made.", _keys_url(access, found))
    return done(request, "The label is too long; no key was made.", _keys_url(access, found))


@require_POST
@organization_page(*WRITE)
def change_key(request: HttpRequest, access: Access, slug: str, key_id: int) -> HttpResponse:
    """Enable, disable or delete a key."""
    found = writable_project(access, slug)
    key = ProjectKey.objects.select_related("project__organization").filter(project=found, pk=key_id).first()
    verb = request.POST.get("do")
    if key is None or verb not in ("enable", "disable", "delete"):
        raise Http404
    if verb == "delete":
        delete_key(key, by=access.user, ip_address=client_address(request))
        return done(request, "The key is deleted; what still sends with it is refused.", _keys_url(access, found))
    set_key_active(key, verb == "enable", by=access.user, ip_address=client_address(request))
    return done(request, f"The key is {verb}d.", _keys_url(access, found))


def _teams(access: Access) -> list[Team]:
    """The teams that the visitor may make projects in, their own first."""
    teams = Team.objects.filter(organization=access.organization, status=0).order_by("slug")
    allowed = [team for team in teams if access.has_any_for_teams(frozenset({team.pk}), *WRITE)]
    return sorted(allowed, key=lambda team: team.pk not in access.teams)


def _arrival(found: Project) -> dict[str, object]:
    """Whether anything has arrived, and the newest issue to go to; a project may send nothing but transactions."""
    newest = Group.objects.filter(project=found, status__in=VISIBLE_STATUSES).order_by("-last_seen", "-pk").first()
    if newest:
        newest.project = found
    return {"has_arrived": newest is not None or found.has_reported, "newest": newest}


def _keys_url(access: Access, found: Project) -> str:
    return reverse("web:project", args=[access.organization.slug, found.slug]) + "#keys"
