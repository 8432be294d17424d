"""The columns of our own tables, as an import fills them: which wire field goes where, and what a value may be.

Compiled once for each model, because asking Django's fields for every value takes longer than everything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections, models
from django.db.models.fields import NOT_PROVIDED

from vedette.core import json
from vedette.core.nul import SENTENCE, holds_nul
from vedette.relocation.graph import Declaration

if TYPE_CHECKING:
    DbField = models.Field[Any, Any]
else:
    DbField = models.Field

_LEAST, _MOST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `wire` is its name in files, None for a column that files do not have."""

    wire: str | None
    attname: str
    column: str
    field: DbField
    default: Callable[[], Any] | None

    def complaint(self, value: Any) -> str | None:
        """Why the table cannot hold this Python value; None if it can."""
        if value is None:
            return None if self.field.null or self.default else "it must not be empty"
        return _complaint(self.field, value)


def columns_of(declaration: Declaration) -> tuple[Column, ...]:
    """The columns of a model's table, but for the primary key."""
    table = declaration.table
    if table is None:
        return ()
    names = {declaration.column(name): name for name in (*declaration.wire.foreign_keys, *declaration.wire.fields)}
    own = (field for field in table._meta.concrete_fields if not field.primary_key)
    return tuple(Column(names.get(f.attname), f.attname, str(f.column), f, _default(f)) for f in own)


def own_columns(table: type[models.Model]) -> tuple[Column, ...]:
    """The columns of a table that files know nothing of."""
    own = (field for field in table._meta.concrete_fields if not field.primary_key)
    return tuple(Column(None, f.attname, str(f.column), f, _default(f)) for f in own)


def _default(field: DbField) -> Callable[[], Any] | None:
    if field.default is not NOT_PROVIDED or not field.null:
        default: Callable[[], Any] = field.get_default
        if field.default is not NOT_PROVIDED or isinstance(field, models.CharField | models.TextField):
            return default
    return None


def _complaint(field: DbField, value: Any) -> str | None:
    if isinstance(value, str):
        if field.max_length is not None and len(value) > field.max_length:
            return f"it has {len(value)} characters, {field.max_length} are the most"
        return SENTENCE if "\0" in value else None
    if isinstance(field, models.JSONField):
        return SENTENCE if isinstance(value, dict | list) and holds_nul(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        least, most = _range(type(field))  # type: ignore[arg-type]  # a class is hashable
        return None if least <= value <= most else f"{value} is not between {least} and {most}"
    return None


@cache
def _range(kind: type[DbField]) -> tuple[int, int]:
    """What a column of this kind holds in every database."""
    if issubclass(kind, models.PositiveSmallIntegerField):
        return 0, 2**15 - 1
    if issubclass(kind, models.PositiveIntegerField):
        return 0, 2**31 - 1
    if issubclass(kind, models.BigIntegerField | models.ForeignKey):
        return _LEAST, _MOST
    if issubclass(kind, models.IntegerField):
        return -(2**31), 2**31 - 1
    return _LEAST, _MOST


def adapter(field: DbField, using: str) -> Callable[[Any], Any] | None:
    """What turns a value of this column into a parameter of the database; None where nothing has to be done."""
    connection = connections[using]
    if isinstance(field, models.DateTimeField):
        return _moment_text if connection.vendor == "sqlite" else None
    if isinstance(field, models.JSONField):
        return _json_text
    if isinstance(
        field,
        models.CharField | models.TextField | models.IntegerField | models.BooleanField | models.ForeignKey,
    ):
        return None
    return lambda value: field.get_db_prep_save(value, connection)


def _moment_text(value: datetime | None) -> str | None:
    """As Django's own adapter has it."""
    if value is None:
        return None
    return str(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not UTC else value.replace(tzinfo=None))


def _json_text(value: Any) -> str | None:
    """NULL for null, as the ORM has it where a column may be null; JSON otherwise."""
    return None if value is None else json.dump_text(value)
