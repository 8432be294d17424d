"""Inserting thousands of rows at once into a table of ours, with keys that are drawn before.

What the ORM's `bulk_create` does, for a fifth of the time: columns and adapters are looked up once for each model.
A unique constraint settles collisions; the row that was there stands for the one that could not come. Source: the
relocation specification, 4.5 and 9 (#9, #14).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import IntegrityError, connections, models, transaction

from vedette.core.pieces import pieces
from vedette.core.snowflake import SnowflakeModel, ids_of_the_past
from vedette.relocation.importing.columns import Column, adapter, own_columns

Values = dict[str, Any]
_ROWS_AT_ONCE = 250


class Table:
    """A table of ours in the database `using`. Values are found under wire names where files have them, else under the
    attribute's name."""

    def __init__(self, table: type[models.Model], using: str, columns: Sequence[Column] | None = None) -> None:
        self.model = table
        self.using = using
        self._connection = connections[using]
        self._columns = tuple(columns) if columns is not None else own_columns(table)
        pk = table._meta.pk
        self._pk = str(pk.column)
        quote = self._connection.ops.quote_name
        self._quoted = quote(table._meta.db_table)
        self._names = ", ".join(quote(name) for name in (self._pk, *(c.column for c in self._columns)))
        self._readers = [self._reader(column) for column in self._columns]
        self._is_postgres = self._connection.vendor == "postgresql"

    # ------------------------------------------------------------ keys

    def new_pks(self, moments: Sequence[Any]) -> list[int]:
        """A free pk for each row; `moments` are how old they are, which keys that sort by time go by."""
        if not moments:
            return []
        if issubclass(self.model, SnowflakeModel):
            return ids_of_the_past(moments, self.taken)
        if self._is_postgres:
            return self._drawn(len(moments))
        return self._reserved(len(moments))

    def taken(self, pks: Iterable[int]) -> set[int]:
        """Those of the pks that a row has."""
        found: set[int] = set()
        for some in pieces(pks):
            found |= set(self.model._base_manager.using(self.using).filter(pk__in=some).values_list("pk", flat=True))
        return found

    def _drawn(self, count: int) -> list[int]:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [self._quoted, self._pk, count],
            )
            return [row[0] for row in cursor.fetchall()]

    def _reserved(self, count: int) -> list[int]:
        """SQLite has one writer, and this transaction is it: what follows the last key that ever was given is free."""
        with self._connection.cursor() as cursor:
            name = self.model._meta.db_table
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [name])
            found = cursor.fetchone()
            last = found[0] if found else 0
            if found:
                cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [last + count, name])
            else:
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [name, last + count])
        return list(range(last + 1, last + count + 1))

    # ------------------------------------------------------------ rows

    def insert(self, rows: Sequence[Values], pks: Sequence[int]) -> list[bool]:
        """Insert the rows under these pks; which were inserted, and which collided with a unique set."""
        if not rows:
            return []
        if self._is_postgres:
            if self._copied(rows, pks):
                return [True] * len(rows)
            came = self._insert_and_tell(rows, pks)
        elif self._insert_many(rows, pks) == len(rows):
            return [True] * len(rows)
        else:
            came = self.taken(pks)  # none of them was there before: they were looked at, and nobody else writes
        return [pk in came for pk in pks]

    def _insert_many(self, rows: Sequence[Values], pks: Sequence[int]) -> int:
        marks = ", ".join(["%s"] * (len(self._columns) + 1))
        statement = f"INSERT INTO {self._quoted} ({self._names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        with self._connection.cursor() as cursor:
            cursor.executemany(statement, list(self._lines(rows, pks)))
            return int(cursor.rowcount)

    def _copied(self, rows: Sequence[Values], pks: Sequence[int]) -> bool:
        """PostgreSQL's own bulk load, which gives up at the first collision; False then, with nothing changed."""
        try:
            with (
                transaction.atomic(using=self.using),
                self._connection.cursor() as cursor,
                self._connection.wrap_database_errors,
                cursor.copy(f"COPY {self._quoted} ({self._names}) FROM STDIN") as copy,
            ):
                for line in self._lines(rows, pks):
                    copy.write_row(line)
        except IntegrityError:
            return False
        return True

    def _insert_and_tell(self, rows: Sequence[Values], pks: Sequence[int]) -> set[int]:
        """Insert what can be, and say what that was. The statement itself tells: a pk that was free a moment ago may be
        a row of somebody else by now, and then this row has not come."""
        mark = f"({', '.join(['%s'] * (len(self._columns) + 1))})"
        pk = self._connection.ops.quote_name(self._pk)
        lines = list(self._lines(rows, pks))
        came: set[int] = set()
        with self._connection.cursor() as cursor:
            for start in range(0, len(lines), _ROWS_AT_ONCE):
                some = lines[start : start + _ROWS_AT_ONCE]
                cursor.execute(
                    f"INSERT INTO {self._quoted} ({self._names}) VALUES {', '.join([mark] * len(some))} "  # noqa: S608
                    f"ON CONFLICT DO NOTHING RETURNING {pk}",
                    [value for line in some for value in line],
                )
                came.update(row[0] for row in cursor.fetchall())
        return came

    def _lines(self, rows: Sequence[Values], pks: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        readers = self._readers
        for values, pk in zip(rows, pks, strict=True):
            yield (pk, *[read(values) for read in readers])

    def _reader(self, column: Column) -> Callable[[Values], Any]:
        """From a row's values to the parameter for one column. Python's own defaults hold where a value is missing."""
        name = column.wire or column.attname
        adapt = adapter(column.field, self.using)
        default = column.default
        if default is not None and not column.field.null:
            get = _or_default(name, default)
        elif default is not None:
            get = _or_default_if_absent(name, default)
        else:
            get = _plainly(name)
        if adapt is None:
            return get
        return _adapted(get, adapt)

    # ------------------------------------------------------------ collisions

    def holder(self, values: Values) -> int | None:
        """The pk of the row that has what is unique about these values; None if there is none."""
        by_column = {column.attname: read for column, read in zip(self._columns, self._plain(), strict=True)}
        for names in self._unique_sets():
            wanted = {name: by_column[name](values) for name in names if name in by_column}
            if len(wanted) == len(names) and None not in wanted.values():
                manager = self.model._base_manager.using(self.using)
                found = manager.filter(**wanted).values_list("pk", flat=True).first()
                if found is not None:
                    return int(found)
        return None

    def _plain(self) -> list[Callable[[Values], Any]]:
        return [_or_default(c.wire or c.attname, c.default or _none) for c in self._columns]

    def _unique_sets(self) -> list[tuple[str, ...]]:
        meta = self.model._meta
        names = {field.name: str(field.attname) for field in meta.concrete_fields}
        sets = [(str(field.attname),) for field in meta.concrete_fields if field.unique and not field.primary_key]
        declared = (one for one in meta.constraints if isinstance(one, models.UniqueConstraint) and one.fields)
        return sets + [tuple(names.get(name, name) for name in one.fields) for one in declared]


def _none() -> None:
    return None


def _plainly(name: str) -> Callable[[Values], Any]:
    return lambda values: values.get(name)


def _or_default(name: str, default: Callable[[], Any]) -> Callable[[Values], Any]:
    def get(values: Values) -> Any:
        value = values.get(name)
        return default() if value is None else value

    return get


def _or_default_if_absent(name: str, default: Callable[[], Any]) -> Callable[[Values], Any]:
    return lambda values: values[name] if name in values else default()


def _adapted(get: Callable[[Values], Any], adapt: Callable[[Any], Any]) -> Callable[[Values], Any]:
    return lambda values: adapt(get(values))
