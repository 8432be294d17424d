"""Rendering: what every page knows, and the answer in the form that was asked for."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from vedette.accounts.models import User
from vedette.orgs.access import Access
from vedette.orgs.models import InviteStatus, Organization, OrganizationMember, OrganizationStatus


def page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page. Inside an organization the template gets it as `organization`, and the caller's rights as `access`."""
    access: Access | None = getattr(request, "organization_access", None)
    own: dict[str, Any] = {"access": access, "organization": access.organization if access else None}
    return render(request, template, own | (context or {}), status=status)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def back_to(request: HttpRequest, fallback: str) -> str:
    """Where the form came from (`next`), if that is a page of this server."""
    wish = request.POST.get("next") or request.GET.get("next") or ""
    own_host = url_has_allowed_host_and_scheme(wish, {request.get_host()}, require_https=request.is_secure())
    return wish if wish and own_host else fallback


def done(request: HttpRequest, sentence: str, url: str) -> HttpResponse:
    """Go to `url` and say there what was done."""
    messages.success(request, sentence)
    return redirect(url)


def failed(request: HttpRequest, sentence: str, url: str) -> HttpResponse:
    """Go to `url` and say there why nothing was done."""
    messages.error(request, sentence)
    return redirect(url)


def organizations_of(user: User) -> list[Organization]:
    """The active organizations that a user belongs to, by name; all of them for a superuser."""
    active = Organization.objects.filter(status=OrganizationStatus.ACTIVE).order_by("name", "id")
    if user.is_superuser:
        return list(active[:100])
    memberships = OrganizationMember.objects.filter(user_id=user.pk, invite_status=InviteStatus.APPROVED)
    return list(active.filter(pk__in=memberships.values("organization_id"))[:100])


def home_of(user: User) -> Organization | None:
    """The organization whose navigation stays in sight on pages that belong to none."""
    return next(iter(organizations_of(user)), None)
