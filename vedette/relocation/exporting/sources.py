"""Rows of one model as a file has them, in pages, by ascending pk: from its table, or from what was preserved."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import router
from django.db.models import Q, QuerySet

from vedette.core.relocation import Encoding, Relocation
from vedette.relocation.exporting.keys import Fields
from vedette.relocation.files.encodings import encoder
from vedette.relocation.graph import Declaration
from vedette.relocation.models import ExtraFields, PreservedRow

PAGE_ROWS = 2000

_AS_IT_IS = frozenset(  # what a column holds is what a file says
    {Encoding.TEXT, Encoding.EMAIL, Encoding.INTEGER, Encoding.FLOAT, Encoding.BOOLEAN, Encoding.JSON}
)

Page = list[tuple[int, Fields]]


def pages_of(rows: QuerySet[Any], *columns: str) -> Iterator[list[tuple[Any, ...]]]:
    """Tuples (pk, *columns) by ascending pk. Each page is a query of its own, which begins after the last one's end."""
    rows = rows.order_by("pk").values_list("pk", *columns)
    page = list(rows[:PAGE_ROWS])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1][0])[:PAGE_ROWS]) if len(page) == PAGE_ROWS else []


class TableSource:
    """A table, with the fields that it has no column for beside it."""

    def __init__(self, declaration: Declaration, names: tuple[str, ...]) -> None:
        """`names` are the wire fields to read, in the order that they are written in."""
        assert declaration.table is not None  # noqa: S101 (callers look)
        self._table = declaration.table
        self._model = declaration.wire.model
        found = [(name, declaration.column(name)) for name in names]
        self._columns = [column for _, column in found if column is not None]
        self._names = [name for name, column in found if column is not None]
        self._encoders = list(_encoders(declaration.wire, self._names))

    def pages(self, condition: Q) -> Iterator[Page]:
        """The rows that meet the condition."""
        more = ExtraFields.objects.using(router.db_for_read(self._table)).filter(model=self._model)
        has_more = more.exists()
        for page in pages_of(self._table._base_manager.filter(condition), *self._columns):
            rows = self._encoded(page)
            if has_more:
                _merge(rows, more.filter(pk_of_row__range=(rows[0][0], rows[-1][0])))
            yield rows

    def count(self, condition: Q) -> int:
        """How many rows meet the condition."""
        return self._table._base_manager.filter(condition).count()

    def _encoded(self, page: list[tuple[Any, ...]]) -> Page:
        names, encoders = self._names, self._encoders
        rows = []
        for row in page:
            fields = dict(zip(names, row[1:], strict=True))
            for name, encode in encoders:
                value = fields[name]
                if value is not None:
                    fields[name] = encode(value)
            rows.append((row[0], fields))
        return rows


class PreservedSource:
    """Rows that were kept as they came."""

    def __init__(self, table: type[PreservedRow], model: str) -> None:
        self._rows: QuerySet[Any] = table._base_manager.filter(model=model)

    def pages(self, condition: Q) -> Iterator[Page]:
        """The rows that meet the condition."""
        return pages_of(self._rows.filter(condition), "fields")

    def count(self, condition: Q) -> int:
        """How many rows meet the condition."""
        return self._rows.filter(condition).count()


def _encoders(wire: Relocation, names: list[str]) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    for name in names:
        encoding = wire.fields.get(name)
        if encoding is not None and encoding not in _AS_IT_IS:
            yield name, encoder(encoding)


def _merge(rows: Page, extras: QuerySet[ExtraFields]) -> None:
    found: dict[int, Fields] = dict(extras.values_list("pk_of_row", "fields"))
    for pk, fields in rows:
        fields.update(found.get(pk, {}))
