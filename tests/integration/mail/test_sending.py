"""The job that sends what waits, against a mail server that speaks SMTP."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from tests.integration.mail.conftest import NOON, WAIT
from tests.support.smtp import Behaviour
from vedette.accounts.models import User, UserEmail
from vedette.accounts.users import create_user
from vedette.cli.jobs import JOBS
from vedette.core.addresses import read_mail_url
from vedette.mail import sending
from vedette.mail.models import Mail, MailState
from vedette.mail.sending import ATTEMPTS, KEPT, LEASE, OLDEST, send_due
from vedette.mail.unsubscribe import read_token
from vedette.tasks.names import MAIL

pytestmark = pytest.mark.django_db
DUE = NOON + WAIT
MINUTE = timedelta(minutes=1)


def state():
    mail = Mail.objects.get()
    return MailState(mail.state), mail.error


def test_a_mail_is_sent_once(mailbox, tell, send):
    tell("one")

    assert not send(DUE - MINUTE)
    assert str(send()) == "1 sent"
    assert not send(DUE + LEASE)

    (arrived,) = mailbox.delivered
    assert (arrived.sender, arrived.recipients) == ("vedette@example.com", ["ann@example.com"])
    assert (arrived.message["From"], arrived.message["To"]) == ("vedette@example.com", "ann@example.com")
    mail = Mail.objects.get()
    assert (mail.state, mail.attempts, mail.items) == (MailState.SENT, 1, [])
    assert mail.ended_at >= DUE


def test_a_mail_says_how_it_is_stopped_and_that_no_person_wrote_it(mailbox, tell, send, ann, kind):
    tell("one")
    send()

    message = mailbox.delivered[0].message
    address = message["List-Unsubscribe"].strip()  # a long header begins on the next line
    assert address.startswith("<https://vedette.example.com/unsubscribe/")
    token = address.rstrip("/>").rpartition("/")[2]
    assert read_token(token) == (ann.pk, kind.preference)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    for part in ("plain", "html"):
        assert address.strip("<>") in mailbox.delivered[0].part(part)
        assert "https://vedette.example.com/settings/account/notifications/" in mailbox.delivered[0].part(part)


def test_nothing_in_a_mail_is_loaded_from_elsewhere(mailbox, tell, send):
    tell("one")
    send()

    html = mailbox.delivered[0].part("html")
    for word in ("<img", "<script", "<link", "src=", "url(", "@import"):
        assert word not in html


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: eve@example.com", "a\nBcc: eve@example.com\n\nbody", "a\x0bb\x85c\u2028Bcc: eve@example.com"],
    ids=["line", "body", "odd-line-ends"],
)
def test_no_header_can_be_smuggled_into_a_subject(mailbox, tell, send, subject):
    tell(subject)
    send()

    (arrived,) = mailbox.delivered
    assert arrived.recipients == ["ann@example.com"]
    assert arrived.message["Bcc"] is None
    assert arrived.message["Subject"].startswith("a")
    assert "Bcc: eve@example.com" in arrived.message["Subject"]


def test_an_address_that_would_be_more_than_one_header_gets_nothing(mailbox, tell, send, ann):
    UserEmail.objects.update(email="ann@example.com\nBcc: eve@example.com")
    tell("one")

    assert str(send()) == "1 given up"
    assert mailbox.delivered == []


def test_what_is_beyond_ascii_arrives(mailbox, tell, send):
    tell("Größe 大 🎉")
    send()

    assert mailbox.delivered[0].message["Subject"] == "Größe 大 🎉"


@pytest.mark.parametrize("words", ["553 5.1.3 no such mailbox", "550 5.7.1 not here"])
def test_a_recipient_that_is_refused_for_good_is_given_up_and_others_get_theirs(mailbox, tell, send, ann, words):
    mailbox.behaviour.replies["RCPT"] = [words]
    tell("one", ann, create_user("bob@example.com", None, verified=True))

    assert str(send()) == "1 sent, 1 given up"
    assert Mail.objects.get(user=ann).error == f"SMTPRecipientsRefused: {words}"
    assert [one.recipients for one in mailbox.delivered] == [["bob@example.com"]]


def test_a_message_that_is_refused_for_good_is_given_up(mailbox, tell, send):
    mailbox.behaviour.after_data = ["554 5.7.1 looks like spam"]
    tell("one")
    send()

    assert state() == (MailState.GIVEN_UP, "SMTPDataError: 554 5.7.1 looks like spam")


@pytest.mark.parametrize("command", ["RCPT", "DATA", "MAIL", "CONNECT", "EHLO"])
def test_what_is_refused_for_now_is_tried_again(mailbox, tell, send, command):
    # a server that refuses EHLO is asked with HELO, which is refused as well
    mailbox.behaviour.replies = {command: ["451 4.7.1 later"], "HELO": ["451 4.7.1 later"]}
    tell("one")

    assert str(send()) == "1 put off"
    assert state()[0] is MailState.WAITING
    assert "later" in state()[1]
    assert not send(DUE + MINUTE / 2)
    assert str(send(DUE + 2 * MINUTE)) == "1 sent"
    assert len(mailbox.delivered) == 1


def test_a_server_that_is_away_is_not_asked_for_every_mail(mailbox, tell, send, ann, settings):
    tell("one", ann, create_user("bob@example.com", None, verified=True))
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1

    assert str(send()) == "1 put off"
    assert "Connection refused" in Mail.objects.exclude(error="").get().error
    settings.EMAIL_PORT = port
    assert str(send(DUE + 2 * MINUTE)) == "2 sent"


def test_pauses_double_and_in_the_end_a_mail_is_given_up(mailbox, tell, send):
    tell("one")
    now, pauses = DUE, []
    while Mail.objects.get().state == MailState.WAITING:
        mailbox.behaviour.replies["RCPT"] = ["450 busy"]
        send(now)
        pauses.append((Mail.objects.get().due_at - now) // MINUTE)
        now = Mail.objects.get().due_at

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 0]
    assert len(pauses) == ATTEMPTS
    assert state() == (MailState.GIVEN_UP, "SMTPRecipientsRefused: 450 busy")
    assert mailbox.delivered == []


def test_an_answer_that_is_lost_repeats_the_mail_under_the_same_id(mailbox, tell, send):
    mailbox.behaviour.after_data = [None]
    tell("one")

    assert str(send()) == "1 put off"
    send(DUE + 2 * MINUTE)

    first, second = mailbox.delivered
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.message["Message-ID"].endswith("@vedette.example.com>")


def test_whoever_dies_over_a_mail_leaves_it_to_the_next_until_it_is_given_up(mailbox, tell, send, monkeypatch):
    tell("one")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_compose", killed)
        for attempt in range(ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                send(DUE + attempt * 2 * LEASE)
        assert not send(DUE + (ATTEMPTS - 1) * 2 * LEASE + MINUTE)
    send(DUE + ATTEMPTS * 2 * LEASE)

    assert state() == (MailState.GIVEN_UP, "it waited for too long")


def test_a_mail_that_cannot_be_made_holds_up_no_other(mailbox, tell, kind, ann):
    def compose(user, items, left_out):
        if user == ann:
            raise ZeroDivisionError("a defect")
        return kind.compose(user, items, left_out)

    tell("one", ann, create_user("bob@example.com", None, verified=True))

    assert str(send_due([replace(kind, compose=compose)], DUE)) == "1 sent, 1 put off"
    assert Mail.objects.get(user=ann).error == "an internal error; the server's log says more"


def test_a_mail_that_waited_for_days_is_no_news(mailbox, tell, send):
    tell("one")

    assert str(send(NOON + OLDEST + MINUTE)) == "1 given up"


def test_nobody_is_told_what_there_is_no_more(mailbox, tell, send):
    tell("")

    assert str(send()) == "1 dropped"
    assert state() == (MailState.DROPPED, "")


def test_a_kind_that_nobody_knows_any_more_is_dropped(mailbox, tell):
    tell("one")

    assert str(send_due([], DUE)) == "1 dropped"


@pytest.mark.parametrize("without", ["a verified address", "a right to sign in"])
def test_whoever_has_no_address_of_their_own_is_not_told(mailbox, tell, send, without):
    tell("one")
    UserEmail.objects.update(is_verified=without != "a verified address")
    User.objects.update(is_active=without != "a right to sign in")

    assert str(send()) == "1 dropped"


def test_an_address_that_is_not_verified_gives_way_to_one_that_is(mailbox, tell, send, ann):
    UserEmail.objects.update(is_verified=False)
    UserEmail.objects.create(user=ann, email="ann@home.example", is_verified=True)
    tell("one")
    send()

    assert mailbox.delivered[0].recipients == ["ann@home.example"]


def test_mails_of_a_run_share_a_connection_and_a_server_may_hang_up_in_between(mailbox, tell, send, ann):
    people = [create_user(f"p{number}@example.com", None, verified=True) for number in range(3)]
    mailbox.behaviour.replies["NOOP"] = ["250 fine", "421 that is enough"]
    tell("one", *people)

    assert str(send()) == "3 sent"
    assert mailbox.connections == 2


def test_the_password_of_the_address_is_used_and_a_wrong_one_never_told(mailbox, tell, send, settings):
    mailbox.behaviour = Behaviour(password=("post", "s3cret/word"))
    tell("one")

    def configure(password):
        for name, value in read_mail_url(f"smtp://post:{password}@127.0.0.1:{mailbox.port}?tls=false").items():
            setattr(settings, name, value)

    configure("wr0ng")
    assert str(send()) == "1 put off"
    assert "535 5.7.8" in state()[1]
    assert "wr0ng" not in state()[1]
    configure("s3cret%2Fword")
    assert str(send(DUE + 2 * MINUTE)) == "1 sent"


def test_without_a_mail_server_what_waits_goes_on_waiting(mailbox, tell, send, settings):
    tell("one")
    settings.VEDETTE = replace(settings.VEDETTE, sends_mail=False)

    assert not send()
    assert state()[0] is MailState.WAITING


def test_rows_of_mails_that_are_done_with_go_after_a_while(mailbox, tell, send):
    tell("one")
    send()
    tell("two", at=DUE + KEPT)

    send(DUE + KEPT + MINUTE)

    assert [mail.items for mail in Mail.objects.all()] == [[{"text": "two"}]]


def test_a_clock_that_was_set_back_keeps_no_mail_waiting(mailbox, tell, send):
    tell("one", at=NOON + timedelta(days=300))

    assert str(send()) == "1 sent"


@pytest.mark.django_db(transaction=True)
def test_of_nodes_that_send_at_once_each_mail_is_sent_by_one(mailbox, tell, kind):
    people = [create_user(f"p{number}@example.com", None, verified=True) for number in range(8)]
    tell("one", *people)
    together, failures = threading.Barrier(3), []

    def node():
        try:
            together.wait()
            send_due([kind], DUE)
        except Exception as error:  # noqa: BLE001 (told below)
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=node) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert sorted(one.recipients[0] for one in mailbox.delivered) == [user.email for user in people]


def test_the_schedule_sends():
    assert MAIL in {job.name for job in JOBS}
