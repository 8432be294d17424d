"""The pages of repositories and webhooks."""

from dataclasses import replace

import pytest
from django.urls import reverse

from tests.support.factories import a_member, an_organization
from tests.support.standin import Reply, StandIn
from vedette.core.sealing import unseal
from vedette.hooks.models import Delivery, DeliveryState, Webhook
from vedette.releases.models import Repository, RepositorySecret, RepositoryStatus
from vedette.shipping.hosting import hook_secret_of
from vedette.shipping.providers import TOKEN_PURPOSE

pytestmark = pytest.mark.django_db

TOKEN = "not-a-secret"
REPOSITORIES = "/organizations/acme/settings/repositories/"
WEBHOOKS = "/organizations/acme/settings/webhooks/"
ADDED = {"provider": "github", "identifier": "acme/web", "name": "", "hostUrl": "", "token": TOKEN}
HOOK = {"url": "https://receiver.example/<hook>", "events": ["issue.resolved"]}


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


@pytest.fixture
def act(browser):
    """Press a button of the one repository or webhook that there is."""

    def _act(verb, **fields):
        model, name = (Repository, "repository") if Repository.objects.exists() else (Webhook, "webhook")
        address = reverse(f"web:{name}", args=["acme", model.objects.get().pk])
        return browser.post(address, {"do": verb, **fields}, follow=True)

    return _act


def test_a_repository_is_added_and_its_token_not_shown(browser):
    answer = browser.post(REPOSITORIES, ADDED, follow=True)

    text = answer.content.decode()
    assert "acme/web is set up." in text
    assert "with a token" in text
    assert TOKEN not in text
    assert unseal(RepositorySecret.objects.get().token, TOKEN_PURPOSE) == TOKEN


def test_what_does_not_do_is_told_by_its_field_and_the_token_not_sent_back(browser):
    answer = browser.post(REPOSITORIES, {**ADDED, "identifier": "acme", "hostUrl": "https://10.0.0.1"})

    text = answer.content.decode()
    assert answer.status_code == 400
    assert "such as acme/web" in text
    assert TOKEN not in text


def test_the_host_is_asked_and_its_answer_told(browser, act, settings):
    settings.VEDETTE = replace(settings.VEDETTE, outgoing_allow=("127.0.0.1",))
    with StandIn(lambda asked: Reply(401, {"message": "Bad <b>credentials</b>"})) as host:
        browser.post(REPOSITORIES, {**ADDED, "hostUrl": host.url})
        text = act("check").content.decode()

    assert "GitHub: 401 Bad &lt;b&gt;credentials" in text


def test_a_secret_is_shown_once_with_its_address(browser, act, organization):
    browser.post(REPOSITORIES, ADDED)

    text = act("hook").content.decode()

    row = Repository.objects.get()
    assert hook_secret_of(row) in text
    assert f"/api/0/organizations/{organization.pk}/repos/{row.pk}/events/" in text
    assert hook_secret_of(row) not in browser.get(REPOSITORIES).content.decode()


def test_a_token_is_changed_and_forgotten(browser, act):
    browser.post(REPOSITORIES, ADDED)

    act("token", token="another")
    assert unseal(RepositorySecret.objects.get().token, TOKEN_PURPOSE) == "another"
    assert "plain characters" in act("token", token="a\tb").content.decode()
    act("token", token="")
    assert RepositorySecret.objects.get().token == ""


def test_a_repository_is_removed(browser, act):
    browser.post(REPOSITORIES, ADDED)

    act("remove")

    assert Repository.objects.get().status == RepositoryStatus.PENDING_DELETION
    assert "acme/web</b>" not in browser.get(REPOSITORIES).content.decode()


@pytest.mark.parametrize("verb", ["", "else", "check", "hook", "token"])
def test_one_that_nobody_hosts_can_only_be_removed(browser, act, organization, verb):
    Repository.objects.create(organization=organization, name="acme/<web>")

    assert act(verb).status_code == 404
    assert "acme/&lt;web&gt;" in browser.get(REPOSITORIES).content.decode()


@pytest.mark.parametrize("name", ["repository", "webhook"])
def test_what_another_organization_has_is_not_there(browser, name):
    other = an_organization("other")
    theirs = (
        Repository.objects.create(organization=other, name="theirs", provider="integrations:github")
        if name == "repository"
        else Webhook.objects.create(organization=other, guid="1", url="https://theirs.example", secret="", events=[])
    )

    for verb in ("remove", "check", "hook", "secret", "test"):
        assert browser.post(reverse(f"web:{name}", args=["acme", theirs.pk]), {"do": verb}).status_code == 404
    assert "theirs" not in browser.get(REPOSITORIES if name == "repository" else WEBHOOKS).content.decode()
    assert type(theirs).objects.filter(pk=theirs.pk).exists()


def test_a_webhook_is_added_and_its_secret_shown_once(browser):
    text = browser.post(WEBHOOKS, HOOK).content.decode()

    row = Webhook.objects.get()
    assert unseal(row.secret, "webhook") in text
    later = browser.get(WEBHOOKS).content.decode()
    assert unseal(row.secret, "webhook") not in later
    assert "receiver.example/&lt;hook&gt;" in later


@pytest.mark.parametrize(
    "change", [{"url": "http://127.0.0.1/"}, {"url": "nothing"}, {"events": []}, {"events": ["x"]}]
)
def test_a_webhook_that_does_not_do_is_refused(browser, change):
    assert browser.post(WEBHOOKS, {**HOOK, **change}).status_code == 400
    assert not Webhook.objects.exists()


def test_a_webhook_is_tried_switched_off_and_removed(browser, act):
    browser.post(WEBHOOKS, HOOK)
    first = Webhook.objects.get().secret

    assert "on its way" in act("test").content.decode()
    assert "switched off" in act("off").content.decode()
    assert not Webhook.objects.get().is_active
    act("on")
    assert Webhook.objects.get().is_active
    act("secret")
    assert Webhook.objects.get().secret != first
    assert act("else").status_code == 404
    act("remove")
    assert not Webhook.objects.exists()


def test_what_was_told_is_listed_with_what_became_of_it(browser, act):
    browser.post(WEBHOOKS, HOOK)
    act("test")
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, status=500, error="it answered <500>", attempts=6)

    text = browser.get(WEBHOOKS).content.decode()

    assert "webhook.test" in text
    assert "given up" in text
    assert "it answered &lt;500&gt;" in text


def test_empty_pages_say_what_they_are_for(browser):
    assert "No repositories yet" in browser.get(REPOSITORIES).content.decode()
    assert "No webhooks yet" in browser.get(WEBHOOKS).content.decode()


def test_a_plain_member_sees_neither(visit, ann, organization):
    member = visit(a_member(organization, "mo@example.com"))

    assert member.get(REPOSITORIES).status_code == 403
    assert "settings/repositories/" not in member.get("/organizations/acme/settings/members/").content.decode()
