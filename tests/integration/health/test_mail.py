"""What the doctor and the metrics say about mail."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from vedette.accounts.users import create_user
from vedette.core import clock
from vedette.health import metrics
from vedette.health.findings import Verdict
from vedette.health.mailchecks import mail
from vedette.mail.models import Mail, MailState

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(db):
    """Make mails, by their state and the reason of their last attempt."""
    ann = create_user("ann@example.com", None)

    def _mails(*states, error="", ago=timedelta(hours=1)):
        for state in states:
            Mail.objects.create(
                kind="deploys",
                user=ann,
                state=state,
                error=error,
                due_at=clock.now(),
                date_added=clock.now() - ago,
                ended_at=None if state is MailState.WAITING else clock.now() - ago,
            )

    return _mails


def test_a_server_that_sends_no_mail_says_so(mails):
    mails(MailState.WAITING)

    found = mail()

    assert (found.verdict, found.detail) == (
        Verdict.NOTE,
        "none is sent: nobody is told of deploys; 1 wait since there was a mail server",
    )


def test_mail_that_flows_is_counted(mailbox, mails):
    mails(MailState.WAITING, MailState.SENT, MailState.SENT, MailState.DROPPED)
    mails(MailState.SENT, MailState.GIVEN_UP, ago=timedelta(days=2))

    found = mail()

    assert found.verdict is Verdict.OK
    assert found.detail == "1 wait, the oldest for 60 min; in a day 2 were sent, 0 given up"


def test_mail_that_was_given_up_is_a_warning_with_its_reason(mailbox, mails):
    mails(MailState.GIVEN_UP, error="SMTPDataError: 554 spam")

    found = mail()

    assert found.verdict is Verdict.WARN
    assert found.detail == "0 wait; in a day 0 were sent, 1 given up: SMTPDataError: 554 spam"


def test_mail_that_is_tried_again_is_a_warning(mailbox, mails):
    mails(MailState.WAITING, error="SMTPRecipientsRefused: 450 busy")

    assert mail().verdict is Verdict.WARN
    assert "450 busy" in mail().detail


@pytest.mark.parametrize("trouble", ["away", "refuses"])
def test_a_mail_server_that_does_not_let_us_in_is_a_warning(mailbox, settings, trouble):
    if trouble == "away":
        settings.EMAIL_PORT = 1
    else:
        mailbox.behaviour.replies["CONNECT"] = ["554 no service"]

    found = mail()

    assert found.verdict is Verdict.WARN
    assert "the server does not take it" in found.detail


def test_a_sender_that_nobody_set_is_a_warning(mailbox, settings):
    settings.DEFAULT_FROM_EMAIL = "vedette@localhost"

    assert mail().verdict is Verdict.WARN
    assert django_settings.DEFAULT_FROM_EMAIL in mail().detail


def test_metrics_count_mails_by_what_became_of_them(mails):
    mails(MailState.WAITING, MailState.SENT, MailState.GIVEN_UP, MailState.GIVEN_UP)

    told = metrics.render(None).decode()

    assert "vedette_mail_waiting 1.0" in told
    assert 'vedette_mail_ended{outcome="given_up"} 2.0' in told
    assert 'vedette_mail_ended{outcome="dropped"} 0.0' in told
