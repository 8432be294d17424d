"""The one table that the ground floor needs: counters of snowflake ids, second by second."""

from django.db import models


class IdSequence(models.Model):
    """How many ids a model has drawn in one second of one region. Rows older than ten minutes are deleted."""

    name = models.CharField(max_length=64)
    region = models.IntegerField()
    seconds = models.BigIntegerField()
    value = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "region", "seconds"], name="core_idsequence_unique")]
