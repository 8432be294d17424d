"""What GitHub and GitLab send by themselves, from the signature to the rows."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings

from tests.integration.api.client import Api
from tests.support.factories import a_project
from vedette.core import json
from vedette.issues.models import Group, GroupLink, GroupStatus
from vedette.releases.models import Commit, CommitFileChange, PullRequest, PullRequestState, RepositoryDelivery
from vedette.shipping import hostevents
from vedette.shipping.hosting import HostedWish, give_up, hook_address, look, new_hook_secret, set_in_use, set_up_hosted
from vedette.shipping.sender import Sender

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web():
    return a_project()


@pytest.fixture
def issue(web):
    return web.groups.create(short_id=1, title="ValueError: bad")


@pytest.fixture
def at_host(web):
    """A repository at a host, and how the host sends: `send(said)` with its secret, or with another one."""

    def _at_host(kind):
        wish = HostedWish(kind, "acme/web")
        row, _ = set_up_hosted(web.organization, wish, settings.VEDETTE, by=Sender(), now=NOON)
        secret = new_hook_secret(row, by=Sender(), now=NOON)

        def send(said, secret=secret, event="push", form=False, **headers):
            body = said if isinstance(said, bytes) else json.dumps(said)
            if kind == "github":
                signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
                headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={signature}", **headers}
            else:
                headers = {"X-Gitlab-Event": "Some Hook", "X-Gitlab-Token": secret, **headers}
            return Api().ask("POST", hook_address(row).removeprefix(settings.VEDETTE.url), body, headers)

        return row, send

    return _at_host


def a_commit(key, message="Change", **fields):
    author = {"name": "Ann", "email": "ann@example.com"}
    return {
        "id": key * 40,
        "message": message,
        "timestamp": "2026-03-01T10:00:00+02:00",
        "author": author,
        "added": ["new.py"],
        "removed": [],
        "modified": ["app.py"],
        **fields,
    }


def a_push(kind, *commits, slug="acme/web", number=7):
    if kind == "github":
        return {"ref": "refs/heads/main", "repository": {"id": number, "full_name": slug}, "commits": list(commits)}
    return {"object_kind": "push", "project": {"id": number, "path_with_namespace": slug}, "commits": list(commits)}


def a_request(kind, state="open", **fields):
    if kind == "github":
        request = {
            "number": 3,
            "title": "Guard the cart",
            "body": "Fixes WEB-1",
            "state": "open" if state == "open" else "closed",
            "merged": state == "merged",
            "merge_commit_sha": "c" * 40,
            "created_at": "2026-03-01T10:00:00Z",
            "user": {"id": 42, "login": "ann"},
            "head": {"sha": "a" * 40},
            **fields,
        }
        return {"action": "x", "repository": {"id": 7, "full_name": "acme/web"}, "pull_request": request}
    request = {
        "iid": 3,
        "title": "Guard the cart",
        "description": "Fixes WEB-1",
        "state": "opened" if state == "open" else state,
        "merge_commit_sha": "c" * 40 if state == "merged" else None,
        "created_at": "2026-03-01 10:00:00 UTC",
        "author_id": 42,
        "last_commit": {"id": "a" * 40},
        **fields,
    }
    project = {"id": 7, "path_with_namespace": "acme/web"}
    user = {"id": 42, "name": "Ann", "email": "ann@example.com"}
    return {"object_kind": "merge_request", "project": project, "user": user, "object_attributes": request}


KINDS = pytest.mark.parametrize("kind", ["github", "gitlab"])


@KINDS
def test_a_push_is_kept_and_linked_and_resolves_nothing(kind, at_host, issue):
    row, send = at_host(kind)

    answer = send(a_push(kind, a_commit("a", "Guard the cart\n\nFixes WEB-1"), a_commit("b")))

    commit = Commit.objects.get(key="a" * 40)
    assert (answer.status, answer.body) == (200, {"detail": "2 commits, 0 pull requests."})
    assert (commit.repository_id, commit.author.email) == (row.pk, "ann@example.com")
    assert commit.date_added == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert set(CommitFileChange.objects.filter(commit=commit).values_list("filename", "type")) == {
        ("new.py", "A"),
        ("app.py", "M"),
    }
    assert GroupLink.objects.get().linked_id == commit.pk
    assert Group.objects.get().status == GroupStatus.UNRESOLVED


@KINDS
def test_a_pull_request_is_kept_as_it_goes_on(kind, at_host, issue):
    _, send = at_host(kind)
    send(a_push(kind, a_commit("a")))

    send(a_request(kind), event="pull_request")
    row = PullRequest.objects.get()
    assert (row.key, row.title, row.message) == ("3", "Guard the cart", "Fixes WEB-1")
    assert (row.state, row.merge_commit_sha) == (PullRequestState.OPEN, None)
    assert GroupLink.objects.get().linked_id == row.pk
    assert row.pullrequestcommit_set.get().commit.key == "a" * 40

    send(a_request(kind, "merged"), event="pull_request")
    row.refresh_from_db()
    assert (row.state, row.merge_commit_sha) == (PullRequestState.MERGED, "c" * 40)


@KINDS
def test_one_that_is_closed_is_not_merged(kind, at_host):
    _, send = at_host(kind)

    send(a_request(kind, "closed"), event="pull_request")

    assert PullRequest.objects.get().state == PullRequestState.CLOSED
    assert PullRequest.objects.get().merge_commit_sha is None


@pytest.mark.parametrize(
    ("fields", "merged"),
    [({"squash_commit_sha": "d" * 40}, "d"), ({}, "a")],
    ids=["squashed", "fast forward"],
)
def test_a_merge_without_a_commit_of_its_own_is_known_by_its_last(at_host, fields, merged):
    _, send = at_host("gitlab")

    send(a_request("gitlab", "merged", merge_commit_sha=None, **fields))

    assert PullRequest.objects.get().merge_commit_sha == merged * 40


@KINDS
def test_what_is_not_signed_finds_nothing(kind, at_host):
    _, send = at_host(kind)
    push = a_push(kind, a_commit("a"))
    nowhere = Api().ask("POST", "/organizations/acme/repos/999/events/", json.dumps(push), {})

    answers = [
        send(push, secret="wrong"),
        send(push, **{"X-Hub-Signature-256": "", "X-Gitlab-Token": ""}),
        send(push, **{"X-Hub-Signature-256": "sha256=é", "X-Gitlab-Token": "é"}),
        send(push, **{"X-Hub-Signature-256": "sha1=abc", "X-Gitlab-Token": "None"}),
    ]

    assert {(answer.status, answer.detail) for answer in answers} == {(404, nowhere.detail)}
    assert nowhere.status == 404
    assert not Commit.objects.exists()


def test_one_host_cannot_speak_as_the_other(at_host):
    _, send = at_host("github")
    push = a_push("github", a_commit("a"))

    assert send(push, **{"X-Hub-Signature-256": "", "X-Gitlab-Token": "the secret is not told"}).status == 404


@KINDS
def test_a_repository_without_a_secret_takes_nothing(kind, at_host):
    row, send = at_host(kind)
    row.secrets.delete()

    assert send(a_push(kind, a_commit("a")), secret="").status == 404


@KINDS
@pytest.mark.parametrize("end", [give_up, lambda row, by: set_in_use(row, False, by=by)], ids=["given up", "disabled"])
def test_a_repository_that_is_not_in_use_takes_nothing(kind, end, at_host):
    row, send = at_host(kind)
    end(row, by=Sender())

    assert send(a_push(kind, a_commit("a"))).status == 404


@KINDS
def test_what_comes_twice_is_taken_once(kind, at_host):
    _, send = at_host(kind)
    push = a_push(kind, a_commit("a"))
    send(push)
    Commit.objects.all().delete()

    assert send(push).body == {"detail": "This was taken before."}
    assert not Commit.objects.exists()


def test_what_was_taken_long_ago_is_forgotten(at_host):
    row, send = at_host("github")
    RepositoryDelivery.objects.create(
        repository=row, key="old", date_added=NOON - hostevents.REMEMBERED_FOR - timedelta(days=1)
    )

    send(a_push("github", a_commit("a")))

    assert RepositoryDelivery.objects.get().key != "old"


@KINDS
def test_a_host_that_tells_of_another_repository_is_told_so(kind, at_host):
    _, send = at_host(kind)

    answer = send(a_push(kind, a_commit("a"), slug="acme/api", number=8))

    assert (answer.status, answer.detail) == (400, "This is about another repository.")
    assert not Commit.objects.exists()


@KINDS
def test_a_repository_that_was_renamed_is_known_by_its_number(kind, at_host):
    row, send = at_host(kind)
    row.external_id = "git.example.org:7"
    row.save()

    assert send(a_push(kind, a_commit("a"), slug="acme/renamed")).status == 200


@pytest.mark.parametrize(
    "said",
    [
        {"zen": "Speak like a human."},
        [],
        None,
        {"object_kind": "push"},
        {"object_kind": "merge_request", "object_attributes": []},
        {"pull_request": {"number": "3"}},
        {"commits": {"a": 1}},
        {"commits": [{"id": 3}, None, "x"]},
    ],
)
@KINDS
def test_what_means_nothing_here_is_answered_and_no_more(kind, said, at_host):
    _, send = at_host(kind)

    assert send(said).body == {"detail": "There is nothing in this that is kept."}
    assert send(said, event="ping").status == 200


@KINDS
def test_fields_of_other_types_and_texts_of_any_length_are_taken_as_far_as_they_go(kind, at_host):
    _, send = at_host(kind)
    odd = a_commit("a", "m" * 100_000, author={"name": 1, "email": None}, timestamp="yesterday", added=[1, "a\0b"])

    assert send(a_push(kind, odd)).status == 200
    assert CommitFileChange.objects.filter(type="A").get().filename == "ab"


@pytest.mark.parametrize("body", [b"", b"no json", b"payload=x"])
def test_what_is_signed_and_no_json_is_refused(at_host, body):
    _, send = at_host("github")

    assert send(body).status == 400


def test_a_body_that_is_too_large_is_refused_before_anything_else(at_host, monkeypatch):
    monkeypatch.setattr("vedette.api.hostevents.MAX_BODY_BYTES", 100)
    _, send = at_host("github")

    assert send(b"x" * 101).status == 413


def test_github_may_send_a_form(at_host, client):
    row, _ = at_host("github")
    secret = new_hook_secret(row, by=Sender(), now=NOON)
    body = urlencode({"payload": json.dumps(a_push("github", a_commit("a"))).decode()}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

    answer = client.generic(
        "POST",
        hook_address(row).removeprefix(settings.VEDETTE.url),
        body,
        content_type="application/x-www-form-urlencoded",
        headers={"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={signature}"},
    )

    assert (answer.status_code, Commit.objects.count()) == (200, 1)


def test_a_host_that_was_never_set_up_cannot_be_looked_at(web):
    row = web.organization.repositories.create(name="acme/web")

    assert not look(row, settings.VEDETTE).is_there
