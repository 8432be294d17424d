"""Who is let in: every route, every method, and what those who are not let in learn.

That nobody of another organization is, whoever they are, is in `test_foreign.py`.
"""

import itertools

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member
from vedette.api import urls
from vedette.api.endpoint import Endpoint
from vedette.api.operations import Caller
from vedette.api.root import Nowhere
from vedette.orgs.models import OrganizationMember
from vedette.orgs.roles import ALL_SCOPES, expand_scopes

EVENT = "e" * 32
ORG, PROJECT, TEAM = "organizations/acme", "projects/acme/web", "teams/acme/core"
ISSUE_PARTS = {
    "": ("GET", "PUT", "DELETE"),
    "activities/": ("GET",),
    "notes/": ("GET", "POST"),
    "comments/": ("GET", "POST"),
    "notes/1/": ("PUT", "DELETE"),
    "comments/1/": ("PUT", "DELETE"),
    "hashes/": ("GET", "PUT", "DELETE"),
    "regression-check/": ("GET",),
    "user-reports/": ("GET",),
    "events/": ("GET",),
    "events/latest/": ("GET",),
    "tags/": ("GET",),
    "tags/browser/": ("GET",),
    "tags/browser/values/": ("GET",),
}
# Every path of the API with its methods; those of issues in four spellings.
TABLE = {
    "": ("GET",),
    "auth/": ("GET", "POST", "DELETE"),
    "users/me/": ("GET",),
    "users/me/notifications/": ("GET", "PUT"),
    "users/me/avatar/": ("GET", "PUT"),
    "internal/health/": ("GET",),
    "openapi.json": ("GET",),
    "schema/": ("GET",),
    "organizations/": ("GET", "POST"),
    f"{ORG}/": ("GET", "PUT", "DELETE"),
    f"{ORG}/avatar/": ("PUT",),
    f"{ORG}/audit-logs/": ("GET",),
    f"{ORG}/projects/": ("GET", "POST"),
    f"{ORG}/teams/": ("GET", "POST"),
    f"{ORG}/members/": ("GET", "POST"),
    f"{ORG}/members/me/": ("GET", "PUT", "DELETE"),
    f"{ORG}/members/me/teams/core/": ("POST", "PUT", "DELETE"),
    f"{ORG}/members/me/unreleased-commits/": ("GET",),
    f"{ORG}/project-keys/": ("GET",),
    f"{ORG}/environments/": ("GET",),
    f"{ORG}/issues/": ("GET", "PUT", "DELETE"),
    f"{ORG}/shortids/WEB-1/": ("GET",),
    f"{ORG}/eventids/{EVENT}/": ("GET",),
    f"{ORG}/shared/issues/{EVENT}/": ("GET",),
    f"shared/issues/{EVENT}/": ("GET",),
    f"{ORG}/tags/": ("GET",),
    f"{ORG}/stats_v2/": ("GET",),
    f"{ORG}/sessions/": ("GET",),
    f"{ORG}/trace/{EVENT}/": ("GET",),
    f"{ORG}/trace-meta/{EVENT}/": ("GET",),
    f"{ORG}/releases/": ("GET", "POST"),
    f"{ORG}/releases/stats/": ("GET",),
    f"{ORG}/releases/web@1.0/": ("GET", "PUT", "DELETE"),
    f"{ORG}/releases/web@1.0/deploys/": ("GET", "POST"),
    f"{ORG}/releases/web@1.0/meta/": ("GET",),
    f"{ORG}/releases/web@1.0/commits/": ("GET",),
    f"{ORG}/releases/web@1.0/commitfiles/": ("GET",),
    f"{ORG}/releases/web@1.0/previous-with-commits/": ("GET",),
    f"{ORG}/releases/web@1.0/gate/": ("GET",),
    f"{ORG}/releases/web@1.0/resolved/": ("GET",),
    f"{ORG}/release-threshold-statuses/": ("GET",),
    f"{ORG}/releases/web@1.0/files/": ("GET", "POST"),
    f"{ORG}/releases/web@1.0/files/1/": ("GET", "PUT", "DELETE"),
    f"{ORG}/releases/web@1.0/assemble/": ("POST",),
    f"{ORG}/chunk-upload/": ("GET", "POST"),
    f"{ORG}/artifactbundle/assemble/": ("POST",),
    f"{ORG}/repos/": ("GET", "POST"),
    f"{ORG}/repos/1/": ("PUT", "DELETE"),
    f"{ORG}/repos/1/check/": ("POST",),
    f"{ORG}/repos/1/events/": ("POST",),
    f"{ORG}/repos/1/hook/": ("POST",),
    f"{ORG}/repos/1/commits/": ("GET",),
    f"{ORG}/relocations/": ("GET", "POST"),
    f"{ORG}/relocations/{'0' * 32}/": ("GET", "PUT"),
    f"{ORG}/relocations/{'0' * 32}/download/": ("GET",),
    f"{ORG}/relocations/{'0' * 32}/findings/": ("GET",),
    f"{ORG}/webhooks/": ("GET", "POST"),
    f"{ORG}/webhooks/1/": ("PUT", "DELETE"),
    f"{ORG}/webhooks/1/deliveries/": ("GET", "POST"),
    f"{ORG}/webhooks/1/secret/": ("POST",),
    "projects/": ("GET",),
    f"{PROJECT}/": ("GET", "PUT", "DELETE"),
    f"{PROJECT}/teams/": ("GET",),
    f"{PROJECT}/teams/core/": ("POST", "DELETE"),
    f"{PROJECT}/keys/": ("GET", "POST"),
    f"{PROJECT}/keys/{'a' * 32}/": ("GET", "PUT", "DELETE"),
    f"{PROJECT}/environments/": ("GET",),
    f"{PROJECT}/issues/": ("GET", "PUT", "DELETE"),
    f"{PROJECT}/events/": ("GET",),
    f"{PROJECT}/events/{EVENT}/": ("GET",),
    f"{PROJECT}/events/{EVENT}/json/": ("GET",),
    f"{PROJECT}/events/{EVENT}/committers/": ("GET",),
    f"{PROJECT}/events/{EVENT}/grouping-info/": ("GET",),
    f"{PROJECT}/grouping-preview/": ("POST",),
    f"{PROJECT}/events/{EVENT}/attachments/": ("GET",),
    f"{PROJECT}/events/{EVENT}/attachments/1/": ("GET", "DELETE"),
    f"{PROJECT}/releases/": ("GET", "POST"),
    f"{PROJECT}/releases/token/": ("GET", "POST"),
    f"{PROJECT}/releases/web@1.0/": ("GET", "PUT", "DELETE"),
    f"{PROJECT}/releases/web@1.0/commits/": ("GET",),
    f"{PROJECT}/releases/web@1.0/repositories/": ("GET",),
    f"{PROJECT}/releases/web@1.0/resolved/": ("GET",),
    f"{PROJECT}/releases/web@1.0/stats/": ("GET",),
    f"{PROJECT}/releases/web@1.0/files/": ("GET", "POST"),
    f"{PROJECT}/releases/web@1.0/files/1/": ("GET", "PUT", "DELETE"),
    f"{PROJECT}/files/artifact-bundles/": ("GET", "DELETE"),
    f"{PROJECT}/files/source-maps/": ("DELETE",),
    f"{PROJECT}/files/difs/assemble/": ("POST",),
    f"{PROJECT}/releases/completion/": ("GET",),
    f"{PROJECT}/commits/": ("GET",),
    f"{PROJECT}/filters/": ("GET",),
    f"{PROJECT}/filters/<filter_id>/": ("PUT",),
    f"{PROJECT}/ownership/": ("GET", "PUT"),
    f"{PROJECT}/stats/": ("GET",),
    f"{PROJECT}/tombstones/": ("GET",),
    f"{PROJECT}/tombstones/1/": ("DELETE",),
    f"{PROJECT}/user-feedback/": ("GET", "POST"),
    f"{TEAM}/": ("GET", "PUT", "DELETE"),
    f"{TEAM}/members/": ("GET",),
    f"{TEAM}/projects/": ("GET", "POST"),
    **{
        f"{spelling}/{{issue}}/{part}": methods
        for spelling in (f"{ORG}/issues", f"{ORG}/groups", "issues", "groups")
        for part, methods in ISSUE_PARTS.items()
    },
}
CASES = [pytest.param(method, path, id=f"{method} {path}") for path, methods in TABLE.items() for method in methods]


def view_of(path):
    """The route that answers `path`, and its endpoint."""
    for pattern in urls.urlpatterns:
        if pattern.resolve(path.format(issue=1)):
            return pattern, pattern.callback.cls
    raise AssertionError(path)


def operation_of(method, path):
    return view_of(path)[1].operations[method]


@pytest.fixture
def address(acme, web, issue_row):
    return lambda path: "/" + path.format(issue=issue_row.pk)


@pytest.fixture
def issue_row(web):
    """An issue; no event is needed to be turned away."""
    return web.groups.create(short_id=1, title="ValueError: bad")


def test_every_route_and_method_is_in_the_table():
    reached = {id(view_of(path)[0]): set(methods) for path, methods in TABLE.items()}
    routes = [pattern for pattern in urls.urlpatterns if pattern.callback.cls is not Nowhere]

    assert [str(route.pattern) for route in routes if id(route) not in reached] == []
    for route in routes:
        assert issubclass(route.callback.cls, Endpoint)
        assert set(route.callback.cls.operations) == reached[id(route)], route.pattern


def test_every_handler_is_declared():
    for pattern in urls.urlpatterns:
        endpoint = pattern.callback.cls
        handlers = {name for name in ("get", "post", "put", "delete", "patch") if hasattr(endpoint, name)}

        assert handlers == {method.lower() for method in endpoint.operations}, endpoint


def test_operation_ids_are_unique():
    endpoints = {pattern.callback.cls for pattern in urls.urlpatterns}
    ids = list(itertools.chain.from_iterable((one.id for one in view.operations.values()) for view in endpoints))

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("method", "path"), CASES)
def test_nobody_gets_in_without_a_credential(method, path, address):
    if operation_of(method, path).caller is Caller.ANYBODY:
        return

    answer = Api().ask(method, address(path), None, {})

    assert (answer.status, answer.detail) == (401, "Authentication credentials were not provided.")
    assert answer.headers["WWW-Authenticate"] == 'xBasic realm="api"'


@pytest.mark.parametrize(("method", "path"), CASES)
def test_a_bad_token_is_refused_everywhere(method, path, address):
    if operation_of(method, path).id == "signIn":
        return  # its credential is a password

    answer = Api("sntryu_" + "0" * 64).ask(method, address(path), None, {})

    assert (answer.status, answer.detail) == (401, "Invalid token")


@pytest.mark.parametrize(("method", "path"), CASES)
def test_a_token_without_the_scope_is_refused(method, path, address, owner, token_of):
    scopes = operation_of(method, path).scopes
    if not scopes:
        return
    others = {scope for scope in ALL_SCOPES if expand_scopes(frozenset({scope})).isdisjoint(scopes)}

    answer = token_of(owner, *others).ask(method, address(path), None, {})

    assert (answer.status, answer.detail) == (403, "You do not have permission to perform this action.")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer error="insufficient_scope", scope="')


@pytest.mark.parametrize(
    "path", [path for path in TABLE if view_of(path)[1].is_inside_an_organization and path != "organizations/"]
)
def test_a_disabled_user_is_refused(path, address, owner, api):
    owner.is_active = False
    owner.save()

    answer = api.get(address(path))

    assert (answer.status, answer.detail) == (401, "User inactive or deleted")


@pytest.mark.parametrize(
    "path", [f"{PROJECT}/", f"{PROJECT}/issues/", f"{PROJECT}/keys/", "issues/{issue}/", f"{ORG}/issues/{{issue}}/"]
)
def test_with_closed_membership_a_project_of_other_teams_is_not_there(path, acme, address, token_of):
    acme.flags = 0
    acme.save()
    outsider = a_member(acme, "outsider@example.com")

    answer = token_of(outsider).get(address(path))

    assert (answer.status, answer.detail) == (404, "The requested resource does not exist")


def test_an_invitation_is_no_membership(acme, web, token_of):
    invited = a_member(acme, "invited@example.com")
    OrganizationMember.objects.filter(user_id=invited.pk).update(invite_status=1)

    answer = token_of(invited).get("/organizations/acme/")

    assert answer.status == 404


@pytest.mark.parametrize(
    "path", ["nothing/", "organizations/acme/nothing/", "users/me/regions/", "projects/acme/web/keys/a%2Fb/"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_an_unknown_route_is_a_404_in_json(method, path, address, api):
    answer = api.ask(method, f"/{path}", None, {})

    assert (answer.status, answer.detail) == (404, "The requested resource does not exist")


def test_a_get_without_its_slash_is_led_to_it(acme, api):
    answer = api.get("/organizations/acme?detailed=0")

    assert (answer.status, answer.headers["Location"]) == (301, "/api/0/organizations/acme/?detailed=0")


def test_other_methods_without_the_slash_find_nothing(acme, api):
    assert api.put("/organizations/acme", {"name": "x"}).status == 404
    assert api.get("/nothing").status == 404


def test_a_method_that_is_not_there_says_which_are(api, acme):
    answer = api.ask("PATCH", "/organizations/acme/", {}, {})

    assert (answer.status, answer.detail) == (405, 'Method "PATCH" not allowed.')
    assert answer.headers["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"
