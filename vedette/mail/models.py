"""Mails that wait to be sent, what became of those that do not, and what each person wants to be told."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.db import models

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.ids import new_hex
from vedette.core.relocation import Silo


def _message_id() -> str:
    return new_hex(16)


class MailState(IntEnum):
    """What became of a mail. Dropped ones concern something that is gone, or somebody who wants them no more."""

    WAITING = 0
    SENT = 1
    GIVEN_UP = 2
    DROPPED = 3

    @property
    def word(self) -> str:
        """The name in metrics: `given_up`."""
        return self.name.lower()


class Mail(models.Model):
    """One mail to one person: `user`, or whoever has an address that `user` wants told (`Kind.recipient`). `items` say
    what it is about, as its kind understands it, until it is done with; `left_out` counts what came when there was no
    more room.

    While `open_key` is set, more of its kind to the same person is put into it, and there is only one such. It is sent
    from `due_at` on; `attempts` counts those that began, and `error` says why the last one did not end well. Every
    attempt carries the same `message_id`, so that a mailbox can tell a repetition.
    """

    silo: ClassVar = Silo.CONTROL

    kind = models.CharField(max_length=32)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    items = models.JSONField(default=list)
    left_out = models.PositiveIntegerField(default=0)
    open_key = models.CharField(max_length=64, null=True, blank=True, unique=True)
    message_id = models.CharField(max_length=32, default=_message_id)
    state = models.PositiveSmallIntegerField(default=MailState.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    date_added = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"], name="mail_mail_by_time"),
            models.Index(fields=["state", "ended_at"], name="mail_mail_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class NotificationSetting(models.Model):
    """What a person chose to be told of one kind (`mail.preferences`); no row is the default."""

    silo: ClassVar = Silo.CONTROL

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=32)
    value = models.CharField(max_length=16)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="mail_setting_unique")]
