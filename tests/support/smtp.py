"""A mail server on loopback that speaks SMTP, keeps what it is given, and fails as it is told to."""

import base64
import email
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast


@dataclass
class Delivery:
    """One message as it arrived."""

    sender: str
    recipients: list[str]
    message: EmailMessage

    def part(self, subtype: str) -> str:
        """The text of the part of that type, `plain` or `html`."""
        body = self.message.get_body((subtype,))
        assert body is not None, subtype
        return str(body.get_content())


@dataclass
class Behaviour:
    """How the server answers. A reply of None hangs up; `replies` are taken for the commands of that name, one after
    the other, and then everything is well again. `after_data` is the reply to a message, which is kept in any case."""

    password: tuple[str, str] | None = None
    replies: dict[str, list[str | None]] = field(default_factory=dict)
    after_data: list[str | None] = field(default_factory=list)

    def reply(self, command: str, usual: str) -> str | None:
        """What to say to the next command of this name."""
        waiting = self.replies.get(command)
        return waiting.pop(0) if waiting else usual


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback. With `tls` it offers STARTTLS, or (`from_first_byte`) speaks TLS at once."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: ssl.SSLContext | None = None, *, from_first_byte: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.delivered: list[Delivery] = []
        self.behaviour = Behaviour()
        self.connections = 0
        self.tls = tls
        self.from_first_byte = from_first_byte

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        try:
            self._talk()
        except OSError:  # the client did not like our certificate, or went away
            return

    def finish(self) -> None:
        """TLS has a socket of its own, which the server does not know of."""
        super().finish()
        self.request.close()

    def _talk(self) -> None:
        server = cast(MailServer, self.server)
        if server.from_first_byte:
            self._encrypt()
        server.connections += 1
        behaviour = server.behaviour
        sender, recipients, is_known = "", list[str](), behaviour.password is None
        self._say(behaviour.reply("CONNECT", "220 loopback"))
        while line := self.rfile.readline():
            text = line.decode("latin-1").strip()
            command = text[:4].upper()
            usual = "250 fine"
            if command == "EHLO":
                can = ["STARTTLS"] if server.tls and not self.is_encrypted else []
                can += ["AUTH PLAIN"] if behaviour.password else []
                usual = "\r\n".join(["250-loopback", *(f"250-{one}" for one in can), "250 8BITMIME"])
            elif command == "STAR":
                usual = "220 go on"
            elif command == "AUTH":
                given = base64.b64decode(text.rpartition(" ")[2]).decode().split("\0")[1:]
                is_known = tuple(given) == behaviour.password
                usual = "235 welcome" if is_known else "535 5.7.8 who are you"
            elif command == "MAIL":
                sender, recipients = _address(text), []
                usual = "250 fine" if is_known else "530 5.7.0 authenticate first"
            elif command == "RCPT":
                recipients.append(_address(text))
            elif command == "DATA":
                usual = "354 go on"
            elif command == "QUIT":
                usual = "221 bye"
            answer = behaviour.reply(command, usual)
            if not self._say(answer):
                return
            if command == "STAR" and answer == usual:
                self._encrypt()
            if command == "DATA" and answer == usual:
                server.delivered.append(Delivery(sender, recipients, self._message()))
                if not self._say(behaviour.after_data.pop(0) if behaviour.after_data else "250 taken"):
                    return
            if command == "QUIT":
                return

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS has begun."""
        return isinstance(self.request, ssl.SSLSocket)

    def _encrypt(self) -> None:
        tls = cast(MailServer, self.server).tls
        assert tls is not None
        self.request = tls.wrap_socket(self.request, server_side=True)
        self.setup()

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return cast(EmailMessage, email.message_from_bytes(b"".join(lines), policy=cast(Any, default)))

    def _say(self, text: str | None) -> bool:
        """False: it hung up instead."""
        if text is None:
            return False
        self.wfile.write(f"{text}\r\n".encode())
        return True


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, *, from_first_byte: bool = False) -> Iterator[MailServer]:
    """A server that runs meanwhile."""
    with MailServer(tls, from_first_byte=from_first_byte) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)
