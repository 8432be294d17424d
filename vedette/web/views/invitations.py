"""Accepting an invitation: who has an account signs in and joins, who has none makes one there.

Links that lead nowhere are counted like failed sign-ins, so that nobody can try them out. Looking at the page uses
nothing up. Source: the API specification, section 12.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from vedette.accounts.signin_limits import Attempt, client_address
from vedette.accounts.users import find_user
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs.invitations import Invitation, InvitationIsOver, accept_as_new, find
from vedette.orgs.invitations import accept as take
from vedette.orgs.models import OrganizationMember
from vedette.orgs.roles import role
from vedette.web.doors import public_page, signed_in
from vedette.web.memberforms import AcceptForm
from vedette.web.rendering import done, failed, page
from vedette.web.secondstep import enter

_BACKEND = "vedette.accounts.backends.UsernameOrEmailBackend"
_OVER = 410
_TOO_MANY = "Too many attempts. Wait a quarter of an hour, then try again."


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation."""
    attempt = Attempt(client_address(request), token, "invitation")
    if attempt.is_refused():
        return page(request, "web/accept.html", {"over": _TOO_MANY}, status=429)
    try:
        found = find(token, request.GET.get("proof", ""), clock.now())
        return _join(request, found) if request.user.is_authenticated else _make_account(request, found)
    except InvitationIsOver as over:
        attempt.failed()
        return page(request, "web/accept.html", {"over": str(over)}, status=_OVER)


def _join(request: HttpRequest, found: Invitation) -> HttpResponse:
    """For whoever is signed in: one button."""
    user, organization = signed_in(request), found.organization
    target = reverse("web:stream", args=[organization.slug])
    if request.method == "POST":
        try:
            take(found, user, clock.now(), ip_address=client_address(request) or None)
        except InvitationIsOver:
            raise
        except RuleBroken as broken:
            return failed(request, str(broken), target)
        return done(request, f"Welcome to {organization.name}.", target)
    is_member = OrganizationMember.objects.filter(organization=organization, user_id=user.pk).exists()
    is_other = (found.member.email or "").lower() not in (user.email.lower(), user.username.lower())
    return page(request, "web/accept.html", _context(found) | {"is_member": is_member, "is_other": is_other})


def _make_account(request: HttpRequest, found: Invitation) -> HttpResponse:
    """For everybody else: sign in, or a name and a password, which sign in."""
    address = found.member.email or ""
    sign_in = f"{reverse('web:login')}?{urlencode({'next': request.get_full_path()})}"
    context = _context(found) | {"sign_in": sign_in}
    if not address or find_user(address) is not None:
        return page(request, "web/accept.html", context | {"form": None, "has_account": bool(address)})
    form = AcceptForm(request.POST or None, email=address)
    if request.method == "POST" and form.is_valid():
        wish = form.cleaned_data
        ip_address = client_address(request) or None
        try:
            user = accept_as_new(found, wish["name"], wish["password"], clock.now(), ip_address=ip_address)
        except InvitationIsOver:
            raise
        except RuleBroken:  # an account of this address was made at this very moment
            return page(request, "web/accept.html", context | {"form": None, "has_account": True}, status=400)
        target = reverse("web:stream", args=[found.organization.slug])
        return enter(request, user, backend=_BACKEND, name=user.username, target=target)
    return page(request, "web/accept.html", context | {"form": form}, status=400 if form.errors else 200)


def _context(found: Invitation) -> dict[str, object]:
    return {
        "joining": found.organization,
        "inviter": found.inviter,
        "email": found.member.email or "",
        "role": role(found.member.role),
    }
