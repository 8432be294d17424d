"""Who am I, is somebody there, and everything that has no route."""

import base64
import binascii
from typing import Any, TypedDict

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpResponse
from django.urls import Resolver404, resolve
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, NotFound, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.factors import asks_for_code
from vedette.accounts.models import User
from vedette.accounts.signin_limits import WINDOW_SECONDS, Attempt, client_address
from vedette.api import openapi
from vedette.api.authentication import Credentials, Kind, credential_of
from vedette.api.endpoint import Endpoint
from vedette.api.operations import Caller, Operation, operation
from vedette.api.shapes.users import OwnUserShape, UserShape, as_own_user, as_user
from vedette.orgs.roles import ALL_SCOPES


class Auth(TypedDict):
    """What the credential may do at most."""

    scopes: list[str]


class Root(TypedDict):
    """The server and the caller; both null for nobody."""

    version: str
    auth: Auth | None
    user: UserShape | None


class RootEndpoint(Endpoint):
    """The entrance, which `sentry-cli info` asks for."""

    tag = "Identity"

    @operation(Operation("retrieveServer", caller=Caller.ANYBODY, answers=Root))
    def get(self, request: Request) -> Response:
        """The API's version, and the user and the scopes of the credential."""
        credential = credential_of(request)
        scopes = credential.scopes if credential else None
        auth: Auth | None = {"scopes": sorted(ALL_SCOPES if scopes is None else scopes)} if credential else None
        user = as_user(credential.user) if credential and credential.user else None
        return Response(Root(version="0", auth=auth, user=user))


class NoCredentials(BaseAuthentication):
    """Signing in starts without a credential, whatever the request carries."""

    def authenticate(self, request: Request) -> None:
        """Nobody."""

    def authenticate_header(self, request: Request) -> str:
        """The header of a 401."""
        return 'xBasic realm="api"'


class AuthEndpoint(Endpoint):
    """The user of a credential; signing in and out."""

    tag = "Identity"

    def get_authenticators(self) -> list[BaseAuthentication]:
        """None for signing in: its credential is a password."""
        signing_in = self.request is not None and self.request.method == "POST"
        return [NoCredentials() if signing_in else Credentials()]

    @operation(Operation("getCurrentUser", caller=Caller.ANYBODY, answers=OwnUserShape, fails=(400, 401)))
    def get(self, request: Request) -> Response:
        """The user of the credential.

        400 without a body when nobody is signed in.
        """
        credential = credential_of(request)
        if credential is None or credential.user is None:
            return Response(status=400)
        if credential.is_bound:
            raise AuthenticationFailed("Unauthorized organization access.")
        return Response(as_own_user(credential.user))

    @operation(Operation("signIn", caller=Caller.ANYBODY, answers=OwnUserShape, fails=(401, 429)))
    def post(self, request: Request) -> Response:
        """Sign in by HTTP Basic with a user name or e-mail address and a password.

        Accounts with an authenticator app are refused: the sign-in page asks them for its code.
        A page of another site cannot ask for this unseen: browsers send such a header only where they may.
        """
        name, password = _basic(request.META.get("HTTP_AUTHORIZATION", ""))
        attempt = Attempt(client_address(request._request), name)
        if attempt.is_refused():
            raise Throttled(WINDOW_SECONDS, "Too many failed attempts to sign in.")
        user = authenticate(request._request, username=name, password=password)
        if not isinstance(user, User):
            attempt.failed()
            raise AuthenticationFailed("Invalid username/password.")
        if asks_for_code(user):
            raise AuthenticationFailed(
                "This account has a second factor: sign in on the page, which asks for its code."
            )
        attempt.succeeded()
        login(request._request, user)
        return Response(as_own_user(user))

    @operation(Operation("signOut", caller=Caller.ANYBODY, statuses=(204,), fails=(401, 403)))
    def delete(self, request: Request) -> Response:
        """Sign out of the browser session; without one nothing happens."""
        credential = credential_of(request)
        if credential is not None and credential.kind is Kind.SESSION:
            logout(request._request)
        return Response(status=204)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationFailed("Invalid basic header. Credentials not correctly base64 encoded.") from None
    name, _, password = text.partition(":")
    return name, password


class MeEndpoint(Endpoint):
    """The user who asks."""

    tag = "Identity"

    @operation(Operation("getMyUser", caller=Caller.USER, answers=OwnUserShape))
    def get(self, request: Request) -> Response:
        """The user of the credential."""
        if self.user is None:
            raise NotAuthenticated
        return Response(as_own_user(self.user))


class HealthEndpoint(Endpoint):
    """What Terraform asks before it does anything."""

    tag = "Identity"

    @operation(Operation("checkHealth", caller=Caller.CREDENTIAL, answers=dict[str, Any]))
    def get(self, request: Request) -> Response:
        """200 for any valid credential."""
        return Response({})


class DocumentEndpoint(Endpoint):
    """This API, described."""

    tag = "Identity"

    @operation(Operation("getOpenApiDocument", caller=Caller.ANYBODY, answers=dict[str, Any]))
    def get(self, request: Request) -> HttpResponse:
        """The OpenAPI document of this server."""
        return HttpResponse(openapi.as_json(settings.VEDETTE.url), content_type="application/json")


class Nowhere(Endpoint):
    """Every path of the API that is no other: 404, or the way to the same path with its slash."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises `NotFound`, or sends a GET to the path with a slash if there is something."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """A redirect or a 404, for any method."""
        if request.method in ("GET", "HEAD") and not request.path.endswith("/") and _is_route(f"{request.path}/"):
            query = request.META.get("QUERY_STRING", "")
            response = HttpResponse(status=301)
            response["Location"] = f"{request.path}/" + (f"?{query}" if query else "")
            return response
        return super().dispatch(request)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """There is nothing here for any method."""
        raise NotFound


def _is_route(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "cls", Nowhere) is not Nowhere
    except Resolver404:
        return False
