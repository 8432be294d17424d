"""Signing in to an account with an authenticator app: the password alone opens nothing."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.support.factors import a_code, a_wrong_code, an_app
from vedette.accounts import claims, factors
from vedette.accounts.models import Authenticator, User
from vedette.accounts.signin_limits import FAILURES_PER_NAME
from vedette.core import clock

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
ACCOUNT, LOGIN, CODE = "/settings/account/details/", "/auth/login/", "/auth/login/code/"


@pytest.fixture
def app(ann):
    return an_app(ann)


def after_password(browser=None, **more):
    """A browser in which the right password was given."""
    browser = browser or Client()
    answer = browser.post(LOGIN, {"username": "ann@example.com", "password": PASSWORD, **more})
    assert (answer.status_code, answer["Location"]) == (302, CODE)
    return browser


def give(browser, code):
    return browser.post(CODE, {"code": code})


def is_in(browser):
    return browser.get(ACCOUNT).status_code == 200


class TestTheCode:
    def test_the_password_alone_opens_no_page(self, app):
        browser = after_password()

        assert not is_in(browser)
        assert browser.get("/api/0/users/me/").status_code == 401
        assert browser.get("/")["Location"].startswith(LOGIN)

    def test_the_page_asks_for_it(self, app):
        shown = after_password().get(CODE)

        assert shown.status_code == 200
        assert 'autocomplete="one-time-code"' in shown.text
        assert 'inputmode="numeric"' in shown.text

    def test_the_right_one_signs_in(self, app):
        browser = after_password()
        before = browser.session.session_key

        answer = give(browser, a_code())

        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert is_in(browser)
        assert browser.session.session_key != before
        assert browser.get(CODE)["Location"] == LOGIN

    def test_a_wrong_one_does_not(self, app):
        browser = after_password()

        answer = give(browser, a_wrong_code())

        assert answer.status_code == 400
        assert "not right" in answer.text
        assert not is_in(browser)

    def test_it_is_good_once(self, app):
        code = a_code()
        give(after_password(), code)
        again = after_password()

        assert give(again, code).status_code == 400
        assert not is_in(again)
        assert give(again, a_code(1)).status_code == 302

    def test_after_a_later_one_an_earlier_one_is_refused(self, app, ann):
        now = clock.now()

        assert factors.accept_code(ann, a_code(1), now)
        assert not factors.accept_code(ann, a_code(), now)

    def test_one_that_was_used_before_the_account_moved_is_refused(self, app, ann):
        now = clock.now()
        Authenticator.objects.update(last_used_at=now + timedelta(seconds=30))

        assert not factors.accept_code(ann, a_code(), now)

    def test_there_is_no_page_without_the_password(self, app):
        assert Client().get(CODE)["Location"] == LOGIN
        assert give(Client(), a_code())["Location"] == LOGIN

    @pytest.mark.parametrize("config", ["", {}, {"secret": "no base32!"}])
    def test_what_holds_no_secret_is_not_asked_for(self, ann, config):
        Authenticator.objects.create(user=ann, type=1, config=config)
        browser = Client()

        browser.post(LOGIN, {"username": "ann@example.com", "password": PASSWORD})

        assert is_in(browser)

    def test_other_kinds_are_not_asked_for(self, app):
        Authenticator.objects.update(type=0)
        browser = Client()

        browser.post(LOGIN, {"username": "ann@example.com", "password": PASSWORD})

        assert is_in(browser)


class TestBetweenTheTwo:
    def test_five_minutes_are_given(self, app):
        browser = after_password()
        session = browser.session
        session["second_step"] = {**session["second_step"], "until": clock.now().timestamp() - 1}
        session.save()

        assert give(browser, a_code())["Location"] == LOGIN
        assert not is_in(browser)
        assert "second_step" not in browser.session

    @pytest.mark.parametrize(
        "change",
        [{"password": "!"}, {"session_nonce": "other"}, {"is_active": False}, {"is_unclaimed": True}],
        ids=lambda change: next(iter(change)),
    )
    def test_a_change_of_the_account_ends_the_wait(self, app, ann, change):
        browser = after_password()
        User.objects.filter(pk=ann.pk).update(**change)

        assert give(browser, a_code())["Location"] == LOGIN
        assert not is_in(browser)

    def test_it_goes_on_to_where_one_wanted_to_go(self, app):
        browser = after_password(next="/organizations/acme/issues/?query=x")

        assert give(browser, a_code())["Location"] == "/organizations/acme/issues/?query=x"

    @pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example/"])
    def test_it_never_leads_to_another_host(self, app, away):
        browser = after_password(next=away)

        assert browser.post(CODE, {"code": a_code(), "next": away})["Location"] == "/"


class TestGuessing:
    def test_too_many_wrong_codes_are_refused_even_with_the_right_one_and_a_new_password_page(self, app):
        browser, wrong = after_password(), a_wrong_code()
        for number in range(FAILURES_PER_NAME):
            if number == FAILURES_PER_NAME - 1:
                after_password(browser)  # the right password forgives no wrong code
            assert give(browser, wrong).status_code == 400

        assert give(browser, a_code()).status_code == 429
        assert give(after_password(), a_code()).status_code == 429

    def test_whoever_gets_in_starts_anew(self, app):
        browser = after_password()
        for _ in range(FAILURES_PER_NAME - 1):
            give(browser, a_wrong_code())
        give(browser, a_code())

        again = after_password()
        assert [give(again, a_wrong_code()).status_code for _ in range(2)] == [400, 400]


def test_claiming_an_account_does_not_go_round_the_app(app, ann):
    User.objects.filter(pk=ann.pk).update(is_unclaimed=True)
    link = f"/account/claim/{ann.pk}/{claims.renew(ann, clock.now())}/"
    browser = Client()

    answer = browser.post(link, {"username": ann.username, "password": "another long password"})

    assert answer["Location"] == CODE
    assert not is_in(browser)
    assert give(browser, a_code()).status_code == 302
    assert is_in(browser)
