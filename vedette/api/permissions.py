"""Deny by default: an endpoint says for each method whom it lets in, and who is not named stays out.

Source: the API specification, sections 4 and 7.
"""

from typing import TYPE_CHECKING, Any, cast

from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from vedette.api.authentication import Credential, Kind, credential_of
from vedette.api.errors import InsufficientScope
from vedette.api.operations import Caller, Operation

if TYPE_CHECKING:
    from vedette.api.endpoint import Endpoint


class Denied(BasePermission):
    """Lets a request in when the operation that it asks for is declared, and its declaration is met.

    In this order: 405 for a method that is not declared, 401 without a credential, 404 for what the caller cannot
    see, 403 for what the caller may not do. A view that declares nothing lets nobody in.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or a raised refusal."""
        if not hasattr(view, "operations"):
            return False
        endpoint = cast("Endpoint", view)
        if request.method == "OPTIONS":
            return True
        operation = endpoint.operation
        if operation is None:
            raise MethodNotAllowed(request.method or "")
        if operation.caller is Caller.ANYBODY:
            return True
        credential = credential_of(request)
        if credential is None:
            raise NotAuthenticated
        _check_bounds(endpoint, operation, credential)
        endpoint.locate(**endpoint.path)
        if credential.kind is not Kind.DSN and operation.scopes and not endpoint.holds(*operation.scopes):
            raise InsufficientScope(operation.scopes)
        return True


def _check_bounds(endpoint: "Endpoint", operation: Operation, credential: Credential) -> None:
    """A credential of one organization is of no use outside it; some answers are about a person."""
    if credential.is_bound and not endpoint.is_inside_an_organization and operation.caller is not Caller.CREDENTIAL:
        raise AuthenticationFailed("Unauthorized organization access.")
    if operation.caller is Caller.USER and credential.user is None:
        raise NotAuthenticated
