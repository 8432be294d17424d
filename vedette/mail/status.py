"""What became of mail, for whoever runs the server: how much waits, and what could not be delivered."""

import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from vedette.mail.connection import Connection
from vedette.mail.models import Mail, MailState

RECENT = timedelta(days=1)
PATIENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class MailStatus:
    """Mails by what became of them: all that wait, and what ended since `RECENT`. `troubled` wait although they were
    tried; `error` is the newest reason, of one that was given up or of one that is tried again."""

    counts: dict[MailState, int]
    oldest_at: datetime | None
    troubled: int
    error: str


def mail_status(now: datetime) -> MailStatus:
    """As the outbox stands."""
    waiting = Mail.objects.filter(state=MailState.WAITING)
    ended = Mail.objects.exclude(state=MailState.WAITING).filter(ended_at__gt=now - RECENT)
    counts = {MailState(state): number for state, number in ended.values_list("state").annotate(number=Count("pk"))}
    facts = waiting.aggregate(number=Count("pk"), oldest=Min("date_added"))
    troubled = waiting.exclude(error="")
    newest = ended.filter(state=MailState.GIVEN_UP).order_by("-ended_at").first() or troubled.order_by("-pk").first()
    return MailStatus(
        counts={**dict.fromkeys(MailState, 0), **counts, MailState.WAITING: facts["number"]},
        oldest_at=facts["oldest"],
        troubled=troubled.count(),
        error=newest.error if newest else "",
    )


def reach_server() -> str:
    """Say hello to the mail server, with its password where it has one; empty if it answered, else what went wrong."""
    post = Connection(timeout=PATIENCE_SECONDS)
    try:
        post.open()
    except (smtplib.SMTPException, OSError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        post.close()
    return ""
