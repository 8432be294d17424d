"""Error answers: always JSON, with `detail` as the only key wherever one sentence says it.

Source: the API specification, section 7.
"""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from vedette.core.errors import Refused, RuleBroken, TryAgain
from vedette.orgs.members import NotAllowed
from vedette.orgs.slugs import SlugTaken
from vedette.shipping.commits import CommitsBusy
from vedette.shipping.create import ReleaseConflict

log = logging.getLogger("vedette.api")

NOT_FOUND = "The requested resource does not exist"
FORBIDDEN = "You do not have permission to perform this action."
BUSY_RETRY_SECONDS = 5


class SecondFactorRequired(exceptions.APIException):
    """A browser's request to an organization whose members sign in with an authenticator app, by one who has none."""

    status_code = 401
    default_detail = {
        "code": "2fa-required",
        "message": "This organization wants its members to sign in with an authenticator app. Set one up.",
        "extra": {},
    }


class InsufficientScope(exceptions.PermissionDenied):
    """The credential is good, but none of `scopes` comes with it."""

    default_detail = FORBIDDEN

    def __init__(self, scopes: tuple[str, ...]) -> None:
        super().__init__()
        self.scopes = scopes


class Conflict(exceptions.APIException):
    """What the caller wants to make is there already."""

    status_code = 409
    default_detail = "The resource already exists."


class NothingThere(exceptions.APIException):
    """What was asked for is not there, and clients are told what is missing: nothing that the caller may not know."""

    status_code = 404


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to whatever an endpoint raised; what nobody foresaw is logged and becomes a 500 without a word."""
    match error:
        case SlugTaken():
            return _reply(409, {"detail": " ".join(error.errors["slug"])})
        case CommitsBusy() | ReleaseConflict():
            return _reply(409, {"detail": str(error)})
        case NotAllowed():
            return _reply(403, {"detail": " ".join(error.errors[""])})
        case RuleBroken():
            return _reply(400, _by_field(error.errors))
        case exceptions.ValidationError():
            return _reply(400, _validation(error.detail))
        case Http404() | exceptions.NotFound():
            return _reply(404, {"detail": NOT_FOUND})
        case exceptions.APIException():
            return _from_framework(error)
        case DjangoPermissionDenied():
            return _reply(403, {"detail": FORBIDDEN})
        case RequestDataTooBig():
            return _reply(413, {"detail": "The request body is too large."})
        case SuspiciousOperation():
            return _reply(400, {"detail": "The request has too many parameters, or makes no sense."})
        case Refused():
            return _reply(error.status, {"detail": str(error)})
        case TryAgain():
            return _reply(503, {"detail": str(error)}, {"Retry-After": str(BUSY_RETRY_SECONDS)})
    request = context.get("request")
    log.error("%s %s failed", getattr(request, "method", "?"), getattr(request, "path", "?"), exc_info=error)
    return _reply(500, {"detail": "Internal Error", "errorId": None})


def _from_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if error.status_code == 401:
        headers["WWW-Authenticate"] = 'xBasic realm="api"'
    if isinstance(error, InsufficientScope):
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{" ".join(error.scopes)}"'
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return _reply(error.status_code, {"detail": error.detail}, headers)


def _by_field(errors: dict[str, list[str]]) -> dict[str, Any]:
    """One sentence about the whole is a `detail`; otherwise sentences by field. A dot in a field's name nests."""
    if set(errors) == {""}:
        return {"detail": " ".join(errors[""])}
    body: dict[str, Any] = {}
    for field, sentences in errors.items():
        *path, last = (field or "nonFieldErrors").split(".")
        place = body
        for name in path:
            place = place.setdefault(name, {})
        place[last] = sentences
    return body


def _validation(detail: Any) -> Any:
    if isinstance(detail, list):
        return {"detail": " ".join(str(sentence) for sentence in detail)}
    return {"nonFieldErrors" if key == "non_field_errors" else key: value for key, value in detail.items()}


def _reply(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status=status, headers=headers)
