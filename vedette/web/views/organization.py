"""An organization's own pages: who belongs to it, and its tokens."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from vedette.accounts.claims import is_waiting
from vedette.accounts.models import User
from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import InviteStatus, OrganizationMember, OrgAuthToken
from vedette.orgs.roles import role
from vedette.orgs.tokens import create_org_token
from vedette.web.doors import organization_page
from vedette.web.forms import OrganizationTokenForm
from vedette.web.rendering import done, page

_MOST_MEMBERS = 500


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One line of the members' list. `name` is empty for an invitation, and there is no `user`."""

    pk: int
    user: User | None
    name: str
    email: str
    role: str
    added_at: datetime
    is_active: bool
    is_invited: bool
    is_unclaimed: bool


@require_GET
@organization_page()
def home(request: HttpRequest, access: Access) -> HttpResponse:
    """`/organizations/<slug>/`."""
    return redirect("web:stream", access.organization.slug)


@require_GET
@organization_page("member:read", "member:write", "member:admin")
def members(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody in the organization, the most powerful first."""
    rows = list(
        OrganizationMember.objects.filter(
            organization=access.organization, invite_status=InviteStatus.APPROVED
        ).order_by("id")[:_MOST_MEMBERS]
    )
    users = User.objects.in_bulk([row.user_id for row in rows if row.user_id])
    shown = [_member_row(row, users.get(row.user_id or 0)) for row in rows]
    return page(
        request, "web/members.html", {"members": shown, "may_send": access.has_any("member:write", "member:admin")}
    )


def _member_row(row: OrganizationMember, user: User | None) -> MemberRow:
    return MemberRow(
        pk=row.pk,
        user=user,
        name=user.display_name if user else "",
        email=(user.email if user else row.email) or "",
        role=role(row.role).name,
        added_at=row.date_added,
        is_active=user is None or user.is_active,
        is_invited=user is None,
        is_unclaimed=user is not None and is_waiting(user),
    )


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
