"""Walking through long lists in the order of an index: a page begins where the one before it ended.

A list is made of legs, one after the other, each in a descending order that no two of its rows share. Pages are
numbered, as clients know them; where each of them begins is remembered for a while, so that somebody who follows the
links finds page 900 as fast as page 1. Who jumps, or comes late, has the rows before it counted off instead.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import BooleanField, F, Func, QuerySet, Value
from django.db.models.lookups import LessThan, LessThanOrEqual

from vedette.core.pieces import PIECE

REMEMBERED_SECONDS = 900

Key = tuple[Any, ...]
T = TypeVar("T")


class Leg(Protocol):
    """Rows by their keys, from the greatest to the smallest."""

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """The first `limit` keys that are smaller than `after`, not counting the first `skip` of them."""

    def count(self) -> int:
        """How many rows there are."""


class Row(Func):
    """Several columns as one value, which both databases compare from left to right, and look up in an index."""

    template = "(%(expressions)s)"
    output_field = BooleanField()  # nobody reads it


def beyond(rows: QuerySet[Any, Any], keys: Sequence[str], at: Key, *, inclusive: bool = False) -> QuerySet[Any, Any]:
    """The rows whose columns `keys`, taken as one value, are smaller than `at`, or equal to it if `inclusive`."""
    fields = [rows.model._meta.get_field(rows.model._meta.pk.name if name == "pk" else name) for name in keys]
    values = [Value(value, output_field=_plain(field)) for value, field in zip(at, fields, strict=True)]
    compare = LessThanOrEqual if inclusive else LessThan
    return rows.filter(compare(Row(*(F(name) for name in keys)), Row(*values)))


def _plain(field: Any) -> Any:
    """The type of the column, without whom it refers to or what makes it."""
    field = getattr(field, "target_field", field) if field.is_relation else field
    return field.output_field if field.generated else field


def read_keys(rows: QuerySet[Any, Any]) -> list[Key]:
    """The rows of a query for plain columns, as the driver reads them: both drivers of ours read whole numbers and
    moments as Django would hand them on, which takes it twice as long for thousands of rows."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connections[rows.db].cursor() as cursor:
        cursor.execute(sql, params)
        keys: list[Key] = cursor.fetchall()
    return keys


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a query in the order of its columns `keys`, all descending; the last of which is unique.

    A query over one table, whose columns these are.
    """

    rows: QuerySet[Any, Any]
    keys: tuple[str, ...]

    def take(self, after: Key | None, skip: int, limit: int, *, inclusive: bool = False) -> list[Key]:
        """See `Leg`; `inclusive`: `after` is the first of them."""
        rows = self.rows if after is None else beyond(self.rows, self.keys, after, inclusive=inclusive)
        ordered = rows.order_by(*(f"-{name}" for name in self.keys)).values_list(*self.keys)
        return list(ordered[skip : skip + limit])

    def count(self) -> int:
        """See `Leg`."""
        return self.rows.order_by().count()


@dataclass(frozen=True, slots=True)
class Without:
    """The rows of another leg, without some: `known` tells which of those that it is given."""

    leg: Leg
    known: Callable[[Sequence[Key]], set[Key]]

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        found: list[Key] = []
        wanted = skip + limit
        piece = min(wanted, PIECE)
        while len(found) < wanted:
            some = self.leg.take(after, 0, piece)
            known = self.known(some)
            found += [key for key in some if key not in known]
            if len(some) < piece:
                break
            after, piece = some[-1], min(2 * piece, PIECE)
        return found[skip:wanted]

    def count(self) -> int:
        """See `Leg`."""
        return len(self.take(None, 0, self.leg.count()))


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """A page of rows, and whether more come after it."""

    rows: list[T]
    has_next: bool


def walk(legs: Sequence[Leg], name: Sequence[Any], size: int, number: int) -> Slice[Key]:
    """Page `number` (from 0) of `size` rows of the legs, one after the other.

    `name` says which list it is: everything that decides which rows it has, whom it is shown to, and their order.
    """
    start = _remembered(name, size, number)
    found = _from(legs, start, size + 1) if start else _counted(legs, size * number, size + 1)
    if len(found) > size:
        cache.set(_cache_key(name, size, number + 1), found[size - 1], REMEMBERED_SECONDS)
    return Slice([key for _, key in found[:size]], len(found) > size)


def _from(legs: Sequence[Leg], start: tuple[int, Key], limit: int) -> list[tuple[int, Key]]:
    place, after = start
    found = [(place, key) for key in legs[place].take(after, 0, limit)]
    for later in range(place + 1, len(legs)):
        if len(found) < limit:
            found += [(later, key) for key in legs[later].take(None, 0, limit - len(found))]
    return found


def _counted(legs: Sequence[Leg], skip: int, limit: int) -> list[tuple[int, Key]]:
    found: list[tuple[int, Key]] = []
    for place, leg in enumerate(legs):
        some = leg.take(None, skip, limit - len(found))
        found += [(place, key) for key in some]
        if len(found) >= limit:
            break
        # What was skipped may reach into the next leg; where rows were left to take, it did not.
        skip = 0 if some or not skip or place == len(legs) - 1 else skip - leg.count()
    return found


def _remembered(name: Sequence[Any], size: int, number: int) -> tuple[int, Key] | None:
    return cache.get(_cache_key(name, size, number)) if number > 0 else None


def _cache_key(name: Sequence[Any], size: int, number: int) -> str:
    told = hashlib.sha256(repr(tuple(name)).encode()).hexdigest()
    return f"release-list:{told}:{size}:{number}"
