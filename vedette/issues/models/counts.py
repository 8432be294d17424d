"""What is counted about issues over all tenants."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.core.relocation import Silo


class ResolvedCount(models.Model):
    """How many issues were ever resolved in one way, `kind` being a word of `announce.IssueStatusChanged`."""

    silo: ClassVar = Silo.REGION

    kind = models.CharField(max_length=32, primary_key=True)
    quantity = models.BigIntegerField(default=0)
