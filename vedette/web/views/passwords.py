"""A forgotten password: asking for a link by mail, and choosing a new one by it.

Nobody learns here which accounts exist: every request for a mail is answered alike, and takes as long.
"""

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from vedette.accounts import passwords
from vedette.accounts.claims import LinkIsOver, unclaimed_named
from vedette.accounts.models import User
from vedette.accounts.signin_limits import Attempt, client_address
from vedette.core import clock
from vedette.core.ids import as_id
from vedette.mail.claims import send_claims
from vedette.mail.passwords import send_password_links
from vedette.mail.security import News, tell
from vedette.web.accountforms import NewPasswordForm
from vedette.web.doors import public_page
from vedette.web.forms import AskClaimForm
from vedette.web.rendering import page
from vedette.web.secondstep import enter

_BACKEND = "vedette.accounts.backends.UsernameOrEmailBackend"
_OVER = 410


@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def ask_password(request: HttpRequest) -> HttpResponse:
    """Ask for a mail with a link; an account that nobody claimed yet gets the one by which it is claimed."""
    form = AskClaimForm(request.POST or None)
    context = {"form": form, "sends_mail": settings.VEDETTE.sends_mail, "asked": False, "wrong": ""}
    if request.method != "POST" or not form.is_valid():
        return page(request, "web/ask_password.html", context, status=400 if form.errors else 200)
    name = form.cleaned_data["username"]
    attempt = Attempt(client_address(request), name, "ask-password")
    if attempt.is_refused():
        context["wrong"] = "Too many requests. Wait a quarter of an hour, then try again."
        return page(request, "web/ask_password.html", context, status=429)
    attempt.failed()
    User().set_password("")  # far longer than writing a mail down takes, so that nobody can measure that
    send_password_links(passwords.users_named(name), clock.now())
    send_claims(unclaimed_named(name), clock.now())
    return page(request, "web/ask_password.html", {**context, "asked": True})


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def choose_password(request: HttpRequest, user_id: str, code: str) -> HttpResponse:
    """Choose a new password; this signs in, after the code of an app if there is one. Looking uses nothing up."""
    now = clock.now()
    user = passwords.find_by_link(as_id(user_id) or 0, code, now)
    if user is None:
        return page(request, "web/choose_password.html", {"form": None}, status=_OVER)
    form = NewPasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                user = passwords.choose(user.pk, code, form.cleaned_data["password"], now)
                tell(user, News.PASSWORD_CHOSEN, now, address=client_address(request))
        except LinkIsOver:
            return page(request, "web/choose_password.html", {"form": None}, status=_OVER)
        return enter(request, user, backend=_BACKEND, name=user.username, target=reverse("web:landing"))
    context = {"form": form, "account": user}
    return page(request, "web/choose_password.html", context, status=400 if form.errors else 200)
