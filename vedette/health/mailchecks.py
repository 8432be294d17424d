"""What `vedette doctor` says about mail."""

from django.conf import settings
from django.db import Error as DatabaseError

from vedette.core import clock
from vedette.core.addresses import DEFAULT_SENDER
from vedette.health.findings import Finding, Verdict
from vedette.mail.models import MailState
from vedette.mail.status import MailStatus, mail_status, reach_server
from vedette.tasks.schedule import as_age


def mail() -> Finding:
    """Whether mail is sent, and arrives."""
    try:
        status = mail_status(clock.now())
    except DatabaseError:
        return Finding("mail", Verdict.NOTE, "unknown: the database is away")
    if not settings.VEDETTE.sends_mail:
        left = status.counts[MailState.WAITING]
        late = f"; {left} wait since there was a mail server" if left else ""
        detail = f"none is sent: nobody is told of deploys{late}"
        return Finding("mail", Verdict.NOTE, detail, "Set VEDETTE_MAIL_URL to send it.")
    if trouble := reach_server():
        hint = "Check VEDETTE_MAIL_URL. Mail waits for up to three days."
        return Finding("mail", Verdict.WARN, f"{_told(status)}; the server does not take it: {trouble}", hint)
    if status.counts[MailState.GIVEN_UP] or status.troubled:
        return Finding("mail", Verdict.WARN, f"{_told(status)}: {status.error}", "The server's log says more.")
    if settings.DEFAULT_FROM_EMAIL == DEFAULT_SENDER:
        hint = "Add ?from=ADDRESS to VEDETTE_MAIL_URL, or it counts as spam."
        return Finding("mail", Verdict.WARN, f"it is sent from {DEFAULT_SENDER}", hint)
    return Finding("mail", Verdict.OK, _told(status))


def _told(status: MailStatus) -> str:
    since = f", the oldest for {as_age(clock.now() - status.oldest_at)}" if status.oldest_at else ""
    counts = status.counts
    return (
        f"{counts[MailState.WAITING]} wait{since}; in a day {counts[MailState.SENT]} were sent, "
        f"{counts[MailState.GIVEN_UP]} given up"
    )
