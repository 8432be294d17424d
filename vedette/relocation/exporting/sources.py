"""Rows of one model as a file has them, in pages, by ascending pk: from its table, or from what was preserved."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

from django.db import router
from django.db.models import JSONField, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Length

from vedette.core import json
from vedette.core.relocation import Encoding, Relocation
from vedette.relocation.exporting.keys import Fields
from vedette.relocation.files.encodings import encoder
from vedette.relocation.graph import Declaration
from vedette.relocation.models import ExtraFields, PreservedRow

PAGE_ROWS = 2000
PAGE_CHARACTERS = 4 * 2**20  # of long columns, which take several times as much as Python values

_AS_IT_IS = frozenset(  # what a column holds is what a file says
    {Encoding.TEXT, Encoding.EMAIL, Encoding.INTEGER, Encoding.FLOAT, Encoding.BOOLEAN, Encoding.JSON}
)

Page = list[tuple[int, Fields]]


def pages_of(
    rows: QuerySet[Any], *columns: str, long: Sequence[str] = (), beside: QuerySet[ExtraFields] | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    """Tuples (pk, *columns) by ascending pk. Each page is a query of its own, which begins after the last one's end.

    Pages are shorter where the `long` columns and the extra fields `beside` hold much: a page of more than one row is
    never larger than `PAGE_CHARACTERS`.
    """
    rows = rows.order_by("pk")
    if long or beside is not None:
        for span in _spans(rows, long, beside):
            yield list(rows.filter(pk__range=span).values_list("pk", *columns))
        return
    rows = rows.values_list("pk", *columns)
    page = list(rows[:PAGE_ROWS])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1][0])[:PAGE_ROWS]) if len(page) == PAGE_ROWS else []


def _spans(rows: QuerySet[Any], long: Sequence[str], beside: QuerySet[ExtraFields] | None) -> Iterator[tuple[int, int]]:
    """The first and the last pk of each page."""
    for page in pages_of(rows.annotate(characters=_characters(long)), "characters"):
        more = {} if beside is None else _characters_beside(beside, page[0][0], page[-1][0])
        first, last, together = page[0][0], page[0][0], 0
        for pk, characters in page:
            together += characters + more.get(pk, 0)
            if together > PAGE_CHARACTERS and pk != first:
                yield first, last
                first, together = pk, characters + more.get(pk, 0)
            last = pk
        yield first, last


def _characters_beside(beside: QuerySet[ExtraFields], first: int, last: int) -> dict[int, int]:
    extras = beside.filter(pk_of_row__range=(first, last)).annotate(characters=_characters(["fields"]))
    return dict(extras.values_list("pk_of_row", "characters"))


def _characters(columns: Sequence[str]) -> Combinable:
    """How long the texts of these columns are together."""
    lengths = (Coalesce(Length(Cast(column, TextField())), 0) for column in columns)
    return reduce(add, lengths, Value(0))


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
        fields = {field.attname: field for field in self._table._meta.concrete_fields}
        self._long = [column for column in self._columns if isinstance(fields[column], JSONField | TextField)]

    def pages(self, condition: Q) -> Iterator[Page]:
        """The rows that meet the condition."""
        extras = ExtraFields.objects.using(router.db_for_read(self._table)).filter(model=self._model)
        more = extras if extras.exists() else None
        rows_of_table = self._table._base_manager.filter(condition)
        for page in pages_of(rows_of_table, *self._columns, long=self._long, beside=more):
            rows = self._encoded(page)
            if more is not None:
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
        """The rows that meet the condition. Their JSON is read as text, for that is read in half the time."""
        rows = self._rows.filter(condition).annotate(text=Cast("fields", TextField()))
        for page in pages_of(rows, "text", long=["fields"]):
            yield [(pk, json.loads(text)) for pk, text in page]

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
