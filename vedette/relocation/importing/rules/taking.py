"""Rows that take the place of others of their kind, and ids that are kept: what several rules do, in few statements."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any, TypeVar

from django.db import connections, models

from vedette.core.pieces import pieces
from vedette.core.snowflake import is_of_the_future
from vedette.core.suffixes import with_random_suffix
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.columns import adapter
from vedette.relocation.importing.rules.base import Context, Incoming, Kind, Written

T = TypeVar("T")

ROWS_AT_ONCE = 500
ROUNDS = 5  # with those who write the same at the same moment
_LARGEST_ID = 2**53 - 1  # what every client of the API can hold
_SUFFIX_LENGTH = 5


def upsert(
    table: type[models.Model],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str,
    identity: Callable[[Sequence[Any]], Hashable],
    using: str,
) -> list[int]:
    """Insert `rows` (values of the attributes `names`); where one is there already that the unique index on `conflict`
    (SQL) does not tell apart, it takes the values. The pk of each, in order.

    Two rows with one `identity` are one row, with the values of the latter.
    """
    latest = {identity(row): row for row in rows}
    connection = connections[using]
    quote = connection.ops.quote_name
    fields = [table._meta.get_field(name) for name in names]
    columns = [quote(str(field.column)) for field in fields]  # type: ignore[union-attr]
    adapters = [adapter(field, using) for field in fields]  # type: ignore[arg-type]
    mark = f"({', '.join(['%s'] * len(names))})"
    pk = quote(str(table._meta.pk.column))
    found: dict[Hashable, int] = {}
    with connection.cursor() as cursor:
        # In the same order everywhere, so that two who write the same do not wait for each other.
        for some in _slices([latest[one] for one in sorted(latest, key=repr)], ROWS_AT_ONCE):
            values = [
                value if adapt is None else adapt(value)
                for row in some
                for value, adapt in zip(row, adapters, strict=True)
            ]
            # The names are those of a model of ours.
            statement = (
                f"INSERT INTO {quote(table._meta.db_table)} ({', '.join(columns)}) "  # noqa: S608
                f"VALUES {', '.join([mark] * len(some))} ON CONFLICT ({conflict}) "
                f"DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns)} "
                f"RETURNING {pk}, {', '.join(columns)}"
            )
            cursor.execute(statement, values)
            found |= {identity(row[1:]): row[0] for row in cursor.fetchall()}
    return [found[identity(row)] for row in rows]


def ids_to_keep(batch: Sequence[Incoming]) -> list[int | None]:
    """The id that each row had, for `Context.insert`, which keeps it where nobody has it here; None where it may not be
    kept at all.

    What hides in text and plain integers (the ids of teams in alert rules, of projects in DSNs) stays right where ids
    stay the same. An id that may still be drawn is not kept, so that no file can take ids from those who come later.
    What is given up holds its id until all of its data is deleted.
    """
    return [_worth_keeping(incoming.row.pk) for incoming in batch]


def _worth_keeping(pk: int) -> int | None:
    return pk if 0 < pk <= _LARGEST_ID and not is_of_the_future(pk) else None


def insert_new(
    batch: Sequence[Incoming], context: Context, give_names: Callable[[Sequence[Incoming]], None]
) -> list[Written | None]:
    """Insert rows that nothing here may stand for, since others hang on them: with the ids that they had, where those
    are free, and under the slugs that `give_names` gives them. What another transaction takes at the same moment is
    given another name, or id, as if it had been there before; what became of slugs is told."""
    pks = insert_all(batch, context, give_names, ids_to_keep)
    for incoming in batch:
        tell_of_the_slug(incoming, context)
    return [Written(pk, Kind.INSERTED, incoming.values["slug"]) for pk, incoming in zip(pks, batch, strict=True)]


def insert_all(
    batch: Sequence[Incoming],
    context: Context,
    adapt: Callable[[Sequence[Incoming]], None],
    ids: Callable[[Sequence[Incoming]], list[int | None]] | None = None,
) -> list[int]:
    """Insert every row, and give their pks. `adapt` takes from rows what somebody here has; it is called again with
    those that were excluded by what somebody has taken just now."""
    pks: list[int | None] = [None] * len(batch)
    waiting = list(range(len(batch)))
    for _ in range(ROUNDS):
        rows = [batch[place] for place in waiting]
        adapt(rows)
        for place, pk in zip(waiting, context.try_insert(rows, ids(rows) if ids else ()), strict=True):
            pks[place] = pk
        waiting = [place for place in waiting if pks[place] is None]
        if not waiting:
            break
    for place in waiting:
        reason = "others take what it wants to have as fast as it asks: import the file again"
        context.refuse(batch[place], reason, kind=FindingKind.INTEGRITY_ERROR)
    return [pk for pk in pks if pk is not None]


def distinct_slugs(batch: Sequence[Incoming], longest: int, context: Context) -> None:
    """Give rows that want the slug of another one of their organization something behind it."""
    wanted = {(incoming.values["organization"], incoming.values["slug"]) for incoming in batch}
    given = _slugs_of(wanted, context)
    for incoming in batch:
        organization, slug = incoming.values["organization"], incoming.values["slug"]
        while (organization, slug) in given:
            slug = with_random_suffix(incoming.values["slug"], _SUFFIX_LENGTH, longest)
        given.add((organization, slug))
        incoming.values["slug"] = slug


def tell_of_the_slug(incoming: Incoming, context: Context) -> None:
    """Report the row's slug if it is not the one of the file."""
    before = str(incoming.row.fields.get("slug") or "")
    if incoming.values["slug"] != before:
        context.renamed(incoming, before, incoming.values["slug"])


def _slugs_of(wanted: Collection[tuple[int, str]], context: Context) -> set[tuple[int, str]]:
    table: Any = context.declaration.table
    found: set[tuple[int, str]] = set()
    for some in pieces(wanted):
        rows = table._default_manager.using(context.using).filter(
            organization_id__in={organization for organization, _ in some}, slug__in={slug for _, slug in some}
        )
        found.update(rows.values_list("organization_id", "slug"))
    return found


def _slices(values: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
