"""The few statements that the ORM cannot say in one: counters that grow in place, rows in one go, rows of many keys.

Both databases speak `INSERT … ON CONFLICT`; only the names of the two-argument minimum and maximum differ.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model

from vedette.core import json
from vedette.core.pieces import pieces

ROWS_AT_ONCE = 250


def greatest() -> str:
    """The name of the function that gives the greater of its arguments."""
    return "MAX" if _is_sqlite() else "GREATEST"


def least() -> str:
    """The name of the function that gives the smaller of its arguments."""
    return "MIN" if _is_sqlite() else "LEAST"


@cache
def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"  # a process has one database, and asking costs 2 µs


def moment(value: datetime) -> Any:
    """`value` (aware) as a parameter of this database."""
    if _is_sqlite():  # what Django's adapter comes to, in a fifth of the time
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return connection.ops.adapt_datetimefield_value(value)


def document(value: Any) -> Any:
    """A JSON value as a parameter of this database."""
    if _is_sqlite():
        return json.dump_text(value)
    return connection.ops.adapt_json_value(value, None)


def run_many(statement: str, rows: Iterable[Sequence[Any]]) -> int:
    """Run `statement` once for each row of parameters; how many rows of the table it changed."""
    listed = list(rows)
    if not listed:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(statement, listed)
        return int(cursor.rowcount)


def matching(
    table: str, by: Sequence[str], keys: Iterable[tuple[Any, ...]], columns: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The `columns` of the rows whose columns `by` are one of `keys`, looked up key by key in the index on them.

    Two conditions with `IN` would try every combination: the square of what strangers send. And SQLite turns to
    another index, perhaps with all rows of the table behind one value, as soon as a third condition offers it.
    """
    told = ", ".join(f"t.{name}" for name in columns)
    same = " AND ".join(f"t.{name} = k.column{place}" for place, name in enumerate(by, 1))
    row = f"({', '.join(['%s'] * len(by))})"
    found: list[tuple[Any, ...]] = []
    for some in pieces(keys):
        values = ", ".join([row] * len(some))
        # CROSS: SQLite takes the keys first, whatever it thinks of the table. Both call the columns column1, column2.
        statement = f"SELECT {told} FROM (VALUES {values}) AS k CROSS JOIN {table} AS t WHERE {same}"  # noqa: S608
        found += run(statement, [value for key in some for value in key])
    return found


def run(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run `statement` once, and give its rows (none for a statement that returns nothing)."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall()) if cursor.description else []


def insert_rows(
    table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, tail: str = ""
) -> list[tuple[Any, ...]]:
    """Insert rows of parameters, some hundred at a time; `tail` follows the values (`ON CONFLICT …`, `RETURNING …`).

    For very many rows: a sixth of what the ORM takes for making and compiling them. The rows that `tail` returns.
    """
    row = f"({', '.join(['%s'] * len(columns))})"
    listed, found = list(rows), list[tuple[Any, ...]]()
    for start in range(0, len(listed), ROWS_AT_ONCE):
        some = listed[start : start + ROWS_AT_ONCE]
        values = ", ".join([row] * len(some))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values} {tail}"  # noqa: S608
        found += run(statement, [value for one in some for value in one])
    return found


def insert_if_missing(row: Model) -> bool:
    """Insert `row`, which has no key yet, unless a unique constraint says that it is there; whether it was inserted.

    What the ORM's `ignore_conflicts` does, which tells nobody who won: exactly one of those that race gets True, and
    its row has its key. It waits for a transaction that has inserted the same and has not ended.
    """
    meta = row._meta
    fields = [field for field in meta.local_concrete_fields if not field.primary_key and not field.generated]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    marks = ", ".join(["%s"] * len(fields))
    table, key = connection.ops.quote_name(meta.db_table), connection.ops.quote_name(str(meta.pk.column))
    # The names are those of a model of ours.
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING {key}"  # noqa: S608
    inserted = run(statement, values)
    if inserted:
        row.pk = inserted[0][0]
        row._state.adding, row._state.db = False, connection.alias
    return bool(inserted)
