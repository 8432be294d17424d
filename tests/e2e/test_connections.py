"""A host that tells of a push, a release that holds it, and a receiver that is told: all over sockets."""

import hashlib
import hmac
import json

import pytest
import sentry_sdk

from tests.support.standin import Reply, StandIn

COMMIT = "a" * 40


@pytest.fixture
def receiver():
    with StandIn(lambda asked: Reply(204)) as server:
        yield server


@pytest.fixture
def server(start_server):
    return start_server(environment={"VEDETTE_OUTGOING_ALLOW": "127.0.0.1"})


def test_a_push_and_a_release_resolve_an_issue_and_a_webhook_is_told(server, receiver):
    made = server.bootstrap("acme", "web", "ann@example.com")
    api = server.api(made["auth_token"])
    org = "/api/0/organizations/acme"
    _report(made["dsn"])
    server.flush()
    (issue,) = api.get(f"{org}/issues/").json()
    hook = api.post_json(f"{org}/webhooks/", {"url": f"{receiver.url}/hook", "events": ["issue.resolved"]}).json()
    repository = api.post_json(f"{org}/repos/", {"provider": "github", "identifier": "acme/web"}).json()
    host = api.post_json(f"{org}/repos/{repository['id']}/hook/", {}).json()

    pushed = _push(server, host, f"Guard the cart\n\nFixes {issue['shortId']}")
    commit = {"id": COMMIT, "repository": "acme/web"}
    released = api.post_json(f"{org}/releases/", {"version": "1.1.0", "projects": ["web"], "commits": [commit]})

    assert (pushed.status, pushed.json()) == (200, {"detail": "1 commits, 0 pull requests."})
    assert released.status == 201
    server.wait_for(lambda: bool(receiver.asked), 20, "the webhook")
    (asked,) = receiver.asked
    body = json.loads(asked.body)
    signature = hmac.new(hook["secret"].encode(), asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["sentry-hook-signature"] == signature
    assert (body["action"], body["data"]["issue"]["shortId"]) == ("resolved", issue["shortId"])
    server.wait_for(lambda: _state(api, org, hook) == "delivered", 10, "its mark")


def _report(dsn):
    client = sentry_sdk.Client(dsn, release="1.0.0", default_integrations=False)
    client.capture_event({"message": "the cart is null", "level": "error"})
    client.close(10)


def _push(server, host, message):
    author = {"name": "Ann", "email": "ann@example.com"}
    commit = {"id": COMMIT, "message": message, "timestamp": "2026-03-01T10:00:00Z", "author": author}
    body = json.dumps({"repository": {"id": 7, "full_name": "acme/web"}, "commits": [commit]}).encode()
    signature = hmac.new(host["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return server.client.request("POST", host["url"].removeprefix(server.url), body, headers)


def _state(api, org, hook):
    return api.get(f"{org}/webhooks/{hook['id']}/deliveries/").json()[0]["state"]
