"""The mail that lets somebody claim an account which came from another server.

It goes to the account's own address although that is not proven here: who reads it proves it. The link in it is made
when the mail is sent, so that an outbox which waited does not send links that are over.
Source: the relocation specification, 4.8.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from vedette.accounts.claims import VALID, is_waiting, renew
from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.pieces import pieces
from vedette.mail.letters import Letter
from vedette.mail.models import Mail
from vedette.mail.outbox import Items, Kind, put

KIND = "claim"
QUIET = timedelta(minutes=5)  # to one person; who asks again meanwhile has a mail on its way
_AT_ONCE = 500


def claim_url(user: User, now: datetime) -> str:
    """A fresh link for the account, the only one that is good from now on."""
    return settings.VEDETTE.url + reverse("web:claim", args=[user.pk, renew(user, now)])


def compose(user: User, items: Items, left_out: int) -> Letter | None:
    """The mail to `user`, unless they claimed the account meanwhile."""
    if not is_waiting(user):
        return None
    context = {
        "username": user.username,
        "server": settings.VEDETTE.url,
        "link": claim_url(user, clock.now()),
        "minutes": int(VALID.total_seconds()) // 60,
        "again": settings.VEDETTE.url + reverse("web:ask_claim"),
    }
    return Letter(subject="Claim your account", template="claim", context=context)


def _own_address(user: User) -> str:
    return user.email


CLAIM_MAIL = Kind(None, timedelta(0), compose, own_name=KIND, address=_own_address)


def send_claims(user_ids: Collection[int], now: datetime) -> int:
    """Have those of these users who can claim their account told how; how many mails wait to be sent because of it.

    Nothing is sent where the server sends no mail, or to who had such a mail in the last minutes.
    """
    if not settings.VEDETTE.sends_mail:
        return 0
    sent = 0
    for some in pieces(user_ids, _AT_ONCE):
        with transaction.atomic():
            waiting = User.objects.active().filter(pk__in=some, is_unclaimed=True).exclude(email="")
            recent = Mail.objects.filter(kind=KIND, user_id__in=some, date_added__gt=now - QUIET)
            told = list(waiting.exclude(pk__in=recent.values("user_id")).values_list("pk", flat=True))
            if told:
                put(CLAIM_MAIL, told, {}, now)
            sent += len(told)
    return sent
