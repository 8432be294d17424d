"""Who calls: a user's token, an organization's token, a browser that is signed in, or (where allowed) a DSN.

A bad credential is refused everywhere, also where nobody has to show one. Source: the API specification, section 3.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from vedette.accounts.models import User
from vedette.accounts.tokens import find_user_token
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs.models import OrgAuthToken
from vedette.orgs.roles import expand_scopes
from vedette.orgs.tokens import PREFIX as ORG_TOKEN_PREFIX
from vedette.orgs.tokens import find_org_token
from vedette.projects.models import ObjectStatus, ProjectKey
from vedette.wire.dsn import parse_dsn
from vedette.wire.refusals import InvalidDsn

LAST_USED_STEP = timedelta(minutes=1)


class Kind(StrEnum):
    """The kinds of credentials."""

    USER_TOKEN = "user token"  # noqa: S105 (a kind of token, no token)
    ORGANIZATION_TOKEN = "organization token"  # noqa: S105
    SESSION = "session"
    DSN = "DSN"
    HOOK = "build hook"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request showed. `scopes` limit what the user's role grants; None does not (sign-in).

    `organization_id` is the only organization that it may be used for, where it is bound to one; `project_id` the
    project of a DSN, and `key_id` its key. `token_id` and `label` are those of an organization's token, which acts as
    nobody: its name is all that can be said about who did something.
    """

    kind: Kind
    user: User | None = None
    scopes: frozenset[str] | None = None
    organization_id: int | None = None
    project_id: int | None = None
    key_id: int | None = None
    token_id: int | None = None
    label: str = ""

    @property
    def is_bound(self) -> bool:
        """Whether it is good for one organization only."""
        return self.organization_id is not None


class Credentials(BaseAuthentication):
    """Reads the credential of a request; `request.auth` is a `Credential` afterwards, or None."""

    def authenticate(self, request: Request) -> tuple[User | None, Credential] | None:
        """The user (None for tokens of nobody) and the credential. Raises `AuthenticationFailed`."""
        scheme, _, _ = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        match scheme.lower():
            case "bearer":
                credential = of_bearer(request.META["HTTP_AUTHORIZATION"])
            case "dsn" if _takes_dsn(request):
                credential = of_dsn(request.META["HTTP_AUTHORIZATION"].partition(" ")[2])
            case _:
                return self._of_session(request)
        return credential.user, credential

    def authenticate_header(self, request: Request) -> str:
        """An odd scheme, so that browsers open no password box."""
        return 'xBasic realm="api"'

    def _of_session(self, request: Request) -> tuple[User, Credential] | None:
        user = getattr(request._request, "user", None)
        if not isinstance(user, User) or not user.is_active:
            return None
        refuse_foreign_origin(request)
        SessionAuthentication().enforce_csrf(request)
        return user, Credential(Kind.SESSION, user)


def credential_of(request: Request) -> Credential | None:
    """What the request showed."""
    return request.auth if isinstance(request.auth, Credential) else None


def of_bearer(header: str) -> Credential:
    """The credential of a `Bearer` header. Raises `AuthenticationFailed`."""
    parts = header.split()
    if len(parts) == 1:
        raise AuthenticationFailed("Invalid token header. No credentials provided.")
    if len(parts) > 2:
        raise AuthenticationFailed("Invalid token header. Token string should not contain spaces.")
    text = parts[1]
    return _of_org_token(text) if text.startswith(ORG_TOKEN_PREFIX) else _of_user_token(text)


def _of_user_token(text: str) -> Credential:
    token = find_user_token(text)
    if token is None:
        raise AuthenticationFailed("Invalid token")
    if not token.user.is_active:
        raise AuthenticationFailed("User inactive or deleted")
    if token.expires_at is not None and token.expires_at <= clock.now():
        raise AuthenticationFailed("Token expired")
    return Credential(
        Kind.USER_TOKEN, token.user, expand_scopes(frozenset(token.scope_list)), token.scoping_organization_id
    )


def _of_org_token(text: str) -> Credential:
    token = find_org_token(text)
    if token is None:
        raise AuthenticationFailed("Invalid org token")
    now = clock.now()
    OrgAuthToken.objects.filter(
        Q(date_last_used__isnull=True) | Q(date_last_used__lt=now - LAST_USED_STEP), pk=token.pk
    ).update(date_last_used=now)
    scopes = expand_scopes(frozenset(token.scope_list))
    return Credential(Kind.ORGANIZATION_TOKEN, None, scopes, token.organization_id, token_id=token.pk, label=token.name)


def of_dsn(text: str) -> Credential:
    """The credential of a DSN whose key is active; its number may be one that the project had before it was moved here.

    Raises `AuthenticationFailed`.
    """
    try:
        dsn = parse_dsn(text)
    except InvalidDsn:
        raise AuthenticationFailed("Invalid dsn") from None
    key = (
        ProjectKey.objects.filter(
            Q(project_id=dsn.project_id) | Q(project__aliases__old_id=dsn.project_id),
            public_key=dsn.public_key,
            status=ObjectStatus.ACTIVE,
            project__status=ObjectStatus.ACTIVE,
        )
        .select_related("project")
        .first()
    )
    if key is None:
        raise AuthenticationFailed("Invalid dsn")
    return Credential(Kind.DSN, None, frozenset(), key.project.organization_id, key.project_id, key.pk)


def _takes_dsn(request: Request) -> bool:
    view = (request.parser_context or {}).get("view")
    operation = getattr(view, "operation", None)
    return bool(operation and operation.takes_dsn)


def refuse_foreign_origin(request: Request) -> None:
    """A page of another site gets nothing by means of the visitor's cookie. Raises `RuleBroken`."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin and not is_own_origin(request, origin):
        raise RuleBroken(f"Invalid origin: {origin[:200]}")


def is_own_origin(request: Request, origin: str) -> bool:
    """Whether `origin` is a page of this server, by the name in the request or by its external address."""
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return host in (request.get_host(), urlsplit(settings.VEDETTE.url).netloc)
