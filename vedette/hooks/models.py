"""Who wants to be told what, and what is told: an outbox, which is the log of what was told too."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.orgs.models import Organization


class Webhook(models.Model):
    """An address that is told of `events` (names such as `issue.resolved`) of an organization.

    `secret` is sealed. `failures` counts deliveries that were given up since one arrived.
    """

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="webhooks")
    guid = models.CharField(max_length=32, unique=True)
    url = models.CharField(max_length=500)
    secret = models.TextField()
    events = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)
    date_added = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.url


class DeliveryState(IntEnum):
    """What became of a delivery."""

    WAITING = 0
    DELIVERED = 1
    GIVEN_UP = 2

    @property
    def word(self) -> str:
        """The name in the API."""
        return self.name.lower()


class Delivery(models.Model):
    """One thing to tell to one webhook. `status` is what the other side answered last, `error` why it did not do.

    The database does not hold it to its webhook: one that somebody deletes at this moment must not undo what happened
    to an issue. The job removes what is left of it.
    """

    silo: ClassVar = Silo.REGION

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False)
    guid = models.CharField(max_length=32)
    event = models.CharField(max_length=64)
    payload = models.JSONField()
    state = models.PositiveSmallIntegerField(default=DeliveryState.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    date_added = models.DateTimeField(default=clock.now)
    date_finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"], name="hooks_delivery_by_time"),
            models.Index(fields=["webhook", "state", "due_at"], name="hooks_delivery_of_webhook"),
            models.Index(fields=["date_finished"], name="hooks_delivery_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.guid}"
