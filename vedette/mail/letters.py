"""What a mail says: a subject, and the same in plain text and in plain HTML that loads nothing from elsewhere.

What strangers wrote (versions, environments, messages of commits) goes through templates, whose HTML escapes it, with
nothing invisible in it. A subject is one line, whatever it is made of: no header can be smuggled into it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from vedette.core.text import clip, visible
from vedette.mail.models import Mail
from vedette.mail.preferences import Preference
from vedette.mail.unsubscribe import unsubscribe_url

LONGEST_SUBJECT = 200
ACCOUNT_PATH = "/settings/account/notifications/"
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject, and a template by its name (`mail/NAME.txt` and `.html`) with what it shows."""

    subject: str
    template: str
    context: Mapping[str, Any]


def subject_line(text: str) -> str:
    """`text` as one line of a bounded length with nothing invisible in it."""
    return clip(visible(_SPACES.sub(" ", text).strip()), LONGEST_SUBJECT)


def message_of(mail: Mail, letter: Letter, address: str, preference: Preference | None) -> EmailMultiAlternatives:
    """The message to `address`. It says how to stop its kind, if that can be stopped: to people below the text, to
    programs in its headers (RFC 2369, RFC 8058). Raises `ValueError` for an address that would be more than one
    header."""
    stop = unsubscribe_url(mail.user_id, preference) if preference else ""
    stops = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if stop else {}
    context = {**letter.context, "stop": stop, "account": f"{settings.VEDETTE.url}{ACCOUNT_PATH}"}
    message = EmailMultiAlternatives(
        subject=subject_line(letter.subject),
        body=render_to_string(f"mail/{letter.template}.txt", context),
        to=[address],
        headers={
            "Message-ID": f"<{mail.message_id}@{_host()}>",
            "Auto-Submitted": "auto-generated",
            **stops,
        },
    )
    message.attach_alternative(render_to_string(f"mail/{letter.template}.html", context), "text/html")
    return message


def _host() -> str:
    return urlsplit(settings.VEDETTE.url).hostname or "localhost"
