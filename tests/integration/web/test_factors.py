"""Setting up an authenticator app, its recovery codes, and removing both."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.test import Client

from tests.support.factors import BASE32, a_code, a_wrong_code, an_app
from tests.support.racing import at_once
from vedette.accounts import factors, recovery
from vedette.accounts.models import Authenticator, UserEmail
from vedette.accounts.signin_limits import FAILURES_PER_NAME
from vedette.cli.jobs import MAILS
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.mail.sending import send_due
from vedette.web.views.factors import _KEY

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
ACCOUNT, SECURITY = "/settings/account/details/", "/settings/account/security/"
SET_UP = f"{SECURITY}app/"
LOGIN, CODE, RECOVERY = "/auth/login/", "/auth/login/code/", "/auth/login/recovery/"
A_CODE = re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}\b")


@pytest.fixture
def ann(ann):
    UserEmail.objects.update_or_create(user=ann, email=ann.email, defaults={"is_verified": True})
    return ann


@pytest.fixture
def codes(ann):
    """Ann has an app, and these."""
    an_app(ann)
    return factors.renew_recovery(ann, clock.now())


def setting_up(browser):
    """The browser at the page that shows the secret, which is the one that `a_code` reads from."""
    assert browser.get(SET_UP).status_code == 200
    session = browser.session
    session[_KEY] = BASE32
    session.save()
    return browser


def confirm(browser, **more):
    return browser.post(SET_UP, {"code": a_code(), "password": PASSWORD, **more})


def after_password():
    browser = Client()
    browser.post(LOGIN, {"username": "ann@example.com", "password": PASSWORD})
    return browser


def is_in(browser):
    return browser.get(ACCOUNT).status_code == 200


def subjects(mailbox):
    send_due(MAILS, clock.now())
    return [one.message["Subject"] for one in mailbox.delivered]


class TestSettingUp:
    def test_the_secret_is_shown_as_text_as_a_link_and_as_a_picture(self, visit, ann):
        browser = visit(ann)

        shown = browser.get(SET_UP).text

        secret = browser.session[_KEY]
        assert " ".join(re.findall(".{4}", secret)) in shown
        assert f"secret={secret}" in re.search(r'href="(otpauth://totp/[^"]+)"', shown)[1]
        assert '<img src="data:image/svg+xml' in shown
        assert 'alt="QR code' in shown

    def test_looking_again_shows_the_same_and_changes_nothing(self, visit, ann):
        browser = visit(ann)
        browser.get(SET_UP)
        secret = browser.session[_KEY]

        browser.get(SET_UP)

        assert browser.session[_KEY] == secret
        assert not factors.asks_for_code(ann)

    def test_one_code_and_the_password_store_it_and_codes_are_asked_for(self, visit, ann):
        browser = setting_up(visit(ann))

        shown = confirm(browser)

        assert shown.status_code == 200
        assert Authenticator.objects.get(user=ann, type=1).config == {"secret": BASE32}
        assert len(set(A_CODE.findall(re.sub(r"<a .*?>", "", shown.text)))) == 10
        assert _KEY not in browser.session
        assert is_in(browser)
        assert not is_in(after_password())

    def test_the_code_that_confirmed_it_opens_nothing_more(self, visit, ann):
        confirm(setting_up(visit(ann)))
        browser = after_password()

        assert browser.post(CODE, {"code": a_code()}).status_code == 400
        assert browser.post(CODE, {"code": a_code(1)}).status_code == 302

    def test_every_other_sign_in_ends(self, visit, ann):
        elsewhere = visit(ann)

        confirm(setting_up(visit(ann)))

        assert not is_in(elsewhere)

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"password": "wrong"}, "not your present password"),
            ({"password": ""}, "This field is required"),
            ({"code": ""}, "This field is required"),
            ({"code": "00000"}, "not what the app shows"),
        ],
        ids=["password", "no password", "no code", "code"],
    )
    def test_it_takes_both(self, visit, ann, wrong, says):
        browser = setting_up(visit(ann))

        answer = confirm(browser, **wrong)

        assert answer.status_code == 400
        assert says in answer.text
        assert not Authenticator.objects.exists()
        assert browser.session[_KEY] == BASE32  # so that the app need not scan again

    def test_guessing_the_password_is_braked(self, visit, ann):
        browser = setting_up(visit(ann))
        for _ in range(FAILURES_PER_NAME):
            confirm(browser, password="wrong")

        assert confirm(browser).status_code == 429
        assert not Authenticator.objects.exists()

    def test_a_page_that_was_open_for_too_long_begins_anew(self, visit, ann):
        answer = confirm(visit(ann))

        assert (answer.status_code, answer["Location"]) == (302, SET_UP)
        assert not Authenticator.objects.exists()

    def test_who_has_an_app_is_sent_back(self, visit, ann, codes):
        browser = visit(ann)

        assert browser.get(SET_UP)["Location"] == SECURITY
        assert confirm(browser)["Location"] == SECURITY
        with pytest.raises(RuleBroken, match="Remove it first"):
            factors.set_up(ann, BASE32, a_code(1), clock.now())
        assert Authenticator.objects.filter(user=ann, type=1).count() == 1

    def test_what_came_without_a_secret_makes_room(self, visit, ann):
        Authenticator.objects.create(user=ann, type=1, config="")

        assert confirm(setting_up(visit(ann))).status_code == 200
        assert factors.asks_for_code(ann)

    def test_it_is_told_by_mail(self, visit, ann, mailbox):
        confirm(setting_up(visit(ann)))

        assert subjects(mailbox) == ["An authenticator app was set up"]
        assert BASE32 not in mailbox.delivered[0].part("plain")
        assert "from 127.0.0.1" in mailbox.delivered[0].part("html")

    def test_what_fails_is_told_to_nobody(self, visit, ann, mailbox):
        confirm(setting_up(visit(ann)), code=a_wrong_code())

        assert subjects(mailbox) == []

    def test_an_address_that_nobody_proved_gets_no_mail(self, visit, ann, mailbox):
        UserEmail.objects.update(is_verified=False)

        confirm(setting_up(visit(ann)))

        assert subjects(mailbox) == []


class TestRecoveryCodes:
    def test_each_signs_in_once(self, codes, ann):
        browser = after_password()
        assert 'href="/auth/login/recovery/"' in browser.get(CODE).text
        assert browser.get(RECOVERY).status_code == 200

        answer = browser.post(RECOVERY, {"code": codes[3].lower()})

        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert "9 are left" in browser.get(ACCOUNT).text
        again = after_password()
        assert again.post(RECOVERY, {"code": codes[3]}).status_code == 400
        assert not is_in(again)
        assert again.post(RECOVERY, {"code": codes[4]}).status_code == 302

    def test_they_are_kept_as_hashes_in_the_form_of_an_export(self, codes, ann):
        row = Authenticator.objects.get(user=ann, type=0)

        assert set(row.config) == {"salt", "used", "hashes"}
        assert row.config["used"] == 0
        assert not any(code in str(row.config) or code.replace("-", "") in str(row.config) for code in codes)

    def test_there_is_no_page_for_them_without_the_password(self, codes):
        assert Client().get(RECOVERY)["Location"] == LOGIN
        assert Client().post(RECOVERY, {"code": codes[0]})["Location"] == LOGIN
        assert recovery.left_of(Authenticator.objects.get(type=0).user) == 10

    def test_wrong_ones_count_with_wrong_codes_of_the_app(self, codes):
        browser, wrong = after_password(), a_wrong_code()
        for _ in range(FAILURES_PER_NAME - 1):
            assert browser.post(RECOVERY, {"code": "AAAA-AAAA-AAAA"}).status_code == 400
        browser.post(CODE, {"code": wrong})

        assert browser.post(RECOVERY, {"code": codes[0]}).status_code == 429
        assert browser.post(CODE, {"code": a_code()}).status_code == 429

    def test_those_of_somebody_else_open_nothing(self, codes, stranger):
        an_app(stranger)
        theirs = factors.renew_recovery(stranger, clock.now())

        assert after_password().post(RECOVERY, {"code": theirs[0]}).status_code == 400

    def test_those_that_another_server_made_are_kept_and_not_asked_for(self, ann):
        an_app(ann)
        Authenticator.objects.create(user=ann, type=0, config={"salt": "ab", "used": 3})

        assert "recovery/" not in after_password().get(CODE).text
        assert after_password().post(RECOVERY, {"code": "AAAA-AAAA"}).status_code == 400
        assert Authenticator.objects.get(user=ann, type=0).config == {"salt": "ab", "used": 3}

    def test_with_the_last_one_the_page_says_that_none_is_left(self, codes, ann, visit):
        for number, code in enumerate(codes):
            assert recovery.accept(ann, code, clock.now()) == 9 - number

        assert recovery.accept(ann, codes[0], clock.now()) is None
        assert "You have no recovery codes" in visit(ann).get(SECURITY).text

    def test_a_clock_that_went_back_lets_none_in_twice(self, codes, ann):
        now = clock.now()

        assert recovery.accept(ann, codes[0], now) == 9
        assert recovery.accept(ann, codes[1], now - timedelta(days=1)) == 8
        assert recovery.accept(ann, codes[0], now) is None

    def test_using_one_is_told_by_mail_with_how_many_are_left(self, codes, mailbox):
        after_password().post(RECOVERY, {"code": codes[0]})

        assert subjects(mailbox) == ["A recovery code was used"]
        assert "9 recovery codes are left" in mailbox.delivered[0].part("plain")
        assert codes[0] not in mailbox.delivered[0].part("html")

    def test_new_ones_take_the_password_and_end_those_before(self, codes, ann, visit, mailbox):
        browser = visit(ann)
        assert "10 recovery codes are left" in browser.get(SECURITY).text

        refused = browser.post(SECURITY, {"part": "codes", "password": "wrong"})
        assert (refused.status_code, recovery.left_of(ann)) == (400, 10)
        assert recovery.accept(ann, codes[1], clock.now()) == 9

        shown = browser.post(SECURITY, {"part": "codes", "password": PASSWORD})
        fresh = sorted(set(A_CODE.findall(re.sub(r"<a .*?>", "", shown.text))))
        assert len(fresh) == 10
        assert shown["Cache-Control"].count("no-store") == 1
        assert not A_CODE.search(browser.get(SECURITY).text)
        assert recovery.accept(ann, codes[0], clock.now()) is None
        assert recovery.accept(ann, fresh[0], clock.now()) == 9
        assert subjects(mailbox) == ["New recovery codes were made"]

    def test_they_can_be_kept_as_a_file(self, ann, codes, visit):
        shown = visit(ann).post(SECURITY, {"part": "codes", "password": PASSWORD}).text

        link = re.search(r'href="data:text/plain;charset=utf-8,([^"]+)" download="vedette-recovery-codes.txt"', shown)
        text = unquote(link[1].replace("&#x27;", "'"))
        assert len(A_CODE.findall(text)) == 10
        assert text.startswith("Recovery codes of ann@example.com")

    def test_without_an_app_there_are_none(self, ann, visit):
        answer = visit(ann).post(SECURITY, {"part": "codes", "password": PASSWORD}, follow=True)

        assert "Set one up first" in answer.text
        assert not Authenticator.objects.exists()


class TestRemovingTheApp:
    def test_it_takes_the_password_and_the_codes_go_with_it(self, codes, ann, visit, mailbox):
        browser = visit(ann)

        assert browser.post(SECURITY, {"part": "app", "password": "wrong"}).status_code == 400
        assert factors.asks_for_code(ann)

        assert browser.post(SECURITY, {"part": "app", "password": PASSWORD}).status_code == 302
        assert not Authenticator.objects.exists()
        assert is_in(after_password())
        assert subjects(mailbox) == ["Your authenticator app was removed"]

    def test_without_one_nothing_is_removed_and_nobody_told(self, ann, visit, mailbox):
        assert visit(ann).post(SECURITY, {"part": "app", "password": PASSWORD}).status_code == 302

        assert subjects(mailbox) == []


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_recovery_code_lets_one_in(self, codes, ann):
        found = []

        at_once(*[lambda: found.append(recovery.accept(ann, codes[0], clock.now()))] * 3)

        assert sorted(found, key=str) == [9, None, None]

    def test_different_ones_are_all_used_up(self, codes, ann):
        found, waiting = [], codes[:3]

        at_once(*[lambda: found.append(recovery.accept(ann, waiting.pop(), clock.now()))] * 3)

        assert sorted(found) == [7, 8, 9]
        assert recovery.left_of(ann) == 7

    def test_one_app_is_set_up(self, ann):
        raised = at_once(*[lambda: factors.set_up(ann, BASE32, a_code(), clock.now())] * 2)

        assert sorted(type(one) for one in raised if one) == [RuleBroken]
        assert Authenticator.objects.filter(user=ann).count() == 2
