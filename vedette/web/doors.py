"""Who may open a page. Denied is the default: each view stands behind exactly one of these decorators.

Before there is a user, every page leads to the set-up. A stranger to an organization gets the same 404 as for one
that does not exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from vedette.accounts.models import User
from vedette.core.errors import TryAgain
from vedette.orgs import reservations
from vedette.orgs.access import Access, access_of_user
from vedette.orgs.models import Organization
from vedette.orgs.secondfactor import must_set_up
from vedette.web.firstrun import needs_set_up
from vedette.web.rendering import page

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
DOOR = "vedette_door"


def public_page(view: View[P]) -> View[P]:
    """A page for everybody: sign-in and what belongs to it."""

    @wraps(view)
    def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return redirect("web:setup") if needs_set_up() else view(request, *args, **kwargs)

    return _marked(opened, "public")


def set_up_page(view: View[P]) -> View[P]:
    """A page that exists only until the first user does; afterwards it is a 404."""

    @wraps(view)
    def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not needs_set_up():
            raise Http404
        return view(request, *args, **kwargs)

    return _marked(opened, "set-up")


def signed_in_page(view: View[P]) -> View[P]:
    """A page for whoever is signed in."""

    @wraps(view)
    def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    return _marked(opened, "signed-in")


def organization_page(
    *scopes: str,
) -> Callable[[Callable[Concatenate[HttpRequest, Access, P], HttpResponseBase]], View[Any]]:
    """A page of the organization in the path (`org`): its members only, and of them those who hold one of `scopes`
    somewhere in it. The view gets the `Access` in place of the slug. Where the organization wants it, members
    without an authenticator app are sent to set one up."""

    def decorate(view: Callable[Concatenate[HttpRequest, Access, P], HttpResponseBase]) -> View[Any]:
        @wraps(view)
        def opened(request: HttpRequest, /, org: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            access = access_to(signed_in(request), org)
            if access is None:
                return _moved(request, org)
            if must_set_up(signed_in(request), access.organization):
                return _to_set_up(request, access.organization)
            teams = frozenset(access.teams)
            if scopes and not access.has_any_for_teams(teams, *scopes):
                raise PermissionDenied
            request.organization_access = access  # type: ignore[attr-defined]
            try:
                return view(request, access, *args, **kwargs)
            except TryAgain as away:
                return _busy(request, away)

        return _marked(opened, "organization")

    return decorate


def access_to(user: User, slug: str) -> Access | None:
    """What `user` may do in the organization with this slug; None for strangers."""
    organization = Organization.objects.filter(slug=slug).first()
    return access_of_user(user, organization) if organization else None


def signed_in(request: HttpRequest) -> User:
    """The user of a request that has passed a door."""
    return cast(User, request.user)


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if needs_set_up():
        return redirect("web:setup")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def _to_set_up(request: HttpRequest, organization: Organization) -> HttpResponseBase:
    messages.error(request, f"{organization.name} wants its members to sign in with an authenticator app: set one up.")
    address = reverse("web:set_up_app")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _moved(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A redirect to the organization's present slug for its members; else the page does not exist."""
    organization = Organization.objects.filter(pk=reservations.organization_with(slug) or 0).first()
    if organization and organization.slug != slug and access_to(signed_in(request), organization.slug):
        return redirect(request.get_full_path().replace(f"/{slug}/", f"/{organization.slug}/", 1))
    raise Http404


def _busy(request: HttpRequest, away: TryAgain) -> HttpResponseBase:
    answer = page(request, "web/busy.html", {"sentence": f"{str(away).rstrip('.').capitalize()}."}, status=503)
    answer["Retry-After"] = "3"
    return answer


def _marked(view: View[P], door: str) -> View[P]:
    setattr(view, DOOR, door)
    return view
