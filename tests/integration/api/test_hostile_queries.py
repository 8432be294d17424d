"""Requests that are wrong on purpose are answered with a sentence, never with an error of ours.

On PostgreSQL a NUL character is an error wherever it arrives: what is refused here must be refused before.
"""

import base64
import re

import pytest

from tests.integration.api.client import Api
from vedette.api import urls
from vedette.api.root import Nowhere
from vedette.core.errors import RuleBroken
from vedette.issues.assignees import parse_assignee

DIGITS = "9" * 5000
WORDS = "+".join(["a"] * 1200)
ROUTES = [(str(one.pattern), one.callback.cls) for one in urls.urlpatterns if one.callback.cls is not Nowhere]
OPERATIONS = [
    pytest.param(method, route, id=f"{method} {route}") for route, view in ROUTES for method in view.operations
]
GOOD = {"organization_id_or_slug": "acme", "project_id_or_slug": "web", "team_id_or_slug": "core"}
NUL = "Null characters are not allowed."


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/organizations/acme/issues/{DIGITS}/", 404),
        (f"/organizations/acme/issues/?limit={DIGITS}", 400),
        (f"/organizations/acme/issues/?group={DIGITS}", 200),
        (f"/organizations/acme/issues/?cursor={DIGITS}:0:0", 400),
        (f"/organizations/acme/projects/?per_page={DIGITS}", 400),
        (f"/organizations/acme/projects/?query=id:{DIGITS}", 400),
        (f"/organizations/{DIGITS}/", 404),
        (f"/organizations/acme/projects/?query={WORDS}", 400),
        (f"/organizations/acme/members/?query={WORDS}", 400),
        (f"/organizations/acme/releases/?query={WORDS}", 400),
        (f"/organizations/acme/teams/?query={'a' * 60_000}", 400),
        ("/organizations/acme/issues/?query=issue.id:²", 400),
        ("/organizations/acme/issues/?query=project.id:²", 400),
        ("/organizations/acme/issues/?query=" + "is:new+" * 500, 400),
        ("/organizations/acme/issues/?query=issue:[" + ",".join(["A-1"] * 1000) + "]", 400),
        ("/organizations/acme/issues/?query=assigned:user:²", 200),
        ("/organizations/acme/issues/?" + "&".join(["a=b"] * 1001), 400),
    ],
)
def test_what_no_number_and_no_search_can_be_is_refused(path, status, api, web, events):
    assert api.get(path).status == status


def test_an_endless_id_selects_nothing(api, web):
    assert api.put(f"/organizations/acme/issues/?id={DIGITS}", {"status": "resolved"}).status == 204


@pytest.mark.parametrize("text", ["²", "user:²", "team:²", DIGITS, f"user:{DIGITS}"])
def test_nobody_has_an_odd_number(text, acme):
    with pytest.raises(RuleBroken):
        parse_assignee(text, acme)


def filled(route, at, value="a%00b"):
    """The path of a route: `value` at place number `at`, and something good at the others."""
    names = re.findall("<([^>]+)>", route)
    good = [GOOD.get(name, "1") for name in names]
    good[at:] = [value, *good[at + 1 :]] if at < len(names) else []
    return "/" + re.sub("<[^>]+>", "{}", route).format(*good)


@pytest.mark.parametrize(("method", "route"), [one for one in OPERATIONS if "<" in one.values[1]])
def test_a_nul_character_names_nothing(method, route, api, web):
    for at in range(route.count("<")):
        answer = api.ask(method, filled(route, at), None, {})
        assert (answer.status, answer.detail) == (404, "The requested resource does not exist")


@pytest.mark.parametrize(("method", "route"), OPERATIONS)
def test_a_nul_character_is_no_part_of_a_query(method, route, api, web):
    for query in ("query=a%00b", "%00=1", "environment=%00"):
        answer = api.ask(method, f"{filled(route, 99)}?{query}", None, {})
        assert (answer.status, answer.detail) == (400, NUL)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rb'{"sensitiveFields": "a\u0000b"}', 400),
        (rb'{"safeFields": ["a", "\u0000"]}', 400),
        (rb'{"\u0000": 1}', 400),
        (b'{"x":' * 900 + rb'"\u0000"' + b"}" * 900, 400),
        (rb'{"safeFields": ["a\\u0000"]}', 200),
        (rb'{"safeFields": ["a%00"]}', 200),
    ],
    ids=["text", "list", "name", "deep", "a backslash", "a percent sign"],
)
def test_a_nul_character_is_no_part_of_a_setting(body, status, api, acme):
    answer = api.put("/organizations/acme/", body)

    assert answer.status == status
    if status == 400:
        assert answer.detail == NUL


@pytest.mark.parametrize("name", ["a\0b", "\0", "x" * 60_000, "€" * 255])
def test_nobody_signs_in_under_a_name_that_no_database_compares_with(name, owner):
    owner.set_password("a long enough password")
    owner.save()
    encoded = base64.b64encode(f"{name}:a long enough password".encode()).decode()

    assert Api(encoded, "Basic").post("/auth/").status == 401


@pytest.mark.parametrize("text", ["x" * 60_000, "#" + "x" * 60_000, "user:" + "x" * 60_000, "x" * 255])
def test_nobody_has_an_endless_name(text, api, issue):
    answer = api.put(f"/organizations/acme/issues/{issue.pk}/", {"assignedTo": text})

    assert (answer.status, list(answer.body)) == (400, ["assignedTo"])
