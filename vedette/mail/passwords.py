"""The mail that lets somebody choose a new password who forgot the old one.

It goes to a verified address only: whoever reads there may open the account. The link in it is made when the mail is
sent, so that an outbox which waited does not send links that are over.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from vedette.accounts.claims import VALID, renew
from vedette.accounts.models import User
from vedette.accounts.passwords import may_choose
from vedette.core import clock
from vedette.mail.letters import Letter
from vedette.mail.models import Mail
from vedette.mail.outbox import Items, Kind, put

KIND = "password"
QUIET = timedelta(minutes=5)  # to one person; who asks again meanwhile has a mail on its way


def password_url(user: User, now: datetime) -> str:
    """A fresh link for the account, the only one that is good from now on."""
    return settings.VEDETTE.url + reverse("web:choose_password", args=[user.pk, renew(user, now)])


def compose(user: User, items: Items, left_out: int) -> Letter | None:
    """The mail to `user`."""
    if not may_choose(user):
        return None
    context = {
        "username": user.username,
        "server": settings.VEDETTE.url,
        "link": password_url(user, clock.now()),
        "minutes": int(VALID.total_seconds()) // 60,
        "again": settings.VEDETTE.url + reverse("web:ask_password"),
    }
    return Letter(subject="Choose a new password", template="password", context=context)


PASSWORD_MAIL = Kind(None, timedelta(0), compose, own_name=KIND)


@transaction.atomic
def send_password_links(user_ids: Collection[int], now: datetime) -> int:
    """Have these few users sent a link each; how many mails wait to be sent because of it.

    Nothing is sent where the server sends no mail, or to who had such a mail in the last minutes.
    """
    if not settings.VEDETTE.sends_mail:
        return 0
    recent = Mail.objects.filter(kind=KIND, user_id__in=user_ids, date_added__gt=now - QUIET)
    told = User.objects.active().filter(pk__in=user_ids, is_unclaimed=False).exclude(pk__in=recent.values("user_id"))
    found = list(told.values_list("pk", flat=True))
    if found:
        put(PASSWORD_MAIL, found, {}, now)
    return len(found)
