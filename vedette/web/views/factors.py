"""A person's authenticator app and recovery codes: setting up, making codes anew, removing.

Recovery codes are shown in the answer to the one request that made them, and kept as hashes.
"""

from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from vedette.accounts import factors, recovery
from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.mail.security import News, tell
from vedette.web.accountforms import PasswordAgainForm, SetUpAppForm
from vedette.web.doors import signed_in, signed_in_page
from vedette.web.passwordcheck import PasswordCheck
from vedette.web.qr import qr_address
from vedette.web.rendering import done, failed, home_of, page

_KEY = "app_secret"  # of an app that is being set up; until a code of it comes, nothing asks for it


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@signed_in_page
def security(request: HttpRequest) -> HttpResponse:
    """What there is; make recovery codes anew, or remove the app: `part` says which form was sent."""
    user, check = signed_in(request), PasswordCheck(request)
    part = request.POST.get("part", "")
    renewal = PasswordAgainForm(request.POST if part == "codes" else None, check=check, auto_id="codes_%s")
    removal = PasswordAgainForm(request.POST if part == "app" else None, check=check, auto_id="app_%s")
    if part == "codes" and renewal.is_valid():
        try:
            with transaction.atomic():
                codes = factors.renew_recovery(user, clock.now())
                tell(user, News.CODES_MADE, clock.now(), address=client_address(request))
        except RuleBroken as broken:
            return failed(request, str(broken), reverse("web:security"))
        return _shown(request, codes)
    if part == "app" and removal.is_valid():
        with transaction.atomic():
            if factors.remove(user):
                tell(user, News.APP_REMOVED, clock.now(), address=client_address(request))
        return done(request, "Your authenticator app is removed, and its recovery codes.", reverse("web:security"))
    context = {
        "factor": factors.factor_of(user),
        "left": recovery.left_of(user),
        "renewal": renewal,
        "removal": removal,
        "organization": home_of(user),
    }
    return page(request, "web/security.html", context, status=check.status if renewal.errors or removal.errors else 200)


@sensitive_post_parameters("password", "code")
@never_cache
@require_http_methods(["GET", "POST"])
@signed_in_page
def set_up_app(request: HttpRequest) -> HttpResponse:
    """Show the secret of an app, and ask for its codes from now on once one came back. Every other sign-in ends."""
    user, check = signed_in(request), PasswordCheck(request)
    if factors.factor_of(user):
        return failed(request, "You have an authenticator app. Remove it first.", reverse("web:security"))
    secret: str = request.session.get(_KEY, "")
    if request.method == "POST" and not secret:
        return failed(request, "This page was open for too long. Scan the new code.", reverse("web:set_up_app"))
    form = SetUpAppForm(request.POST or None, check=check)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                codes = factors.set_up(user, secret, form.cleaned_data["code"], clock.now())
                tell(user, News.APP_ADDED, clock.now(), address=client_address(request))
        except RuleBroken as broken:
            form.blame(broken)
        else:
            del request.session[_KEY]
            update_session_auth_hash(request, user)
            return _shown(request, codes, is_new=True)
    if not secret:
        secret = request.session[_KEY] = factors.new_secret()
    address = factors.app_address(secret, user.username, urlsplit(settings.VEDETTE.url).hostname or "")
    context = {
        "form": form,
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "address": address,
        "picture": qr_address(address),
        "organization": home_of(user),
    }
    return page(request, "web/set_up_app.html", context, status=check.status if form.errors else 200)


def _shown(request: HttpRequest, codes: list[str], *, is_new: bool = False) -> HttpResponse:
    """The page with the codes, and the same as a file: its address holds it, so that nobody is asked for it again."""
    user = signed_in(request)
    head = f"Recovery codes of {user.username} for {settings.VEDETTE.url}, {clock.now():%Y-%m-%d}. Each is good once."
    text = "\n".join([head, "", *codes, ""])
    context = {
        "codes": codes,
        "file": f"data:text/plain;charset=utf-8,{quote(text)}",
        "is_new": is_new,
        "organization": home_of(user),
    }
    return page(request, "web/recovery_codes.html", context)
