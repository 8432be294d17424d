"""Errors as answers."""

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions

from vedette.api.errors import Conflict, InsufficientScope, handle
from vedette.core.errors import Refused, RuleBroken, TryAgain
from vedette.orgs.slugs import SlugTaken


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (RuleBroken("a sentence"), 400, {"detail": "a sentence"}),
        (RuleBroken({"name": ["too long"]}), 400, {"name": ["too long"]}),
        (RuleBroken({"": ["whole"], "name": ["x"]}), 400, {"nonFieldErrors": ["whole"], "name": ["x"]}),
        (RuleBroken({"details.inRelease": ["x"]}), 400, {"details": {"inRelease": ["x"]}}),
        (SlugTaken("A project"), 409, {"detail": "A project with this slug already exists."}),
        (Conflict("there already"), 409, {"detail": "there already"}),
        (exceptions.ValidationError({"non_field_errors": ["x"]}), 400, {"nonFieldErrors": ["x"]}),
        (exceptions.ValidationError("x"), 400, {"detail": "x"}),
        (Http404(), 404, {"detail": "The requested resource does not exist"}),
        (exceptions.NotFound("secret"), 404, {"detail": "The requested resource does not exist"}),
        (PermissionDenied("secret"), 403, {"detail": "You do not have permission to perform this action."}),
        (RequestDataTooBig("x"), 413, {"detail": "The request body is too large."}),
        (Refused("too big", status=413), 413, {"detail": "too big"}),
        (TryAgain("away"), 503, {"detail": "away"}),
        (exceptions.MethodNotAllowed("PATCH"), 405, {"detail": 'Method "PATCH" not allowed.'}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_an_answer(error, status, body):
    answer = handle(error, {})

    assert (answer.status_code, answer.data) == (status, body)


def test_a_bug_says_nothing(caplog):
    answer = handle(ZeroDivisionError("secret"), {})

    assert (answer.status_code, answer.data) == (500, {"detail": "Internal Error", "errorId": None})
    assert "secret" in caplog.text


def test_missing_scopes_are_named_for_the_client():
    answer = handle(InsufficientScope(("event:read", "event:admin")), {})

    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"] == ('Bearer error="insufficient_scope", scope="event:read event:admin"')


def test_a_wait_is_told():
    assert handle(exceptions.Throttled(900), {}).headers["Retry-After"] == "900"
