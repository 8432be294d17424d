"""A forgotten password: a link by mail, good for an hour and for one use, and no word about who exists."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from tests.support.factors import a_code, an_app
from vedette.accounts import claims, passwords
from vedette.accounts.models import LostPasswordHash, User, UserEmail
from vedette.accounts.users import create_user
from vedette.cli.jobs import MAILS
from vedette.core import clock
from vedette.mail.models import Mail, MailState
from vedette.mail.passwords import password_url
from vedette.mail.sending import send_due

pytestmark = pytest.mark.django_db
ASK, LOGIN, ACCOUNT = "/account/recover/", "/auth/login/", "/settings/account/details/"
OLD, NEW = "a long enough password", "quite another password"


@pytest.fixture
def ann(ann):
    UserEmail.objects.update_or_create(user=ann, email=ann.email, defaults={"is_verified": True})
    return ann


def ask(name="ann@example.com", client=None):
    return (client or Client()).post(ASK, {"username": name})


def send():
    return send_due(MAILS, clock.now())


def link_of(user, at=None):
    return f"/account/recover/confirm/{user.pk}/{claims.renew(user, at or clock.now())}/"


def words(answer):
    """The page, without what is drawn by lot for each answer."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.text)


def has_password(user, password):
    return User.objects.get(pk=user.pk).check_password(password)


class TestAsking:
    def test_the_sign_in_page_leads_there(self, client, ann):
        assert f'href="{ASK}"' in client.get(LOGIN).text
        assert client.get(ASK).status_code == 200

    @pytest.mark.parametrize("name", ["ann@example.com", " ANN@example.com "])
    def test_the_link_of_the_mail_gives_a_new_password(self, ann, mailbox, name):
        ask(name)
        send()

        (arrived,) = mailbox.delivered
        assert arrived.recipients == ["ann@example.com"]
        assert arrived.message["Subject"] == "Choose a new password"
        link = re.search(r"https://vedette\.example\.com(/account/recover/confirm/\S+)", arrived.part("plain"))[1]
        assert link in arrived.part("html")
        browser = Client()
        assert browser.post(link, {"password": NEW})["Location"] == "/"
        assert browser.get(ACCOUNT).status_code == 200
        assert has_password(ann, NEW)

    def test_the_answer_is_the_same_whoever_exists(self, ann, mailbox):
        pages = set()
        for name in ("ann@example.com", "nobody@example.com", "x" * 200):
            cache.clear()
            answer = ask(name)
            pages.add((answer.status_code, words(answer)))

        assert len(pages) == 1
        assert str(send()) == "1 sent"

    def test_somebody_who_asks_again_gets_one_mail(self, ann, mailbox):
        ask()
        ask()

        assert str(send()) == "1 sent"

    def test_the_newer_link_ends_the_one_before(self, ann, client):
        before, after = link_of(ann), link_of(ann)

        assert client.get(before).status_code == 410
        assert client.get(after).status_code == 200

    def test_an_account_that_nobody_claimed_gets_the_link_by_which_it_is_claimed(self, ann, mailbox):
        User.objects.filter(pk=ann.pk).update(is_unclaimed=True)

        ask()
        send()

        assert [one.message["Subject"] for one in mailbox.delivered] == ["Claim your account"]

    @pytest.mark.parametrize("why", ["deactivated", "a program", "not verified"])
    def test_nothing_is_sent_to_who_cannot_use_it(self, ann, mailbox, why):
        fields = {"deactivated": {"is_active": False}, "a program": {"is_sentry_app": True}}
        User.objects.filter(pk=ann.pk).update(**fields.get(why, {}))
        UserEmail.objects.update(is_verified=why != "not verified")

        assert ask().status_code == 200
        send()

        assert mailbox.delivered == []
        assert not LostPasswordHash.objects.exists()

    def test_who_was_deactivated_meanwhile_is_told_nothing(self, ann, mailbox):
        ask()
        User.objects.filter(pk=ann.pk).update(is_unclaimed=True)
        send()

        assert Mail.objects.get().state == MailState.DROPPED

    def test_asking_is_braked_by_name(self, ann, mailbox):
        answers = [ask("nobody@example.com").status_code for _ in range(11)]

        assert answers == [200] * 10 + [429]
        assert ask().status_code == 200

    def test_asking_for_nobody_is_refused(self, ann):
        assert ask("").status_code == 400

    def test_without_mail_the_page_says_how_the_operator_makes_a_link(self, client, ann):
        assert "vedette password link" in client.get(ASK).text
        assert ask().status_code == 200
        assert not Mail.objects.exists()


class TestTheLink:
    def test_looking_uses_nothing_up_and_choosing_uses_it_up(self, client, ann):
        link = link_of(ann)
        assert client.get(link).status_code == 200
        assert "no-store" in client.get(link)["Cache-Control"]

        assert client.post(link, {"password": NEW}).status_code == 302

        assert Client().get(link).status_code == 410
        assert Client().post(link, {"password": "a third long password"}).status_code == 410
        assert has_password(ann, NEW)

    def test_it_is_good_for_an_hour(self, client, ann):
        link = link_of(ann, clock.now() - timedelta(hours=1, seconds=1))

        assert client.get(link).status_code == 410
        assert client.post(link, {"password": NEW}).status_code == 410
        assert has_password(ann, OLD)

    def test_a_link_that_never_was_one_looks_like_one_that_is_over(self, client, ann, stranger):
        late = link_of(ann, clock.now() - timedelta(hours=2)).removeprefix("/account/recover/confirm/")
        over = client.get(f"/account/recover/confirm/{late}")
        for path in (f"{ann.pk}/{'0' * 32}/", f"{stranger.pk}/{claims.renew(ann, clock.now())}/", "99999/x/", "x/x/"):
            answer = client.get(f"/account/recover/confirm/{path}")
            assert answer.status_code == 410
            assert words(answer).replace(path, "") == words(over).replace(late, "")

    def test_every_sign_in_ends_and_the_owner_is_told(self, ann, visit, mailbox):
        elsewhere = visit(ann)

        Client().post(link_of(ann), {"password": NEW})
        send()

        assert elsewhere.get(ACCOUNT).status_code == 302
        assert [one.message["Subject"] for one in mailbox.delivered] == ["Your password was changed"]
        assert "followed a link" in mailbox.delivered[0].part("plain")

    def test_it_does_not_go_round_the_app(self, ann):
        an_app(ann)
        browser = Client()

        assert browser.post(link_of(ann), {"password": NEW})["Location"] == "/auth/login/code/"
        assert browser.get(ACCOUNT).status_code == 302
        assert browser.post("/auth/login/code/", {"code": a_code()}).status_code == 302
        assert browser.get(ACCOUNT).status_code == 200

    def test_a_bad_password_uses_nothing_up(self, client, ann):
        link = link_of(ann)

        assert client.post(link, {"password": "short"}).status_code == 400
        assert client.post(link, {"password": NEW}).status_code == 302

    def test_a_password_that_was_changed_meanwhile_ends_it(self, client, ann):
        link = link_of(ann)
        passwords.change(ann, NEW, clock.now())

        assert client.get(link).status_code == 410

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_unclaimed": True}, {"is_sentry_app": True}])
    def test_it_opens_no_account_that_nobody_signs_in_to(self, client, ann, change):
        link = link_of(ann)
        User.objects.filter(pk=ann.pk).update(**change)

        assert client.post(link, {"password": NEW}).status_code == 410
        assert has_password(ann, OLD)

    def test_the_link_of_a_claim_opens_no_account_that_has_a_password(self, client, ann):
        code = claims.renew(ann, clock.now())

        assert client.get(f"/account/claim/{ann.pk}/{code}/").status_code == 410

    def test_of_accounts_that_share_an_address_each_gets_a_link(self, ann, mailbox):
        other = create_user("other@example.com", OLD, verified=True)
        User.objects.filter(pk=other.pk).update(email=ann.email)

        ask()

        assert str(send()) == "2 sent"


def test_the_command_s_link_works(client, ann):
    link = password_url(ann, clock.now())

    assert client.get(link[link.index("/account/") :]).status_code == 200
