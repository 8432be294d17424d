"""Claiming an account that came from another server: the link of a mail, and asking for another one.

Nobody learns here which accounts exist: a link that never was one looks like one that is over, and every request for a
mail is answered alike. Source: the relocation specification, 4.8.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts import claims
from vedette.accounts.models import User
from vedette.accounts.signin_limits import Attempt, client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.mail.claims import send_claims
from vedette.orgs.access import Access
from vedette.orgs.models import InviteStatus, OrganizationMember
from vedette.web.doors import organization_page, public_page
from vedette.web.forms import AskClaimForm, ClaimForm
from vedette.web.rendering import done, failed, page
from vedette.web.secondstep import enter

_BACKEND = "vedette.accounts.backends.UsernameOrEmailBackend"
_OVER = 410


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def claim(request: HttpRequest, user_id: str, code: str) -> HttpResponse:
    """Choose a password, and a name if wanted; this signs in, after the code of an app if there is one.

    Looking at the page uses nothing up.
    """
    now = clock.now()
    user = claims.find_unclaimed(as_id(user_id) or 0, code, now)
    if user is None:
        return page(request, "web/claim.html", {"form": None}, status=_OVER)
    form = ClaimForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        wish = form.cleaned_data
        try:
            user = claims.claim(user.pk, code, wish["username"], wish["password"], now)
        except claims.LinkIsOver:
            return page(request, "web/claim.html", {"form": None}, status=_OVER)
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return enter(request, user, backend=_BACKEND, name=user.username, target=reverse("web:landing"))
    context = {"form": form, "account": user}
    return page(request, "web/claim.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def ask_claim(request: HttpRequest) -> HttpResponse:
    """Ask for a mail with a link. The answer is the same, and takes as long, whoever exists."""
    form = AskClaimForm(request.POST or None)
    context = {"form": form, "sends_mail": settings.VEDETTE.sends_mail, "asked": False, "wrong": ""}
    if request.method != "POST" or not form.is_valid():
        return page(request, "web/ask_claim.html", context, status=400 if form.errors else 200)
    attempt = Attempt(client_address(request), form.cleaned_data["username"], "ask-claim")
    if attempt.is_refused():
        context["wrong"] = "Too many requests. Wait a quarter of an hour, then try again."
        return page(request, "web/ask_claim.html", context, status=429)
    attempt.failed()
    User().set_password("")  # far longer than writing a mail down takes, so that nobody can measure that
    send_claims(claims.unclaimed_named(form.cleaned_data["username"]), clock.now())
    return page(request, "web/ask_claim.html", {**context, "asked": True})


@require_POST
@organization_page("member:write", "member:admin")
def send_claim(request: HttpRequest, access: Access, member_id: int) -> HttpResponse:
    """Send a member of this organization the mail again. The link itself is shown to nobody but its reader."""
    member = OrganizationMember.objects.filter(
        pk=member_id, organization=access.organization, invite_status=InviteStatus.APPROVED
    ).first()
    if member is None or member.user_id is None:
        raise Http404
    back = reverse("web:members", args=[access.organization.slug])
    if send_claims([member.user_id], clock.now()):
        return done(request, "The mail is on its way.", back)
    if not settings.VEDETTE.sends_mail:
        return failed(
            request, "This server sends no mail: whoever runs it can make a link (vedette claims link).", back
        )
    return failed(request, "Nothing is sent: the account is claimed, has no address, or was written to just now.", back)
