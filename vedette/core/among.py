"""A column that is one of very many values, as one parameter of a statement.

Django makes `IN (…)` of as many parameters as there are values; with some thousands of them, making and reading the
statement takes longer than finding the rows.
"""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from vedette.core import json


class Among(Lookup):
    """True where the column `name` is one of `values`: whole numbers, or texts without NUL. For `filter()`."""

    prepare_rhs = False
    lookup_name = "among"
    output_field = BooleanField()

    def __init__(self, name: str, values: Iterable[int] | Iterable[str]) -> None:
        super().__init__(F(name), tuple(values))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """One array, on PostgreSQL; elsewhere, on SQLite, one JSON text that is a table of its entries.

        PostgreSQL makes a hash table of an array of the column's own type, and goes through any other for every row.
        """
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            kind = "text" if isinstance(self.rhs[0], str) else "bigint"
            return f"{column} = ANY(%s::{kind}[])", (*params, list(self.rhs))
        listed = json.dump_text(list(self.rhs))
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, listed)  # noqa: S608 (a column of a model)
