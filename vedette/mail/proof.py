"""One message at once, for whoever set VEDETTE_MAIL_URL and wants to see that it works."""

import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from vedette.core.errors import Misconfigured, VedetteError
from vedette.core.ids import new_hex
from vedette.mail.connection import Connection, sentence_of


class NotSent(VedetteError):
    """The mail server did not take the message."""

    code = "mail-not-sent"

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


def send_proof(address: str) -> str:
    """Send one message to `address`, past the outbox; the `HOST:PORT` that took it. Raises `NotSent`, and
    `Misconfigured` where the server sends no mail."""
    if not settings.VEDETTE.sends_mail:
        raise Misconfigured("this server sends no mail", "Set VEDETTE_MAIL_URL: docs/mail.md says how.")
    url = settings.VEDETTE.url
    connection = Connection()
    message = EmailMessage(
        subject="Mail from Vedette arrives",
        body=f"This is the message that `vedette mail test` sends. It comes from the Vedette at {url}.\n",
        to=[address],
        headers={
            "Message-ID": f"<{new_hex(16)}@{urlsplit(url).hostname or 'localhost'}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        connection.open()
        connection.send_messages([message])
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise NotSent(*sentence_of(error, connection)) from error
    finally:
        _hang_up(connection)
    return f"{connection.host}:{connection.port}"


def _hang_up(connection: Connection) -> None:
    """Whatever state it is in: what went wrong before is what has to be told."""
    try:
        connection.close()
    except (smtplib.SMTPException, OSError):
        return
