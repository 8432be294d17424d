"""Rows of one batch into their table: keys followed, rows that are there already joined, the others inserted.

Every key has to be one that this import mapped: an archive cannot name a row of anybody else.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from secrets import randbits
from typing import Any

from django.db import IntegrityError, connections, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest, Least

from vedette.core.pieces import pieces
from vedette.relocation.companion.declarations import Travels
from vedette.relocation.companion.keymap import KeyMap
from vedette.relocation.companion.rows import Incoming
from vedette.relocation.files.findings import Finding, FindingKind, warning
from vedette.relocation.importing.columns import own_columns
from vedette.relocation.importing.tables import Table

EMPTY: tuple[Any, ...] = (None, "", 0, [], {})
_GONE_BITS = 62
_KEYS_AT_ONCE = 250

Tell = Callable[[Finding], None]


@dataclass(slots=True)
class Done:
    """What became of a batch: new keys by old ones, and how many rows were left out."""

    inserted: dict[int, int] = field(default_factory=dict)
    existing: dict[int, int] = field(default_factory=dict)
    dropped: int = 0

    @property
    def keys(self) -> dict[int, int]:
        """All of the new keys."""
        return self.inserted | self.existing


class Rule:
    """What one model needs beside its declaration; this is the rule of those that need nothing."""

    def __init__(self, one: Travels, keys: KeyMap, tell: Tell, using: str) -> None:
        self.one, self.keys, self.tell, self.using = one, keys, tell, using

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """The rows that go on, before their keys are followed; ids in texts and JSON are followed here."""
        return rows

    def standing(self, rows: Sequence[Incoming]) -> dict[int, int]:
        """Rows of the target that stand for rows of the archive, beside those that are the `same`: old key, new key.
        Keys of the rows are the target's."""
        return {}

    def written(self, rows: Sequence[Incoming], done: Done) -> None:
        """After a batch, in its transaction."""


class Batch:
    """Writes batches of one model; in the caller's transaction."""

    def __init__(self, one: Travels, keys: KeyMap, rule: Rule, tell: Tell, using: str) -> None:
        self._one, self._keys, self._rule, self._tell, self._using = one, keys, rule, tell, using
        self._table = one.table
        columns = [column for column in own_columns(one.table) if not column.field.generated]
        self._into = Table(one.table, using, columns)
        self._fields = {column.attname: column for column in one.table._meta.local_concrete_fields}
        self._targets = {name: target for name, target in one.targets().items() if name not in one.late}

    def write(self, rows: Sequence[Incoming], *, one_by_one: bool = False) -> Done:
        """Write a batch. Raises `IntegrityError` when somebody was faster, or the rows contradict each other; then
        nothing of it may stay, and the same call `one_by_one` leaves out what cannot be."""
        done = Done()
        kept = self._rule.prepare([Incoming(row.pk, row.ordinal, dict(row.values)) for row in rows])
        kept = self._follow(kept)
        done.dropped = len(rows) - len(kept)
        done.existing = self._standing(kept)
        done.existing |= self._rule.standing([row for row in kept if row.pk not in done.existing])
        fresh, doubles = self._fresh([row for row in kept if row.pk not in done.existing])
        self._insert(fresh, done, one_by_one=one_by_one)
        for row, first in doubles:
            if first.pk in done.inserted:
                done.existing[row.pk] = done.inserted[first.pk]
        self._join([row for row in kept if row.pk in done.existing], done.existing)
        self._rule.written(kept, done)
        return done

    def _follow(self, rows: list[Incoming]) -> list[Incoming]:
        """Lead keys to what became of their targets. A row that cannot be without one goes, another one loses it."""
        for name, target in self._targets.items():
            found = self._keys.find(target, (row.values[name] for row in rows if row.values[name]))
            needs = not self._fields[name].null or name in self._one.needed
            kept = []
            for row in rows:
                old = row.values[name]
                if old:  # 0 is a key that is not there, where null is not allowed
                    new = found.get(old)
                    if new is None and needs:
                        self._drop(row, name, f"{target} {old} was not imported")
                        continue
                    if new is None:
                        reason = f"{target} {old} was not imported, and is not named any more"
                        self._tell(self._warning(FindingKind.NULLED_REFERENCE, row, reason, name))
                    row.values[name] = new
                kept.append(row)
            rows = kept
        for name in self._one.late:
            for row in rows:
                row.values[name] = None
        for name in self._one.gone:
            for row in rows:
                row.values[name] = -randbits(_GONE_BITS) - 1  # what nothing has, nor ever will
        return [row for row in rows if self._has_one(row)]

    def _has_one(self, row: Incoming) -> bool:
        if not self._one.one_of or any(row.values[name] for name in self._one.one_of):
            return True
        self._drop(row, self._one.one_of[0], "none of those it names was imported")
        return False

    def _drop(self, row: Incoming, name: str, reason: str) -> None:
        self._tell(self._warning(FindingKind.DROPPED_ROW, row, reason, name))

    def _warning(self, kind: FindingKind, row: Incoming, reason: str, name: str | None) -> Finding:
        return warning(kind, reason, model=self._one.label, ordinal=row.ordinal, left_pk=row.pk, field=name)

    def _standing(self, rows: Sequence[Incoming]) -> dict[int, int]:
        """The rows of the target that are the same as rows of the archive."""
        if not self._one.same:
            return {}
        keys = [(row.pk, *(row.values[name] for name in self._one.same)) for row in rows]
        return find_same(self._table, self._one.same, keys, self._using)

    def _fresh(self, rows: Sequence[Incoming]) -> tuple[list[Incoming], list[tuple[Incoming, Incoming]]]:
        """Without rows that became the same one, because what they belong to did: with each, the one that stands."""
        if not self._one.same:
            return list(rows), []
        first: dict[tuple[Any, ...], Incoming] = {}
        doubles = []
        for row in rows:
            key = tuple(row.values[name] for name in self._one.same)
            if None in key or key not in first:
                first[(row.pk, *key) if None in key else key] = row
            else:
                doubles.append((row, first[key]))
        return list(first.values()), doubles

    def _insert(self, rows: Sequence[Incoming], done: Done, *, one_by_one: bool) -> None:
        """What collides is there by now, or contradicts another row of the archive."""
        if not rows:
            return
        pks = self._into.new_pks([None] * len(rows))
        came = self._came(rows, pks) if one_by_one else self._into.insert([row.values for row in rows], pks)
        collided = []
        for row, pk, is_in in zip(rows, pks, came, strict=True):
            if is_in:
                done.inserted[row.pk] = pk
            else:
                collided.append(row)
        joined = self._standing(collided)
        done.existing |= joined
        for row in collided:
            if row.pk not in joined:
                done.dropped += 1
                self._drop(row, "", "it contradicts a row that is there")

    def _came(self, rows: Sequence[Incoming], pks: Sequence[int]) -> list[bool]:
        """Each by itself; which of them the database took."""
        came = []
        for row, pk in zip(rows, pks, strict=True):
            try:
                with transaction.atomic(using=self._using):
                    came += self._into.insert([row.values], [pk])
            except IntegrityError:
                came.append(False)
        return came

    def _join(self, rows: Sequence[Incoming], existing: dict[int, int]) -> None:
        one = self._one
        if not (one.earliest or one.latest or one.sums or one.fills):
            return
        manager = self._table._base_manager.using(self._using)
        present: dict[int, dict[str, Any]] = {}
        for some in pieces({existing[row.pk] for row in rows}):
            present |= {values["pk"]: values for values in manager.filter(pk__in=some).values("pk", *one.fills)}
        for row in rows:
            pk, values = existing[row.pk], row.values
            changes: dict[str, Any] = {name: F(name) + values[name] for name in one.sums if values[name]}
            changes |= {name: Least(F(name), Value(values[name])) for name in one.earliest}
            changes |= {name: Greatest(F(name), Value(values[name])) for name in one.latest}
            for name in one.fills:
                if present[pk][name] in EMPTY and values[name] not in EMPTY:
                    changes[name] = present[pk][name] = values[name]
            if changes:
                manager.filter(pk=pk).update(**changes)


def find_same(
    table: type[models.Model], by: Sequence[str], keys: Iterable[tuple[Any, ...]], using: str
) -> dict[Any, int]:
    """The keys of the rows whose attributes `by` have the values of one of `keys`, by what each of those begins with.

    Looked up key by key in the index on them (`core.sql.matching` says why); whoever has a null among them has none.
    """
    connection = connections[using]
    by_name = {field.attname: field for field in table._meta.local_concrete_fields}
    columns = [by_name[name] for name in by]
    quote = connection.ops.quote_name
    same = " AND ".join(f"t.{quote(str(column.column))} = k.column{place}" for place, column in enumerate(columns, 2))
    row = f"({', '.join(['%s'] * (len(by) + 1))})"
    listed = [key for key in keys if None not in key]
    found: dict[Any, int] = {}
    for start in range(0, len(listed), _KEYS_AT_ONCE):
        some = listed[start : start + _KEYS_AT_ONCE]
        values = ", ".join([row] * len(some))
        params: list[Any] = []
        for first, *rest in some:
            params.append(first)
            for column, value in zip(columns, rest, strict=True):
                params.append(column.get_db_prep_value(value, connection))
        statement = (
            f"SELECT k.column1, t.{quote(str(table._meta.pk.column))} FROM (VALUES {values}) AS k"  # noqa: S608
            f" CROSS JOIN {quote(table._meta.db_table)} AS t WHERE {same}"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            found.update(cursor.fetchall())
    return found


def set_late(one: Travels, keys: KeyMap, pairs: Iterable[tuple[int, dict[str, Any]]], using: str) -> int:
    """Set the `late` keys of rows (new key, old values) that have none yet; how many rows that were."""
    listed = list(pairs)
    manager = one.table._base_manager.using(using)
    targets = one.targets()
    changed = 0
    for name in one.late:
        found = keys.find(targets[name], (values[name] for _, values in listed if values[name]))
        wanted = {pk: found[values[name]] for pk, values in listed if values[name] in found}
        rows: list[Any] = []
        for some in pieces(wanted):
            unset = manager.filter(pk__in=some, **{f"{name}__isnull": True}).values_list("pk", flat=True)
            rows += [one.table(pk=pk, **{name: wanted[pk]}) for pk in unset]
        manager.bulk_update(rows, [name.removesuffix("_id") if _is_relation(one, name) else name], batch_size=500)
        changed += len(rows)
    return changed


def _is_relation(one: Travels, name: str) -> bool:
    return any(
        field.attname == name and isinstance(field, models.ForeignKey)
        for field in one.table._meta.local_concrete_fields
    )
