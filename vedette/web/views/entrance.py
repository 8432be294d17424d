"""The ways in: the first set-up, signing in and out, the landing page, the colour scheme."""

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from vedette.accounts import recovery
from vedette.accounts.factors import accept_code
from vedette.accounts.models import User
from vedette.accounts.signin_limits import Attempt, client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.mail.security import News, tell
from vedette.web import secondstep
from vedette.web.accountforms import RecoveryForm
from vedette.web.doors import public_page, set_up_page, signed_in, signed_in_page
from vedette.web.firstrun import set_up
from vedette.web.forms import CodeForm, SetUpForm, SignInForm
from vedette.web.passwordcheck import TOO_MANY
from vedette.web.rendering import back_to, organizations_of, page
from vedette.web.templatetags.pages import THEMES

_BACKEND = "vedette.accounts.backends.UsernameOrEmailBackend"
_YEAR = 31_536_000


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@set_up_page
def setup(request: HttpRequest) -> HttpResponse:
    """Make the owner. Of two that arrive together one becomes it, the other is asked to sign in."""
    form = SetUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wish = form.cleaned_data
        try:
            made = set_up(**wish)
        except RuleBroken as broken:
            form.blame(broken)
        else:
            if made is None:
                return redirect("web:login")
            login(request, made.owner, backend=_BACKEND)
            return redirect("web:project", made.organization.slug, made.project.slug)
    return page(request, "web/setup.html", {"form": form}, status=400 if form.errors else 200)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in. A wrong name and a wrong password look the same, and cost the same time."""
    target = back_to(request, "/")
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST or None)
    wrong, status = "", 200
    if request.method == "POST" and form.is_valid():
        attempt = Attempt(client_address(request), form.cleaned_data["username"])
        if attempt.is_refused():
            wrong, status = TOO_MANY, 429
        else:
            user = authenticate(request, **form.cleaned_data)
            if isinstance(user, User):
                return secondstep.enter(request, user, backend=_BACKEND, name=attempt.name, target=target)
            attempt.failed()
            wrong, status = "The name and the password do not fit together.", 400
    return page(request, "web/signin.html", {"form": form, "wrong": wrong, "next": target}, status=status)


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second page of signing in, for accounts with an authenticator app. Wrong codes count as failed attempts."""
    found = secondstep.waiting(request)
    if request.user.is_authenticated or found is None:
        return redirect("web:login")
    form = CodeForm(request.POST or None)
    wrong, status = "", 200
    if request.method == "POST" and form.is_valid():
        attempt = secondstep.attempt_of(request, found.user)
        if attempt.is_refused():
            wrong, status = TOO_MANY, 429
        elif accept_code(found.user, form.cleaned_data["code"], clock.now()):
            return secondstep.let_in(request, found)
        else:
            attempt.failed()
            wrong, status = "This code is not right, or was used already. Wait for the next one.", 400
    context = {"form": form, "wrong": wrong, "has_recovery": recovery.left_of(found.user) > 0}
    return page(request, "web/signin_code.html", context, status=status)


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def sign_in_recovery(request: HttpRequest) -> HttpResponse:
    """A recovery code in place of the app's. Both are counted together, and the account's owner is told by mail."""
    found = secondstep.waiting(request)
    if request.user.is_authenticated or found is None:
        return redirect("web:login")
    form = RecoveryForm(request.POST or None)
    wrong, status = "", 200
    if request.method == "POST" and form.is_valid():
        attempt = secondstep.attempt_of(request, found.user)
        if attempt.is_refused():
            wrong, status = TOO_MANY, 429
        elif (left := _use_recovery(request, found.user, form.cleaned_data["code"])) is not None:
            messages.success(request, f"That recovery code is used up; {left} {'is' if left == 1 else 'are'} left.")
            return secondstep.let_in(request, found)
        else:
            attempt.failed()
            wrong, status = "This recovery code is not right, or was used already.", 400
    return page(request, "web/signin_recovery.html", {"form": form, "wrong": wrong}, status=status)


@transaction.atomic
def _use_recovery(request: HttpRequest, user: User, code: str) -> int | None:
    now = clock.now()
    left = recovery.accept(user, code, now)
    if left is not None:
        tell(user, News.CODE_USED, now, address=client_address(request), left=left)
    return left


@require_POST
@public_page
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this sign-in."""
    logout(request)
    return redirect("web:login")


@require_GET
@signed_in_page
def landing(request: HttpRequest) -> HttpResponse:
    """To the issues of the only organization, or to the choice between several."""
    organizations = organizations_of(signed_in(request))
    if len(organizations) == 1:
        return redirect("web:stream", organizations[0].slug)
    return page(request, "web/landing.html", {"organizations": organizations})


@require_POST
@public_page
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the colour scheme in a cookie, so that no page has to change its colours after it is shown."""
    response = redirect(back_to(request, "/"))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme")
    return response


@require_GET
@signed_in_page
def org_redirect(request: HttpRequest, rest: str) -> HttpResponse:
    """`/orgredirect/organizations/:orgslug/…`: the same path in the visitor's own organization."""
    organizations = organizations_of(signed_in(request))
    if not organizations:
        return redirect("web:landing")
    slug = organizations[0].slug
    if rest.rstrip("/") == "settings/auth-tokens":
        return redirect("web:organization_tokens", slug)
    return redirect(f"{reverse('web:organization', args=[slug])}{rest}")
