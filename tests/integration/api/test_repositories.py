"""Repositories over the API: set up, changed, asked for, deleted."""

from dataclasses import replace

import pytest
from django.conf import settings

from tests.integration.api.client import Api
from tests.support.factories import an_organization
from tests.support.standin import Reply, StandIn
from vedette.core.sealing import unseal
from vedette.orgs.tokens import create_org_token
from vedette.releases.models import Repository, RepositorySecret, RepositoryStatus
from vedette.shipping.providers import TOKEN_PURPOSE

TOKEN = "not-a-secret"


@pytest.fixture
def repos(acme, api):
    """The caller, below the repositories of acme."""

    class Repos:
        def __call__(self, method, path="", body=None):
            return api.ask(method, f"/organizations/acme/repos/{path}", body, {})

    return Repos()


def the_token():
    return unseal(RepositorySecret.objects.get().token, TOKEN_PURPOSE)


def test_a_repository_at_a_host_is_set_up_and_its_token_is_not_told(repos):
    made = repos("POST", "", {"provider": "github", "identifier": "acme/web", "token": TOKEN})

    assert made.status == 201
    assert made.body["name"] == made.body["externalSlug"] == "acme/web"
    assert made.body["provider"] == {"id": "integrations:github", "name": "GitHub"}
    assert made.body["url"] == "https://github.com/acme/web"
    assert the_token() == TOKEN
    assert TOKEN.encode() not in made.raw + repos("GET").raw


def test_setting_up_again_is_no_creation(repos):
    first = repos("POST", "", {"provider": "gitlab", "identifier": "acme/web"})
    again = repos("POST", "", {"provider": "integrations:gitlab", "identifier": "acme/web"})

    assert (first.status, again.status, again.body["id"]) == (201, 200, first.body["id"])


def test_a_repository_may_be_known_by_its_name_alone(repos):
    assert repos("POST", "", {"name": "acme/web"}).body["provider"]["id"] == "unknown"
    assert repos("POST", "", {"name": "acme/api", "url": "https://git.example.org/acme/api"}).body["provider"] == {
        "id": "git",
        "name": "Git",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"provider": "svn", "identifier": "acme/web"}, "provider"),
        ({"provider": "github"}, "identifier"),
        ({"provider": "github", "identifier": "acme/web", "hostUrl": "https://169.254.169.254"}, "hostUrl"),
        ({"name": "acme/web", "url": "file:///etc/passwd"}, "url"),
        ({"name": "n" * 201}, "name"),
    ],
)
def test_what_does_not_do_is_refused_by_its_field(repos, body, field):
    answer = repos("POST", "", body)

    assert (answer.status, list(answer.body)) == (400, [field])


def test_a_token_is_changed_alone_and_forgotten_on_a_move(repos):
    number = repos("POST", "", {"provider": "gitlab", "identifier": "acme/web", "token": TOKEN}).body["id"]

    assert repos("PUT", f"{number}/", {"name": "web"}).body["externalSlug"] == "acme/web"
    assert the_token() == TOKEN
    repos("PUT", f"{number}/", {"token": "another"})
    assert the_token() == "another"
    repos("PUT", f"{number}/", {"hostUrl": "https://git.example.org"})
    assert the_token() is None


def test_a_repository_is_left_aside_and_used_again(repos):
    number = repos("POST", "", {"name": "acme/web"}).body["id"]

    assert repos("PUT", f"{number}/", {"status": "hidden"}).body["status"] == "disabled"
    assert repos("PUT", f"{number}/", {"status": "active"}).body["status"] == "active"
    assert repos("PUT", f"{number}/", {"status": "gone"}).status == 400


def test_what_a_repository_without_a_host_cannot_change_is_refused_by_its_field(repos):
    number = repos("POST", "", {"name": "acme/web"}).body["id"]

    for field, value in (("name", "acme/api"), ("url", "https://git.example.org/web"), ("token", TOKEN)):
        answer = repos("PUT", f"{number}/", {field: value, "status": "disabled"})
        assert (answer.status, list(answer.body)) == (400, [field])
    assert repos("PUT", f"{number}/", {"name": "acme/web"}).body["status"] == "active"


def test_a_deleted_repository_is_not_there_any_more(repos):
    number = repos("POST", "", {"provider": "github", "identifier": "acme/web", "token": TOKEN}).body["id"]

    answer = repos("DELETE", f"{number}/")

    assert (answer.status, answer.body["status"]) == (202, "pending_deletion")
    assert not RepositorySecret.objects.exists()
    assert repos("GET").body == []
    assert {repos("DELETE", f"{number}/").status, repos("PUT", f"{number}/", {}).status} == {404}


def test_the_host_is_asked_when_somebody_wants_to_know(repos, settings_that_allow_loopback):
    with StandIn(lambda asked: Reply(200, {"id": 7})) as host:
        made = repos("POST", "", {"provider": "gitlab", "identifier": "acme/web", "hostUrl": host.url})
        assert host.asked == []

        looked = repos("POST", f"{made.body['id']}/check/")

    assert looked.body == {"ok": True, "detail": "The host shows the repository."}
    assert repos("GET").body[0]["externalId"] == "127.0.0.1:7"


@pytest.fixture
def settings_that_allow_loopback(settings):
    settings.VEDETTE = replace(settings.VEDETTE, outgoing_allow=("127.0.0.1",))


def test_the_secret_of_the_hook_is_told_once_with_its_address(repos, acme):
    number = repos("POST", "", {"provider": "github", "identifier": "acme/web"}).body["id"]
    plain = repos("POST", "", {"name": "acme/api"}).body["id"]

    made = repos("POST", f"{number}/hook/")

    assert made.body["url"] == f"{settings.VEDETTE.url}/api/0/organizations/{acme.pk}/repos/{number}/events/"
    assert len(made.body["secret"]) == 64
    assert made.body["secret"] not in str(list(RepositorySecret.objects.values()))
    assert repos("POST", f"{plain}/hook/").status == 400


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", ""), ("DELETE", ""), ("POST", "check/"), ("POST", "hook/"), ("GET", "commits/")]
)
def test_a_repository_of_another_organization_is_not_there(repos, method, path):
    theirs = Repository.objects.create(organization=an_organization("other"), name="acme/web", provider="git")

    answer = repos(method, f"{theirs.pk}/{path}", {"status": "disabled"} if method == "PUT" else None)

    assert (answer.status, answer.detail) == (404, "The requested resource does not exist")
    assert Repository.objects.get().status == RepositoryStatus.ACTIVE


def test_a_pipeline_may_read_repositories_and_not_change_them(acme):
    ci = Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1])

    assert ci.get("/organizations/acme/repos/").status == 200
    assert ci.post("/organizations/acme/repos/", {"name": "acme/web"}).status == 403


def test_whoever_may_write_the_organization_may_not_delete_repositories_without_more(acme, token_of, owner):
    row = Repository.objects.create(organization=acme, name="acme/web")

    assert token_of(owner, "org:write").delete(f"/organizations/acme/repos/{row.pk}/").status == 403
    assert token_of(owner, "org:integrations").delete(f"/organizations/acme/repos/{row.pk}/").status == 202
