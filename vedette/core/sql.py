"""The few statements that the ORM cannot say in one: counters that grow in place, many rows in one go.

Both databases speak `INSERT … ON CONFLICT`; only the names of the two-argument minimum and maximum differ.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from vedette.core import json


def greatest() -> str:
    """The name of the function that gives the greater of its arguments."""
    return "MAX" if connection.vendor == "sqlite" else "GREATEST"


def least() -> str:
    """The name of the function that gives the smaller of its arguments."""
    return "MIN" if connection.vendor == "sqlite" else "LEAST"


def moment(value: datetime) -> Any:
    """`value` (aware) as a parameter of this database."""
    return connection.ops.adapt_datetimefield_value(value)


def document(value: Any) -> Any:
    """A JSON value as a parameter of this database."""
    if connection.vendor == "sqlite":
        return json.dump_text(value)
    return connection.ops.adapt_json_value(value, None)


def run_many(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run `statement` once for each row of parameters."""
    listed = list(rows)
    if listed:
        with connection.cursor() as cursor:
            cursor.executemany(statement, listed)


def run(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run `statement` once, and give its rows (none for a statement that returns nothing)."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall()) if cursor.description else []
