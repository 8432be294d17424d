"""What is kept and what is deleted: the retention of an organization, storms, discarded issues, and the ways to delete
an issue, a project or an organization."""

from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.issues.deletion import give_up, let_in_again
from vedette.issues.lookup import find_group
from vedette.issues.models import GroupTombstone
from vedette.orgs import options as org_options
from vedette.orgs.access import Access
from vedette.orgs.changes import change_organization
from vedette.orgs.changes import schedule_deletion as give_organization_up
from vedette.projects.access import may
from vedette.projects.changes import change_project
from vedette.projects.changes import schedule_deletion as give_project_up
from vedette.projects.models import Project
from vedette.projects.options import options_of
from vedette.web.doors import organization_page
from vedette.web.keepingforms import ConfirmForm, OrganizationKeepingForm, ProjectKeepingForm
from vedette.web.reaching import READ, WRITE, project_in, writable_project
from vedette.web.rendering import done, page
from vedette.web.settingpages import options_page

OWNER = ("org:write", "org:admin")
DELETER = ("event:admin",)
MOST_TOMBSTONES = 200


@require_http_methods(["GET", "POST"])
@organization_page(*OWNER)
def organization_keeping(request: HttpRequest, access: Access) -> HttpResponse:
    """For how long the organization keeps things, and its end."""
    if not access.has_any(*OWNER):  # held in a team only
        raise Http404
    values = org_options.options_of([access.organization.pk])[access.organization.pk]
    change = partial(change_organization, access.organization, by=access.user, ip_address=client_address(request))
    form = options_page(request, OrganizationKeepingForm, values, change, "That is saved.")
    if isinstance(form, HttpResponse):
        return form
    return _organization_page(request, access, form, ConfirmForm(expected=access.organization.slug))


@require_POST
@organization_page("org:admin")
def delete_organization(request: HttpRequest, access: Access) -> HttpResponse:
    """Give the organization up, for whoever types its slug."""
    if not access.has_any("org:admin"):
        raise PermissionDenied
    confirm = ConfirmForm(request.POST, expected=access.organization.slug)
    if not confirm.is_valid():
        values = org_options.options_of([access.organization.pk])[access.organization.pk]
        return _organization_page(request, access, OrganizationKeepingForm(values=values), confirm)
    give_organization_up(access.organization, by=access.user, ip_address=client_address(request))
    return done(request, f"{access.organization.name} is gone; its data is being deleted.", reverse("web:landing"))


def _organization_page(
    request: HttpRequest, access: Access, form: OrganizationKeepingForm, confirm: ConfirmForm
) -> HttpResponse:
    context = {"form": form, "confirm": confirm, "server": settings.VEDETTE, "may_end": access.has_any("org:admin")}
    return page(request, "web/organization_keeping.html", context, status=400 if form.errors or confirm.errors else 200)


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def project_keeping(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Storms, discarded issues, and the end of a project."""
    found = writable_project(access, slug) if request.method == "POST" else project_in(access, slug)
    change = partial(change_project, found, by=access.user, ip_address=client_address(request))
    form = options_page(request, ProjectKeepingForm, options_of([found.pk])[found.pk], change, "That is saved.")
    if isinstance(form, HttpResponse):
        return form
    return _project_page(request, access, found, form, ConfirmForm(expected=found.slug))


@require_POST
@organization_page("project:admin")
def delete_project(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Give a project up, for whoever types its slug."""
    found = project_in(access, slug)
    if not may(access, found, "project:admin"):
        raise PermissionDenied
    confirm = ConfirmForm(request.POST, expected=found.slug)
    if not confirm.is_valid():
        form = ProjectKeepingForm(values=options_of([found.pk])[found.pk])
        return _project_page(request, access, found, form, confirm)
    name = found.name
    give_project_up(found, by=access.user, ip_address=client_address(request))
    address = reverse("web:projects", args=[access.organization.slug])
    return done(request, f"{name} is gone; its data is being deleted.", address)


def _project_page(
    request: HttpRequest, access: Access, found: Project, form: ProjectKeepingForm, confirm: ConfirmForm
) -> HttpResponse:
    shared = org_options.options_of([access.organization.pk])[access.organization.pk]["stormEventsPerMinute"]
    context: dict[str, Any] = {
        "project": found,
        "form": form,
        "confirm": confirm,
        "usual": settings.VEDETTE.storm_events_per_minute if shared is None else shared,
        "tombstones": GroupTombstone.objects.filter(project=found).order_by("-pk")[:MOST_TOMBSTONES],
        "may_write": may(access, found, *WRITE),
        "may_delete": may(access, found, *DELETER),
        "may_end": may(access, found, "project:admin"),
    }
    return page(request, "web/project_keeping.html", context, status=400 if form.errors or confirm.errors else 200)


@require_POST
@organization_page(*DELETER)
def remove_tombstone(request: HttpRequest, access: Access, slug: str, tombstone_id: int) -> HttpResponse:
    """Let the events of a discarded issue in again."""
    found = project_in(access, slug)
    if not may(access, found, *DELETER):
        raise PermissionDenied
    rows = GroupTombstone.objects.filter(project=found, pk=tombstone_id).select_related("project__organization")
    tombstone = rows.first()
    if tombstone is None or not let_in_again(tombstone, access.user, ip_address=client_address(request)):
        raise Http404
    address = reverse("web:project_keeping", args=[access.organization.slug, found.slug]) + "#discarded"
    return done(request, "Its events are let in again; the next one makes a new issue.", address)


@require_POST
@organization_page(*DELETER)
def delete_issue(request: HttpRequest, access: Access, issue_id: str) -> HttpResponse:
    """Delete an issue; with `do=discard` what leads to it from now on is dropped as well."""
    group = find_group(access, issue_id)
    verb = request.POST.get("do")
    if group is None or verb not in ("delete", "discard"):
        raise Http404
    if not may(access, group.project, *DELETER):
        raise PermissionDenied
    name = group.qualified_short_id
    give_up([group], access.user, discard=verb == "discard", ip_address=client_address(request))
    sentence = (
        f"{name} is deleted." if verb == "delete" else f"{name} is deleted, and its events are dropped from now on."
    )
    return done(request, sentence, reverse("web:stream", args=[access.organization.slug]))
