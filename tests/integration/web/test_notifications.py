"""Choosing what to be told by mail, and stopping it by a link."""

import re

import pytest

from vedette.mail.preferences import ALL, COMMITTED, DEPLOYS, FETCHES, NEVER, choices_of, choose
from vedette.mail.unsubscribe import token_of

pytestmark = pytest.mark.django_db

SETTINGS = "/settings/account/notifications/"


def link(user, preference=DEPLOYS):
    return f"/unsubscribe/{token_of(user.pk, preference)}/"


def test_the_page_shows_what_holds_and_keeps_what_is_chosen(visit, ann):
    browser = visit(ann)

    assert re.search(r'<option value="committed"[^>]* selected', browser.get(SETTINGS).text)
    answer = browser.post(SETTINGS, {"deploys": ALL, "fetches": NEVER})

    assert answer.status_code == 302
    assert choices_of(ann.pk) == {"deploys": ALL, "fetches": NEVER}
    assert re.search(r'<option value="all"[^>]* selected', browser.get(SETTINGS).text)


def test_a_choice_that_there_is_not_is_refused(visit, ann):
    answer = visit(ann).post(SETTINGS, {"deploys": "loudly", "fetches": NEVER})

    assert answer.status_code == 400
    assert choices_of(ann.pk) == {"deploys": COMMITTED, "fetches": "always"}


def test_the_page_says_why_no_mail_comes(visit, ann):
    assert "This server sends no mail" in visit(ann).get(SETTINGS).text


def test_the_page_says_where_mail_goes(visit, ann, mailbox):
    assert "None of your addresses is verified" in visit(ann).get(SETTINGS).text

    ann.emails.update(is_verified=True)

    assert "Mail goes to ann@example.com" in visit(ann).get(SETTINGS).text


def test_a_link_stops_one_kind_without_a_sign_in_and_only_when_it_is_confirmed(visit, ann):
    shown = visit().get(link(ann))
    assert shown.status_code == 200
    assert "Stop these mails?" in shown.text
    assert choices_of(ann.pk)["deploys"] == COMMITTED

    stopped = visit().post(link(ann), {"List-Unsubscribe": "One-Click"})

    assert stopped.status_code == 200
    assert "No more of these mails" in stopped.text
    assert choices_of(ann.pk) == {"deploys": NEVER, "fetches": "always"}


def test_a_mail_program_stops_it_with_one_request_and_no_cookie(visit, ann):
    program = visit(enforce_csrf_checks=True)

    answer = program.post(link(ann, FETCHES), b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")

    assert answer.status_code == 200
    assert choices_of(ann.pk)["fetches"] == NEVER


def test_stopping_it_again_changes_nothing(visit, ann):
    choose(ann.pk, DEPLOYS, ALL)
    for _ in range(2):
        assert visit().post(link(ann)).status_code == 200

    assert choices_of(ann.pk)["deploys"] == NEVER


def test_the_page_of_a_link_names_nobody(visit, ann):
    page = visit().get(link(ann)).text

    assert "ann@example.com" not in page
    assert "Ann" not in page


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token.replace("deploys", "fetches"),
        lambda token: "2" + token,
        lambda token: "nonsense",
        lambda token: f"{token} ",
    ],
    ids=["cut", "other-kind", "other-user", "nonsense", "more"],
)
def test_a_link_that_nobody_signed_stops_nothing(visit, ann, spoil):
    answer = visit().post(f"/unsubscribe/{spoil(token_of(ann.pk, DEPLOYS))}/")

    assert answer.status_code == 404
    assert "not good any more" in answer.text
    assert choices_of(ann.pk) == {"deploys": COMMITTED, "fetches": "always"}


def test_a_link_of_somebody_who_is_gone_is_not_good_any_more(visit, ann, stranger):
    address = link(ann)
    ann.delete()

    assert visit().post(address).status_code == 404
