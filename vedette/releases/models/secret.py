"""What a repository's host knows us by, and we it. Beside the repository, so that nothing which shows or carries one
shows or carries its secrets."""

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.releases.models.commit import Repository


class RepositorySecret(models.Model):
    """The secrets of a repository, sealed (`vedette.core.sealing`); empty where there is none.

    `token` is shown to the host when it is asked for commits; `hook_secret` proves that what comes from it does.
    """

    silo: ClassVar = Silo.REGION

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, primary_key=True, related_name="secrets")
    token = models.TextField(blank=True, default="")
    hook_secret = models.TextField(blank=True, default="")
    date_changed = models.DateTimeField(default=clock.now)


class RepositoryDelivery(models.Model):
    """Something that a repository's host sent and that was taken, by the id that the host gave it: once is enough."""

    silo: ClassVar = Silo.REGION

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=64)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "key"], name="releases_delivery_unique")]
        indexes = [models.Index(fields=["date_added"], name="releases_delivery_by_time")]
