"""Webhooks over the API."""

import pytest

from tests.support.factories import an_organization
from vedette.hooks.models import Delivery, DeliveryState, Webhook

WISH = {"url": "https://receiver.example/hook", "events": ["issue.resolved", "deploy.created"]}
HOOKS = "/organizations/acme/webhooks/"


def test_a_webhook_is_made_and_its_secret_told_once(api, acme):
    made = api.post(HOOKS, WISH)

    assert (made.status, len(made.body["secret"])) == (201, 64)
    assert (made.body["url"], made.body["events"], made.body["isActive"]) == (WISH["url"], WISH["events"], True)
    listed = api.get(HOOKS)
    assert [one["id"] for one in listed.body] == [made.body["id"]]
    assert made.body["secret"].encode() not in listed.raw


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"events": ["issue.resolved"]}, "url"),
        ({"url": WISH["url"]}, "events"),
        ({**WISH, "events": []}, "events"),
        ({**WISH, "events": ["nothing"]}, "events"),
        ({**WISH, "url": "http://127.0.0.1/"}, "url"),
    ],
)
def test_what_does_not_do_is_refused_by_its_field(api, acme, wish, field):
    answer = api.post(HOOKS, wish)

    assert (answer.status, list(answer.body)) == (400, [field])


def test_a_webhook_is_changed_and_deleted(api, acme):
    number = api.post(HOOKS, WISH).body["id"]

    changed = api.put(f"{HOOKS}{number}/", {"isActive": False, "events": ["issue.assigned"]})
    assert (changed.body["isActive"], changed.body["events"], changed.body["url"]) == (
        False,
        ["issue.assigned"],
        WISH["url"],
    )
    assert api.delete(f"{HOOKS}{number}/").status == 204
    assert api.get(HOOKS).body == []


def test_another_secret_is_another(api, acme):
    made = api.post(HOOKS, WISH).body

    again = api.post(f"{HOOKS}{made['id']}/secret/")

    assert (again.status, again.body["secret"] != made["secret"]) == (201, True)


def test_what_it_was_told_is_listed(api, acme):
    number = api.post(HOOKS, WISH).body["id"]

    assert api.post(f"{HOOKS}{number}/deliveries/").status == 202
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, status=500, error="it answered 500", attempts=6)

    (one,) = api.get(f"{HOOKS}{number}/deliveries/").body
    assert (one["event"], one["state"], one["status"], one["attempts"]) == ("webhook.test", "given_up", 500, 6)


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", ""), ("DELETE", ""), ("GET", "deliveries/"), ("POST", "deliveries/"), ("POST", "secret/")],
)
def test_a_webhook_of_another_organization_is_not_there(api, acme, method, path):
    theirs = Webhook.objects.create(organization=an_organization("other"), guid="1", url="https://x.example", secret="")

    answer = api.ask(method, f"{HOOKS}{theirs.pk}/{path}", {"isActive": False}, {})

    assert (answer.status, answer.detail) == (404, "The requested resource does not exist")
    assert Webhook.objects.get().is_active
