"""The digest's own bookkeeping: how far a stream of the spool is done, the batch in hand, and what was counted."""

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.ids import new_event_id
from vedette.core.relocation import Silo


class StreamCursor(models.Model):
    """How far one stream of one node's spool is digested. Positions are those of `SpooledEnvelope`."""

    silo: ClassVar = Silo.REGION

    stream = models.CharField(max_length=128, unique=True)
    stored_upto = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now)


class DigestBatch(models.Model):
    """The one batch of a stream that is in hand: its bounds are written down before the first attempt.

    `related` says that its counts are made, so that a replay makes none. `id` names the batch in the rows of the event
    store, `token` is what the event store knows a repeated insert by; `attempts` counts how often it was begun.
    `thinned` says whose events do not all keep their bodies (`digest.storm`), decided once for every replay. So are
    `configs`, the settings that it is prepared with (JSON), and `groups`, the issue that each of its events was counted
    in: settings and rules may change before a replay, and what was counted has to be what is stored. `writing` and
    `deadly` are the tokens of parts that are being written, and that processes ended over (`digest.watch`).
    """

    silo: ClassVar = Silo.REGION

    stream = models.CharField(max_length=128, unique=True)
    first_position = models.BigIntegerField()
    last_position = models.BigIntegerField()
    token = models.CharField(max_length=32, default=new_event_id)
    related = models.BooleanField(default=False)
    attempts = models.IntegerField(default=0)
    thinned = models.JSONField(default=dict)
    configs = models.TextField(blank=True, default="")
    groups = models.JSONField(default=dict)
    writing = models.CharField(max_length=128, blank=True, default="")
    deadly = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)


class OutcomeCount(models.Model):
    """How many items of a category ended in an outcome within one hour, by project and key.

    `quantity` is bytes for attachments. `key_id` is 0 where no key is known.
    """

    silo: ClassVar = Silo.REGION

    organization_id = models.BigIntegerField()
    project_id = models.BigIntegerField()
    key_id = models.BigIntegerField(default=0)
    outcome = models.PositiveSmallIntegerField()
    category = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=64, blank=True, default="")
    hour = models.DateTimeField()
    quantity = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "project_id", "key_id", "outcome", "category", "reason", "hour"],
                name="digest_outcome_unique",
            )
        ]
        indexes = [models.Index(fields=["organization_id", "hour"], name="digest_outcome_by_hour")]
