"""What comes beside events: what people say, and files."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.issues.models.group import Group
from vedette.projects.models import Project


class UserReport(models.Model):
    """What a person said about an event; it may arrive before the event."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    event_id = models.CharField(max_length=32)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="user_reports")
    environment_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=128, blank=True, default="")
    email = models.CharField(max_length=75, blank=True, default="")
    comments = models.TextField(blank=True, default="")
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "event_id"], name="issues_userreport_unique")]


class EventAttachment(models.Model):
    """A file of an event. The bytes lie under the files directory by their SHA-1."""

    silo: ClassVar = Silo.REGION

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    event_id = models.CharField(max_length=32)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments")
    type = models.CharField(max_length=64, default="event.attachment")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha1 = models.CharField(max_length=40)
    batch_id = models.BigIntegerField(null=True)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["project", "event_id"], name="issues_attachment_by_event")]
