"""What is left of releases that were deleted although their sessions still name them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.orgs.models import Organization


class ReleaseTombstone(models.Model):
    """A version whose release was deleted by force: old sessions must not bring it back (`vedette.releases.buried`)."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    version = models.CharField(max_length=250)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "version"], name="releases_tombstone_unique"),
        ]
