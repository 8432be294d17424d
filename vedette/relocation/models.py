"""What relocation keeps: rows of models that Vedette does not use, fields that it does not know, and chunks of imports.

A preserved row is kept as it came, with its foreign keys remapped, so that it can be exported again; it goes with its
organization, its project or its user. A chunk says what one batch of an import wrote, so that the batch is never
written twice. Source: the relocation specification, 4.7 and 9.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.relocation import Silo
from vedette.orgs.models import Organization
from vedette.projects.models import Project

LONGEST_KEY = 255  # characters of `PreservedRow.key`


class PreservedRow(models.Model):
    """One row of a model without a table. Its pk is the pk that exports give it.

    `fields` is what stands in a file, except that foreign keys hold our pks. `key` is the canonical text of the
    values of the model's unique set that has no foreign keys, or null where it has none or one of them is null.
    """

    id = models.BigAutoField(primary_key=True)
    model = models.CharField(max_length=100)
    fields = models.JSONField(default=dict)
    key = models.CharField(max_length=LONGEST_KEY, null=True, blank=True)

    class Meta:
        abstract = True


class PreservedRegionRow(PreservedRow):
    """A preserved row of the region silo. `user_id` is set where the row is nothing without that user."""

    silo: ClassVar = Silo.REGION

    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    user_id = models.BigIntegerField(null=True, blank=True, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["model", "id"], name="relocation_region_by_model")]
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="relocation_region_key_unique")]


class PreservedControlRow(PreservedRow):
    """A preserved row of the control silo."""

    silo: ClassVar = Silo.CONTROL

    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    organization_id = models.BigIntegerField(null=True, blank=True, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["model", "id"], name="relocation_control_by_model")]
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="relocation_control_key_unique")]


class ExtraFields(models.Model):
    """The fields of a row that its table has no column for, as they stand in a file; in the database of that row."""

    silos: ClassVar = (Silo.CONTROL, Silo.REGION)

    model = models.CharField(max_length=100)
    pk_of_row = models.BigIntegerField()
    fields = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "pk_of_row"], name="relocation_extrafields_unique")]


class ImportChunk(models.Model):
    """What one batch of one import wrote. The maps lead from old pks (as text) to new ones.

    `inserted_identifiers` leads from old pks to slugs, where the model has slugs. `outcome` is Vedette's own: what
    became of the batch's other rows, findings and renames, so that a resumed import can report the whole.
    """

    import_uuid = models.CharField(max_length=32)
    model = models.CharField(max_length=100)
    min_ordinal = models.BigIntegerField()
    max_ordinal = models.BigIntegerField()
    min_source_pk = models.BigIntegerField(null=True)
    max_source_pk = models.BigIntegerField(null=True)
    min_inserted_pk = models.BigIntegerField(null=True, blank=True)
    max_inserted_pk = models.BigIntegerField(null=True, blank=True)
    inserted_map = models.JSONField(default=dict)
    existing_map = models.JSONField(default=dict)
    overwrite_map = models.JSONField(default=dict)
    inserted_identifiers = models.JSONField(default=dict)
    outcome = models.JSONField(default=dict)
    date_added = models.DateTimeField(default=clock.now)

    class Meta:
        abstract = True


class RegionImportChunk(ImportChunk):
    """A batch of a region model."""

    silo: ClassVar = Silo.REGION

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_uuid", "model", "min_ordinal"], name="relocation_regionchunk_unique"
            )
        ]


class ControlImportChunk(ImportChunk):
    """A batch of a control model."""

    silo: ClassVar = Silo.CONTROL

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_uuid", "model", "min_ordinal"], name="relocation_controlchunk_unique"
            )
        ]


class ControlImportChunkReplica(ImportChunk):
    """The copy of a control chunk that the region keeps, so that an import never has to ask across."""

    silo: ClassVar = Silo.REGION

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_uuid", "model", "min_ordinal"], name="relocation_controlreplica_unique"
            )
        ]


class MoveKind(models.TextChoices):
    """Which way an organization's data goes."""

    EXPORT = "export"
    IMPORT = "import"


class MoveState(models.TextChoices):
    """Where a move stands. An import is tried first (to `PLANNED`), written when somebody confirms the plan, and seen
    by nobody until somebody who runs the server approves it."""

    WAITING = "waiting"
    RUNNING = "running"
    PLANNED = "planned"
    CONFIRMED = "confirmed"
    WRITING = "writing"
    READY = "ready"  # an export that can be downloaded
    PENDING = "pending"  # an import that waits for approval
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


class Move(models.Model):
    """An export or an import that an owner of `organization` asked for on a page; it belongs to that organization, and
    without one to nobody.

    Its files lie in a directory named after `uuid`, which goes at `expires_at`. `options` are what was asked for,
    `outcome` is what was done or would be (counts, plan, renames, the ids of imported organizations), `error` a
    sentence. `user_id` is who asked, `decided_by` who approved or rejected.
    """

    silo: ClassVar = Silo.REGION

    uuid = models.CharField(max_length=32, unique=True)
    organization = models.ForeignKey(Organization, null=True, on_delete=models.SET_NULL, related_name="+")
    user_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=MoveKind.choices)
    state = models.CharField(max_length=12, choices=MoveState.choices, default=MoveState.WAITING)
    options = models.JSONField(default=dict)
    outcome = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    file_bytes = models.BigIntegerField(null=True, blank=True)
    decided_by = models.BigIntegerField(null=True, blank=True)
    date_added = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "date_added"], name="relocation_move_by_org")]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"
