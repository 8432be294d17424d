"""What is counted about issues over all tenants."""

from __future__ import annotations

from django.db import models


class ResolvedCount(models.Model):
    """How many issues were ever resolved in one way, `kind` being a word of `announce.IssueStatusChanged`."""

    kind = models.CharField(max_length=32, primary_key=True)
    quantity = models.BigIntegerField(default=0)
