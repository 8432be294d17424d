"""The tables that the ground floor needs: counters of snowflake ids, second by second, and locks."""

from typing import ClassVar

from django.db import models

from vedette.core.relocation import Silo


class IdSequence(models.Model):
    """How many ids a model has drawn in one second of one region. Rows older than ten minutes are deleted."""

    silos: ClassVar = (Silo.CONTROL, Silo.REGION)

    name = models.CharField(max_length=64)
    region = models.IntegerField()
    seconds = models.BigIntegerField()
    value = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "region", "seconds"], name="core_idsequence_unique")]


class Lock(models.Model):
    """A lock that somebody holds until `ends_at` at the latest; only where there is no Redis (`vedette.core.locks`)."""

    silos: ClassVar = (Silo.CONTROL, Silo.REGION)

    name = models.CharField(max_length=200, unique=True)
    owner = models.CharField(max_length=16)
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
