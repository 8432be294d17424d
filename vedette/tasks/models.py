"""When each job is due, and how its last run went."""

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo


class ScheduledJob(models.Model):
    """One job of the schedule, for all nodes together.

    `started_at` later than `finished_at` means that it runs, or was killed. `error` is what its last run raised, empty
    when it went well; `failures` counts the runs that failed since one went well.
    """

    silos: ClassVar = (Silo.CONTROL, Silo.REGION)

    name = models.CharField(max_length=64, unique=True)
    every_seconds = models.PositiveIntegerField()
    due_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Work(models.Model):
    """One piece of work that waits for its turn: of a `kind`, about one `subject`, with what it needs to know.

    `ticket` is new whenever somebody asks for the work anew, so that whoever did it as it was before cannot take it
    away. `attempts` counts those that began. `error` says why the last one did not end well.
    """

    silos: ClassVar = (Silo.CONTROL, Silo.REGION)

    kind = models.CharField(max_length=64)
    subject = models.BigIntegerField()
    organization_id = models.BigIntegerField()
    payload = models.JSONField(default=dict)
    ticket = models.CharField(max_length=32)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="tasks_work_unique")]
        indexes = [models.Index(fields=["kind", "due_at"], name="tasks_work_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
