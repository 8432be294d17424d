"""An organization's own pages: a new one, its front door, and its tokens."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import OrgAuthToken
from vedette.orgs.services import create_organization, may_create_organizations
from vedette.orgs.tokens import create_org_token
from vedette.web.doors import organization_page, signed_in, signed_in_page
from vedette.web.forms import OrganizationTokenForm
from vedette.web.memberforms import NewOrganizationForm
from vedette.web.rendering import done, page


@require_GET
@organization_page()
def home(request: HttpRequest, access: Access) -> HttpResponse:
    """`/organizations/<slug>/`."""
    return redirect("web:stream", access.organization.slug)


@require_http_methods(["GET", "POST"])
@signed_in_page
def new_organization(request: HttpRequest) -> HttpResponse:
    """Make an organization and own it, for those who may on this server."""
    user = signed_in(request)
    if not may_create_organizations(user):
        raise PermissionDenied
    form = NewOrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wish = form.cleaned_data
        try:
            made = create_organization(wish["name"], wish["slug"], user, ip_address=client_address(request) or None)
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return redirect("web:new_project", made.slug)
    return page(request, "web/organization_new.html", {"form": form}, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@organization_page("org:write", "org:admin")
def tokens(request: HttpRequest, access: Access) -> HttpResponse:
    """List the organization's tokens, and make one; its text is shown in the answer to this one request only."""
    form = OrganizationTokenForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        row, text = create_org_token(access.organization, settings.VEDETTE.url, name=name, by=access.user)
        _record(request, access, AuditEvent.ORG_AUTH_TOKEN_CREATE, row.pk, name)
        form = OrganizationTokenForm()
    rows = OrgAuthToken.objects.filter(organization_id=access.organization.pk, date_deactivated__isnull=True)
    context = {"form": form, "tokens": rows.order_by("-date_added", "-id"), "text": text}
    return page(request, "web/organization_tokens.html", context, status=400 if form.errors else 200)


@require_POST
@organization_page("org:write", "org:admin")
def revoke_token(request: HttpRequest, access: Access, token_id: int) -> HttpResponse:
    """Deactivate a token. It stays in the table, so that its hash is never given out again."""
    mine = OrgAuthToken.objects.filter(
        pk=token_id, organization_id=access.organization.pk, date_deactivated__isnull=True
    )
    name = mine.values_list("name", flat=True).first()
    if not mine.update(date_deactivated=clock.now()):
        raise Http404
    _record(request, access, AuditEvent.ORG_AUTH_TOKEN_REMOVE, token_id, name or "")
    return done(request, "The token is revoked.", reverse("web:organization_tokens", args=[access.organization.slug]))


def _record(request: HttpRequest, access: Access, event: AuditEvent, token_id: int, name: str) -> None:
    address = client_address(request) or None
    record(event, access.organization, by=access.user, target=token_id, data={"name": name}, ip_address=address)
