"""A person's own pages: name, password, tokens."""

from datetime import timedelta

from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts import factors
from vedette.accounts.models import ApiToken, User
from vedette.accounts.options import OFF, ON, SELF_ASSIGN_ISSUE, set_option, who_has_on
from vedette.accounts.tokens import create_user_token
from vedette.core import clock
from vedette.orgs.models import Organization
from vedette.orgs.roles import expand_scopes
from vedette.web.doors import signed_in, signed_in_page
from vedette.web.forms import IssueHabitsForm, NameForm, PasswordForm, RemoveFactorForm, UserTokenForm
from vedette.web.rendering import done, organizations_of, page

_USUAL_SCOPES = ["org:read", "project:read", "project:releases", "team:read", "event:read"]


@sensitive_post_parameters("old", "new", "password")
@require_http_methods(["GET", "POST"])
@signed_in_page
def account(request: HttpRequest) -> HttpResponse:
    """Change the name, the password, or what happens to issues, or remove the authenticator app: `part` says which form
    was sent."""
    user = signed_in(request)
    part = request.POST.get("part", "")
    names = NameForm(request.POST if part == "name" else None, initial={"name": user.name})
    passwords = PasswordForm(request.POST if part == "password" else None, user=user)
    if part == "name" and names.is_valid():
        user.name = names.cleaned_data["name"]
        user.save(update_fields=["name"])
        return done(request, "Your name is changed.", reverse("web:account"))
    if part == "password" and passwords.is_valid():
        user.set_password(passwords.cleaned_data["new"])
        user.last_password_change = clock.now()
        user.save(update_fields=["password", "last_password_change"])
        update_session_auth_hash(request, user)
        return done(request, "Your password is changed; your other sign-ins have ended.", reverse("web:account"))
    habits = IssueHabitsForm(
        request.POST if part == "issues" else None, initial={SELF_ASSIGN_ISSUE: _self_assign(user)}
    )
    if part == "issues" and habits.is_valid():
        set_option(user, SELF_ASSIGN_ISSUE, habits.cleaned_data[SELF_ASSIGN_ISSUE])
        return done(request, "What happens to issues is changed.", reverse("web:account"))
    removal = RemoveFactorForm(request.POST if part == "factor" else None, user=user)
    if part == "factor" and removal.is_valid():
        factors.remove(user)
        return done(request, "Your authenticator app is removed.", reverse("web:account"))
    status = 400 if names.errors or passwords.errors or habits.errors or removal.errors else 200
    forms = {"names": names, "passwords": passwords, "habits": habits, "removal": removal}
    context = {**forms, "factor": factors.factor_of(user), "organization": _home(user)}
    return page(request, "web/account.html", context, status=status)


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
    context = {"form": form, "tokens": rows, "text": text, "now": clock.now(), "organization": _home(user)}
    return page(request, "web/tokens.html", context, status=400 if form.errors else 200)


def _home(user: User) -> Organization | None:
    """The organization whose navigation stays in sight on pages that belong to none."""
    return next(iter(organizations_of(user)), None)


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
