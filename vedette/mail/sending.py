"""The job that sends what the outbox holds, to the one server that VEDETTE_MAIL_URL names.

A mail is taken by one conditional UPDATE, which is a lease, then sent, then marked as sent. Whoever dies in between has
sent it or not, and nobody can know; it is sent again then, under the same Message-ID. What the server refuses for good
is given up at once. What it refuses for now, or cannot be asked, is tried again, ever later; in the end it is given up.
"""

import logging
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.pieces import delete_in_pieces
from vedette.mail.connection import Connection
from vedette.mail.letters import message_of
from vedette.mail.models import Mail, MailState
from vedette.mail.outbox import Kind

log = logging.getLogger(__name__)

ATTEMPTS = 12  # over about sixteen hours
LONGEST_PAUSE = timedelta(hours=4)
OLDEST = timedelta(days=3)  # what is older is no news
LEASE = timedelta(minutes=10)
FURTHEST = timedelta(days=1)  # nothing is put off for longer: what lies further ahead comes of a clock set back
KEPT = timedelta(days=30)  # rows of mails that are done with
BUDGET_SECONDS = 300.0
LONGEST_ERROR = 500
INTERNAL = "an internal error; the server's log says more"


@dataclass(slots=True)
class Sent:
    """What a run did with mails: counts."""

    sent: int = 0
    put_off: int = 0
    given_up: int = 0
    dropped: int = 0

    def __bool__(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.sent or self.put_off or self.given_up or self.dropped)

    def __str__(self) -> str:
        told = {"sent": self.sent, "put off": self.put_off, "given up": self.given_up, "dropped": self.dropped}
        return ", ".join(f"{number} {word}" for word, number in told.items() if number)


@dataclass(slots=True)
class _Post:
    """The connection to the mail server, opened when the first mail is sent. `is_away` once it did not answer."""

    connection: Connection = field(default_factory=Connection)
    is_away: bool = False

    def send(self, message: EmailMultiAlternatives) -> None:
        """Raises what smtplib raises, and `OSError`."""
        if not self.connection.open() and not self._is_alive():
            self.close()  # many servers take only so many mails in a row
            self.connection.open()
        self.connection.send_messages([message])

    def close(self) -> None:
        """Hang up, whatever state the connection is in."""
        try:
            self.connection.close()
        except (smtplib.SMTPException, OSError) as error:
            log.info("the connection to the mail server ended badly: %s", _reason(error))

    def _is_alive(self) -> bool:
        line = self.connection.connection
        try:
            return line is not None and line.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False


def send_due(kinds: Sequence[Kind], now: datetime) -> Sent:
    """Send the mails that are due, each of a kind among `kinds`, until the server is away or five minutes are over."""
    run = Sent()
    _clean_up(now)
    if not settings.VEDETTE.sends_mail:
        return run
    known, post, began = {kind.name: kind for kind in kinds}, _Post(), clock.monotonic()
    try:
        while not post.is_away and (passed := clock.monotonic() - began) < BUDGET_SECONDS:
            moment = now + timedelta(seconds=passed)
            mail = _take(moment)
            if mail is None:
                break
            _handle(mail, known.get(mail.kind), post, run, moment)
    finally:
        post.close()
    return run


def _take(now: datetime) -> Mail | None:
    """The mail that has been due for longest; it is the caller's for `LEASE`, and nothing is put into it any more."""
    waiting = Mail.objects.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FURTHEST), state=MailState.WAITING)
    while (mail := waiting.order_by("due_at", "pk").first()) is not None:
        mine = Mail.objects.filter(pk=mail.pk, state=MailState.WAITING, due_at=mail.due_at, attempts=mail.attempts)
        if mine.update(due_at=now + LEASE, attempts=F("attempts") + 1, open_key=None):
            return Mail.objects.select_related("user").filter(pk=mail.pk).first()  # with what came until then
    return None


def _handle(mail: Mail, kind: Kind | None, post: _Post, run: Sent, now: datetime) -> None:
    """Make the message and send it. What one mail raises holds up no other."""
    if mail.attempts > ATTEMPTS or mail.date_added < now - OLDEST:
        _end(mail, MailState.GIVEN_UP, mail.error or "it waited for too long", run, now)
        return
    try:
        message = _compose(mail, kind)
    except Exception:
        log.exception("mail %s (%s) cannot be made", mail.pk, mail.kind)
        _put_off(mail, INTERNAL, run, now)
        return
    if message is None:
        _end(mail, MailState.DROPPED, "", run, now)
        return
    try:
        post.send(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        _failed(mail, error, post, run, now)
    else:
        _end(mail, MailState.SENT, "", run, now)


def _compose(mail: Mail, kind: Kind | None) -> EmailMultiAlternatives | None:
    """None if there is nothing to be told any more, or nobody to tell."""
    user: User = mail.user
    address = kind.address_for(user, mail.items) if kind is not None and user.is_active else ""
    letter = kind.compose(user, mail.items, mail.left_out) if kind is not None and address else None
    return message_of(mail, letter, address, kind.preference) if kind and letter else None


def _failed(mail: Mail, error: Exception, post: _Post, run: Sent, now: datetime) -> None:
    log.warning("mail %s (%s), attempt %d: %s", mail.pk, mail.kind, mail.attempts, _reason(error))
    if _is_final(error):
        _end(mail, MailState.GIVEN_UP, _reason(error), run, now)
        return
    post.is_away = not isinstance(error, (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError))
    _put_off(mail, _reason(error), run, now)


def _is_final(error: Exception) -> bool:
    """Whether the server refused this very mail for good, or it can be no mail at all. A refusal of the sender or of
    the password is the operator's to repair, and then the mail can go."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)


def _put_off(mail: Mail, reason: str, run: Sent, now: datetime) -> None:
    if mail.attempts >= ATTEMPTS:
        _end(mail, MailState.GIVEN_UP, reason, run, now)
        return
    pause = min(timedelta(minutes=2 ** (mail.attempts - 1)), LONGEST_PAUSE)
    _mine(mail).update(due_at=now + pause, error=reason)
    run.put_off += 1


def _end(mail: Mail, state: MailState, error: str, run: Sent, now: datetime) -> None:
    """The mail is done with. What it was about is forgotten: that belongs to others, who may be deleted."""
    if _mine(mail).update(state=state, error=error, ended_at=now, due_at=now, items=[]):
        setattr(run, state.word, getattr(run, state.word) + 1)
    if state is MailState.GIVEN_UP:
        log.warning("mail %s (%s) is given up: %s", mail.pk, mail.kind, error)


def _mine(mail: Mail) -> Any:
    """The row, unless the lease ended and somebody else has it."""
    return Mail.objects.filter(pk=mail.pk, state=MailState.WAITING, attempts=mail.attempts)


def _reason(error: Exception) -> str:
    """What the server said, or what kept us from asking it: one line, never a password."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        told = "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    elif isinstance(error, smtplib.SMTPResponseException):
        told = f"{error.smtp_code} {_text(error.smtp_error)}"
    else:
        told = str(error) or "no reason given"
    return f"{type(error).__name__}: {' '.join(told.split())}".replace("\0", "\ufffd")[:LONGEST_ERROR]


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _clean_up(now: datetime) -> None:
    done = Mail.objects.exclude(state=MailState.WAITING)
    delete_in_pieces(done.filter(ended_at__lt=now - KEPT))
