"""Accounts that came from another server: nobody signs in to them but by the link of a mail, within an hour."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache

from tests.support.factories import a_member, an_organization
from vedette.accounts import claims
from vedette.accounts.models import LostPasswordHash, User, UserEmail
from vedette.accounts.users import create_user
from vedette.cli.jobs import MAILS
from vedette.core import clock
from vedette.mail.claims import claim_url, send_claims
from vedette.mail.models import Mail
from vedette.mail.sending import send_due

pytestmark = pytest.mark.django_db
PASSWORD = "quite a long password"


def unclaimed(email="jane@example.com", username="", **more):
    """An account as an import leaves it."""
    user = create_user(email, "nobody knows this one")
    User.objects.filter(pk=user.pk).update(is_unclaimed=True, username=username or email, **more)
    user.refresh_from_db()
    return user


def path_of(user, at=None):
    return f"/account/claim/{user.pk}/{claims.renew(user, at or clock.now())}/"


@pytest.fixture
def jane(db, ann):
    return unclaimed()


@pytest.fixture
def post():
    """Send what waits in the outbox."""
    return lambda: send_due(MAILS, clock.now())


class TestSigningIn:
    def test_the_right_password_of_an_unclaimed_account_opens_nothing(self, client, jane):
        answer = client.post("/auth/login/", {"username": jane.email, "password": "nobody knows this one"})

        assert answer.status_code == 400
        assert "do not fit together" in answer.text

    def test_a_sign_in_ends_when_its_account_becomes_unclaimed(self, visit, ann):
        browser = visit(ann)
        assert browser.get("/settings/account/details/").status_code == 200

        User.objects.filter(pk=ann.pk).update(is_unclaimed=True)

        assert browser.get("/settings/account/details/").status_code == 302


class TestTheLink:
    def test_it_gives_the_account_a_password_and_signs_in(self, client, jane):
        link = path_of(jane)
        assert client.get(link).status_code == 200

        answer = client.post(link, {"username": jane.username, "password": PASSWORD})

        assert answer.status_code == 302
        assert client.get("/settings/account/details/").status_code == 200
        jane.refresh_from_db()
        assert jane.check_password(PASSWORD)
        assert not jane.is_unclaimed
        assert UserEmail.objects.get(user=jane).is_verified
        assert not LostPasswordHash.objects.exists()

    def test_another_user_name_may_be_chosen(self, client, jane):
        client.post(path_of(jane), {"username": " jane ", "password": PASSWORD})

        assert User.objects.get(pk=jane.pk).username == "jane"

    def test_it_is_good_once(self, client, jane):
        link = path_of(jane)
        client.post(link, {"username": jane.username, "password": PASSWORD})
        client.post("/auth/logout/")

        assert client.get(link).status_code == 410
        assert client.post(link, {"username": jane.username, "password": "another long one"}).status_code == 410
        assert User.objects.get(pk=jane.pk).check_password(PASSWORD)

    @pytest.mark.parametrize(("minutes", "status"), [(59, 200), (61, 410)])
    def test_it_is_good_for_an_hour(self, client, jane, minutes, status):
        assert client.get(path_of(jane, clock.now() - timedelta(minutes=minutes))).status_code == status

    def test_a_newer_one_ends_it(self, client, jane):
        older, newer = path_of(jane), path_of(jane)

        assert client.get(older).status_code == 410
        assert client.get(newer).status_code == 200

    def test_the_code_of_another_account_opens_nothing(self, client, jane):
        other = unclaimed("joe@example.com")
        code = claims.renew(other, clock.now())
        claims.renew(jane, clock.now())

        answer = client.post(f"/account/claim/{jane.pk}/{code}/", {"username": "x", "password": PASSWORD})

        assert answer.status_code == 410
        assert User.objects.get(pk=jane.pk).is_unclaimed

    def test_a_wrong_code_an_unknown_account_and_an_old_link_look_the_same(self, client, jane):
        old = path_of(jane, clock.now() - timedelta(hours=2))
        wrong, unknown = f"/account/claim/{jane.pk}/{'0' * 32}/", f"/account/claim/{10**30}/é/"
        pages = [client.get(path) for path in (old, wrong, unknown)]

        assert {answer.status_code for answer in pages} == {410}
        assert len({answer.text.partition("<main")[2].partition("</main>")[0] for answer in pages}) == 1

    @pytest.mark.parametrize("field", ["is_active", "is_sentry_app", "is_unclaimed"])
    def test_who_may_not_claim_cannot_with_a_link_either(self, client, jane, field):
        link = path_of(jane)
        User.objects.filter(pk=jane.pk).update(**{field: field == "is_sentry_app"})

        assert client.get(link).status_code == 410

    @pytest.mark.parametrize(
        ("username", "password", "says"),
        [
            ("ANN@example.com", PASSWORD, "taken"),
            ("jane", "short", "too short"),
            ("", PASSWORD, "required"),
            ("x" * 129, PASSWORD, "at most 128"),
        ],
    )
    def test_what_may_not_be_is_told_by_the_field_and_the_link_stays(self, client, jane, username, password, says):
        link = path_of(jane)

        answer = client.post(link, {"username": username, "password": password})

        assert answer.status_code == 400
        assert says in answer.text
        assert client.get(link).status_code == 200
        assert User.objects.get(pk=jane.pk).is_unclaimed

    def test_two_accounts_of_one_address_are_claimed_apart(self, client, jane):
        twin = unclaimed("twin@example.com", username="jane@example.com-k3")
        User.objects.filter(pk=twin.pk).update(email=jane.email)
        twin.refresh_from_db()

        answer = client.post(path_of(twin), {"username": twin.username, "password": PASSWORD})

        assert answer.status_code == 302
        assert User.objects.get(pk=jane.pk).is_unclaimed

    def test_the_page_is_kept_by_no_cache_and_told_to_no_other_site(self, client, jane):
        answer = client.get(path_of(jane))

        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "same-origin"


class TestTheMail:
    def test_it_goes_to_the_accounts_address_with_a_link_that_works(self, client, jane, mailbox, post):
        UserEmail.objects.update(is_verified=False)

        assert send_claims([jane.pk], clock.now()) == 1
        assert str(post()) == "1 sent"

        (arrived,) = mailbox.delivered
        assert arrived.recipients == ["jane@example.com"]
        link = re.search(r"https://vedette\.example\.com(/account/claim/\S+)", arrived.part("plain"))
        assert link
        assert link[1] in arrived.part("html")
        assert client.get(link[1]).status_code == 200

    def test_it_cannot_be_switched_off_and_does_not_say_so(self, jane, mailbox, post):
        send_claims([jane.pk], clock.now())
        post()

        (arrived,) = mailbox.delivered
        assert arrived.message["List-Unsubscribe"] is None
        assert "Stop mails" not in arrived.part("plain") + arrived.part("html")

    def test_an_outbox_that_waited_sends_a_link_that_is_good_for_an_hour(self, client, jane, mailbox, post):
        claims.renew(jane, clock.now() - timedelta(hours=5))
        send_claims([jane.pk], clock.now())
        post()

        assert LostPasswordHash.objects.get(user=jane).date_added > clock.now() - timedelta(minutes=1)

    def test_who_claimed_the_account_meanwhile_gets_none(self, jane, mailbox, post):
        send_claims([jane.pk], clock.now())
        User.objects.update(is_unclaimed=False)

        assert str(post()) == "1 dropped"

    def test_it_is_sent_to_who_waits_and_once_in_some_minutes(self, jane, ann, mailbox):
        gone = unclaimed("gone@example.com", is_active=False)
        bot = unclaimed("bot@example.com", is_sentry_app=True)
        nowhere = unclaimed("nowhere@example.com")
        User.objects.filter(pk=nowhere.pk).update(email="")
        everybody = [jane.pk, ann.pk, gone.pk, bot.pk, nowhere.pk]

        assert send_claims(everybody, clock.now()) == 1
        assert send_claims(everybody, clock.now()) == 0
        assert Mail.objects.get().user_id == jane.pk

    def test_nothing_is_kept_where_the_server_sends_no_mail(self, jane):
        assert send_claims([jane.pk], clock.now()) == 0
        assert not Mail.objects.exists()


class TestAskingForAnotherOne:
    @pytest.mark.parametrize("name", ["jane@example.com", "JANE@EXAMPLE.COM", " jane@example.com "])
    def test_the_sign_in_page_leads_to_a_new_mail(self, client, jane, mailbox, name):
        assert "/account/claim/" in client.get("/auth/login/").text

        answer = client.post("/account/claim/", {"username": name})

        assert answer.status_code == 200
        assert Mail.objects.get().user_id == jane.pk

    def test_nobody_learns_which_accounts_wait(self, client, jane, mailbox):
        pages = [
            client.post("/account/claim/", {"username": name})
            for name in (jane.email, "ann@example.com", "nobody@example.com")
        ]

        assert {answer.status_code for answer in pages} == {200}
        assert len({re.sub(r'name="csrf\w+" value="\w+"', "", answer.text) for answer in pages}) == 1

    def test_it_cannot_be_asked_for_ever(self, client, jane, mailbox):
        statuses = [client.post("/account/claim/", {"username": "nobody"}).status_code for _ in range(11)]

        assert statuses == [200] * 10 + [429]
        cache.clear()
        assert client.post("/auth/login/", {"username": "nobody", "password": "x"}).status_code == 400


class TestAnOwner:
    def test_sees_who_waits_and_sends_the_mail_again(self, visit, organization, ann, mailbox):
        member = a_member(organization, "new@example.com", "member")
        User.objects.filter(pk=member.pk).update(is_unclaimed=True)
        row = member_id(organization, member)
        browser = visit(ann)
        assert "not claimed yet" in browser.get("/organizations/acme/settings/members/").text

        answer = browser.post(f"/organizations/acme/settings/members/{row}/claim/", follow=True)

        assert "The mail is on its way." in answer.text
        assert Mail.objects.get().user_id == member.pk

    def test_sends_none_to_members_of_another_organization(self, visit, ann, mailbox):
        other = an_organization("elsewhere")
        member = a_member(other, "new@example.com", "member")
        User.objects.filter(pk=member.pk).update(is_unclaimed=True)
        row = member_id(other, member)

        browser = visit(ann)

        assert browser.post(f"/organizations/acme/settings/members/{row}/claim/").status_code == 404
        assert browser.post(f"/organizations/elsewhere/settings/members/{row}/claim/").status_code == 404
        assert not Mail.objects.exists()

    def test_is_told_when_this_server_sends_no_mail(self, visit, organization, ann):
        member = a_member(organization, "new@example.com", "member")
        User.objects.filter(pk=member.pk).update(is_unclaimed=True)

        answer = visit(ann).post(
            f"/organizations/acme/settings/members/{member_id(organization, member)}/claim/", follow=True
        )

        assert "sends no mail" in answer.text


def member_id(organization, user):
    return organization.members.get(user_id=user.pk).pk


def test_the_command_prints_a_link_that_works(client, jane):
    link = claim_url(jane, clock.now())

    assert client.get(link[link.index("/account/") :]).status_code == 200
