"""The connection to the mail server that VEDETTE_MAIL_URL names, and what its failures mean to whoever runs Vedette."""

import smtplib
import socket
import ssl
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.utils.functional import cached_property

LONGEST_REPLY = 300


class NoCertificates(OSError):
    """The file behind `ca=` is gone, or holds something else."""


class Connection(EmailBackend):
    """Django's, which trusts the certificates of the file behind `ca=` besides those that the system trusts."""

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """Checks certificate and name. Raises `NoCertificates`."""
        context = ssl.create_default_context()
        if ca_file := getattr(settings, "EMAIL_CA_FILE", ""):
            try:
                context.load_verify_locations(ca_file)
            except OSError as error:
                raise NoCertificates(f"{ca_file} cannot be read as certificates: {error.strerror or error}") from error
        return context


def sentence_of(error: Exception, connection: EmailBackend) -> tuple[str, str]:
    """What went wrong, in a sentence, and what to try, which may be empty. Neither holds the password."""
    where = f"{connection.host}:{connection.port}"
    if isinstance(error, smtplib.SMTPException):
        return _said_by_server(error, where)
    if isinstance(error, NoCertificates):
        return str(error), "Name a PEM file of certificates behind ca= in VEDETTE_MAIL_URL."
    if isinstance(error, ssl.SSLError):
        return _failed_tls(error, where, connection)
    if isinstance(error, socket.gaierror):
        return f"the name {connection.host} leads to no address", "Check the host in VEDETTE_MAIL_URL."
    if isinstance(error, TimeoutError):
        return f"{where} did not answer within {connection.timeout} seconds", _PORTS
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {where}", _PORTS
    if isinstance(error, UnicodeError):
        return "the server takes only addresses of plain letters", "Write the address, or the sender, in ASCII."
    return f"{where} cannot be reached: {_plain(str(error) or type(error).__name__)}", _PORTS


_PORTS = (
    "Check host and port in VEDETTE_MAIL_URL, and that no firewall stands between: smtp:// is 587, smtps:// is 465."
)


def _said_by_server(error: smtplib.SMTPException, where: str) -> tuple[str, str]:
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{where} refused the user name or the password: {_reply(error)}", (
                "Check USER:PASSWORD in VEDETTE_MAIL_URL; write %2F for /, %40 for @ and %3A for : in them."
            )
        case smtplib.SMTPSenderRefused():
            return f"{where} refused the sender {error.sender}: {_reply(error)}", (
                "Put an address that the server lets you send from behind ?from= in VEDETTE_MAIL_URL."
            )
        case smtplib.SMTPRecipientsRefused():
            told = "; ".join(f"{one}: {code} {_plain(said)}" for one, (code, said) in error.recipients.items())
            return f"{where} refused the recipient {told}", ""
        case smtplib.SMTPDataError():
            return f"{where} refused the message: {_reply(error)}", ""
        case smtplib.SMTPResponseException():
            return f"{where} did not let us in: {_reply(error)}", ""
        case smtplib.SMTPServerDisconnected():
            return f"{where} hung up: {_plain(str(error))}", _PORTS
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
            return f"{where} offers no STARTTLS", (
                "Use smtps:// if it speaks TLS from the first byte, or &tls=false for a relay in your own network."
            )
        case _:
            return f"{where}: {_plain(str(error))}", "Check USER:PASSWORD and the port in VEDETTE_MAIL_URL."


def _failed_tls(error: ssl.SSLError, where: str, connection: EmailBackend) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {where} is not trusted: {_plain(error.verify_message)}", (
            "Use the name that the certificate has; for an authority of your own, add &ca=FILE to VEDETTE_MAIL_URL."
        )
    if connection.use_ssl:
        return f"{where} does not speak TLS from the first byte", "Write smtp:// for a server that knows STARTTLS."
    return f"TLS with {where} failed: {_plain(error.reason or str(error))}", ""


def _reply(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_plain(error.smtp_error)}"


def _plain(said: Any) -> str:
    """What a server said, on one line of bounded length."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))[:LONGEST_REPLY]
