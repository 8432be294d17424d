"""What tests of several rooms share: a mail server on loopback, and settings that send to it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.smtp import MailServer, mail_server
from vedette.core.addresses import read_mail_url


@pytest.fixture
def mailbox(settings: Any) -> Iterator[MailServer]:
    """The server that gets what Vedette sends."""
    with mail_server() as server:
        settings.VEDETTE = replace(settings.VEDETTE, sends_mail=True, url="https://vedette.example.com")
        for name, value in read_mail_url(f"smtp://127.0.0.1:{server.port}?tls=false&from=vedette@example.com").items():
            setattr(settings, name, value)
        yield server
