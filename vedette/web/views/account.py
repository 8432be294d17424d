"""A person's own pages: name, password, tokens."""

from datetime import timedelta

from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.models import ApiToken, User
from vedette.accounts.options import OFF, ON, SELF_ASSIGN_ISSUE, set_option, who_has_on
from vedette.accounts.passwords import change
from vedette.accounts.signin_limits import client_address
from vedette.accounts.tokens import create_user_token
from vedette.core import clock
from vedette.mail.security import News, tell
from vedette.orgs.roles import expand_scopes
from vedette.web.accountforms import PasswordForm
from vedette.web.doors import signed_in, signed_in_page
from vedette.web.forms import IssueHabitsForm, NameForm, UserTokenForm
from vedette.web.passwordcheck import PasswordCheck
from vedette.web.rendering import done, home_of, page

_USUAL_SCOPES = ["org:read", "project:read", "project:releases", "team:read", "event:read"]


@sensitive_post_parameters("old", "new")
@require_http_methods(["GET", "POST"])
@signed_in_page
def account(request: HttpRequest) -> HttpResponse:
    """Change the name, the password, or what happens to issues: `part` says which form was sent."""
    user, check = signed_in(request), PasswordCheck(request)
    part = request.POST.get("part", "")
    names = NameForm(request.POST if part == "name" else None, initial={"name": user.name})
    passwords = PasswordForm(request.POST if part == "password" else None, check=check)
    if part == "name" and names.is_valid():
        user.name = names.cleaned_data["name"]
        user.save(update_fields=["name"])
        return done(request, "Your name is changed.", reverse("web:account"))
    if part == "password" and passwords.is_valid():
        with transaction.atomic():
            change(user, passwords.cleaned_data["new"], clock.now())
            tell(user, News.PASSWORD_CHANGED, clock.now(), address=client_address(request))
        update_session_auth_hash(request, user)
        return done(request, "Your password is changed; your other sign-ins have ended.", reverse("web:account"))
    habits = IssueHabitsForm(
        request.POST if part == "issues" else None, initial={SELF_ASSIGN_ISSUE: _self_assign(user)}
    )
    if part == "issues" and habits.is_valid():
        set_option(user, SELF_ASSIGN_ISSUE, habits.cleaned_data[SELF_ASSIGN_ISSUE])
        return done(request, "What happens to issues is changed.", reverse("web:account"))
    context = {"names": names, "passwords": passwords, "habits": habits, "organization": home_of(user)}
    wrong = names.errors or passwords.errors or habits.errors
    return page(request, "web/account.html", context, status=check.status if wrong else 200)


def _self_assign(user: User) -> str:
    return ON if who_has_on(SELF_ASSIGN_ISSUE, {user.pk}) else OFF


@never_cache
@require_http_methods(["GET", "POST"])
@signed_in_page
def tokens(request: HttpRequest) -> HttpResponse:
    """List the user's tokens, and make one; its text is shown in the answer to this one request only."""
    user = signed_in(request)
    form = UserTokenForm(request.POST or None, initial={"scopes": _USUAL_SCOPES, "expires": 90})
    text = ""
    if request.method == "POST" and form.is_valid():
        wish = form.cleaned_data
        expires_at = clock.now() + timedelta(days=wish["expires"]) if wish["expires"] else None
        scopes = expand_scopes(frozenset(wish["scopes"]))
        _, text = create_user_token(user, scopes, name=wish["name"], expires_at=expires_at)
        form = UserTokenForm(initial={"scopes": _USUAL_SCOPES, "expires": 90})
    rows = ApiToken.objects.filter(user=user).order_by("-date_added", "-id")
    context = {"form": form, "tokens": rows, "text": text, "now": clock.now(), "organization": home_of(user)}
    return page(request, "web/tokens.html", context, status=400 if form.errors else 200)


@require_POST
@signed_in_page
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Delete one of one's own tokens."""
    found, _ = ApiToken.objects.filter(pk=token_id, user=signed_in(request)).delete()
    if not found:
        raise Http404
    return done(request, "The token is revoked.", reverse("web:tokens"))


@signed_in_page
def account_home(request: HttpRequest) -> HttpResponse:
    """`/settings/` and `/settings/account/`."""
    return redirect("web:account")
