"""The build hook: an address that is a credential (release specification, 7.4 and R16)."""

import hmac
import re
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.support.factories import a_member, a_project
from vedette.core import json
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AnalyticsFact, AuditLogEntry, OrganizationStatus
from vedette.projects.models import ObjectStatus, ProjectOption
from vedette.releases.models import Release, ReleaseProject
from vedette.shipping import hooks
from vedette.shipping.sender import Sender

TOKEN = "/projects/acme/web/releases/token/"


@pytest.fixture
def address(web):
    """The path that the project's token signs."""
    return urlsplit(hooks.address_of(web, hooks.token_of(web))).path


def post(path, body, **headers):
    data = body if isinstance(body, str) else json.dump_text(body)
    return Client(enforce_csrf_checks=True).post(path, data, content_type="application/json", headers=headers)


def signed(web, plugin, project_id):
    token = ProjectOption.objects.get(project=web, key=hooks.TOKEN_KEY).value
    signature = hmac.new(token.encode(), f"{plugin}-{project_id}".encode(), sha256).hexdigest()
    return f"/api/hooks/release/{plugin}/{project_id}/{signature}/"


def test_the_token_is_made_once_and_signs_the_address(api, web):
    first, again = api.get(TOKEN), api.get(TOKEN)

    assert re.fullmatch("[0-9a-f]{32}", first.body["token"])
    assert first.body == again.body
    assert first.body["webhookUrl"] == f"http://127.0.0.1:9000{signed(web, 'builtin', web.pk)}"


def test_another_token_ends_the_address_before(api, web, address, owner):
    changed = api.post(TOKEN)

    assert changed.status == 200
    assert api.get(TOKEN).body == changed.body
    assert post(address, {"version": "1.0"}).status_code == 403
    assert post(urlsplit(changed.body["webhookUrl"]).path, {"version": "1.0"}).status_code == 201
    entry = AuditLogEntry.objects.get(event=AuditEvent.PROJECT_EDIT)
    assert (entry.actor_id, entry.data) == (owner.pk, {"slug": "web", "changed": ["releaseToken"]})


@pytest.mark.parametrize("scope", ["project:read", "project:releases", "org:ci", "org:admin"])
def test_who_may_not_change_the_project_does_not_learn_its_token(web, owner, token_of, scope):
    caller = token_of(owner, scope)

    assert (caller.get(TOKEN).status, caller.post(TOKEN).status) == (403, 403)


def test_the_token_is_in_no_other_answer(api, web):
    token = api.get(TOKEN).body["token"]

    assert token.encode() not in api.get("/projects/acme/web/").raw
    assert token.encode() not in api.get("/organizations/acme/").raw


def test_a_build_server_makes_a_release_with_commits(web, address):
    body = {"version": "1.0", "commits": [{"id": "8f1d", "repository": "acme/web", "message": "Guard"}]}

    made, again = post(address, body, User_Agent="builder/1"), post(address, {"version": "1.0"})

    assert (made.status_code, again.status_code) == (201, 208)
    assert (made.json()["commitCount"], made.json()["projects"][0]["slug"]) == (1, "web")
    entry = AuditLogEntry.objects.get(event=AuditEvent.RELEASE_CREATE)
    assert (entry.actor_id, entry.actor_label) == (None, "build hook")
    fact = AnalyticsFact.objects.filter(name="release.created").first()
    assert (fact.data["credential"], fact.user_id) == ("api_key", None)


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer sntryu_" + "0" * 64}, {"Authorization": "Basic x"}, {"Origin": "https://evil.example"}],
    ids=["bad token", "password", "another page"],
)
def test_the_address_alone_counts(web, address, headers):
    assert post(address, {"version": "1.0"}, **headers).status_code == 201


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("{", {"error"}),
        ("[]", {"nonFieldErrors"}),
        ('{"version": "a\\u0000b"}', {"error"}),
        ({}, {"version"}),
        ({"version": "latest"}, {"version"}),
        ({"version": "1.0", "commits": [{}]}, {"commits"}),
    ],
    ids=["no JSON", "a list", "NUL", "no version", "latest", "commit"],
)
def test_a_wrong_body_is_refused(web, address, body, answer):
    refused = post(address, body)

    assert (refused.status_code, set(refused.json())) == (400, answer)
    assert refused.headers["Content-Type"] == "application/json"
    assert not Release.objects.exists()


def test_a_wrong_signature_is_refused(web, shop, address):
    hooks.token_of(shop)
    other = hooks.change_token(shop, by=Sender())
    good = address.rstrip("/").rpartition("/")[2]
    wrong = ["0" * 64, good[:-1], good.upper(), "%C3%A9", "x", other, signed(web, "builtin", shop.pk)[-65:-1]]

    for signature in wrong:
        refused = post(f"/api/hooks/release/builtin/{web.pk}/{signature}/", {"version": "1.0"})
        assert (refused.status_code, set(refused.json())) == (403, {"detail"}), signature
    assert post(f"/api/hooks/release/heroku/{web.pk}/{good}/", {}).status_code == 403
    assert post(f"/api/hooks/release/builtin/{shop.pk}/{good}/", {"version": "1.0"}).status_code == 403
    assert not Release.objects.exists()


def test_a_project_without_a_token_has_no_address(web):
    nothing = hmac.new(b"", f"builtin-{web.pk}".encode(), sha256).hexdigest()

    assert post(f"/api/hooks/release/builtin/{web.pk}/{nothing}/", {"version": "1.0"}).status_code == 403
    assert not ProjectOption.objects.exists()


@pytest.mark.parametrize("project_id", ["0", "999999999", "web", "9" * 30, "%00"])
def test_an_unknown_project_is_not_found(web, address, project_id):
    assert post(address.replace(f"/{web.pk}/", f"/{project_id}/"), {"version": "1.0"}).status_code == 404


@pytest.mark.parametrize("gone", ["project", "organization"])
def test_what_was_given_up_is_not_found(web, acme, address, gone):
    if gone == "project":
        web.status = ObjectStatus.PENDING_DELETION
        web.save()
    else:
        acme.status = OrganizationStatus.PENDING_DELETION
        acme.save()

    assert post(address, {"version": "1.0"}).status_code == 404
    assert not Release.objects.exists()


def test_the_hook_of_another_kind_of_server_is_taken_and_does_nothing(web, address):
    answer = post(signed(web, "heroku", web.pk), "no JSON")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not Release.objects.exists()


def test_the_address_makes_releases_and_nothing_else(web, address):
    for method in ("get", "put", "delete"):
        assert getattr(Client(), method)(address).status_code == 405


def test_a_release_belongs_to_the_organization_of_the_project(acme, web, address):
    release = Release.objects.create(organization=acme, version="1.0")
    ReleaseProject.objects.create(release=release, project=a_project(acme, "other"))
    a_member(acme, "ann@example.com")

    answer = post(address, {"version": "1.0"})

    assert answer.status_code == 201
    assert set(ReleaseProject.objects.values_list("project__slug", flat=True)) == {"web", "other"}
