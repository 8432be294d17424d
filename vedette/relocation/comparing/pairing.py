"""Which rows of two files belong together.

Most models go by position: the nth row by pk on the left is the nth on the right. Models with a natural key go by it,
and a user inside of a key is named by the row that it was paired with, so that a username that got a suffix breaks
nothing. Where a model has more rows on one side, position says nothing: rows are then matched by what they hold, and
those that are left over are named. What is wrong on the way is a finding, and the comparison goes on.

Source: the relocation specification, 5.5 ("ordinal") and 7.2, steps 2, 3 and 5; the matching is Vedette's own.
"""

import sqlite3
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import orjson

from vedette.core.relocation import Comparator, Relocation
from vedette.relocation.comparing.references import by_ordinal
from vedette.relocation.comparing.scratch import SIDES, Model, Scratch, Side
from vedette.relocation.files.findings import Finding, FindingKind, Origin

_NAMED = 10  # rows without a counterpart that a reason names
_LONGEST_NAME = 200  # characters of a username; the database takes fewer
_LAST_WINS = "sentry.useroption"  # its natural key may be there twice; the last one counts

KeyText = Callable[[Side, int, dict[str, Any]], str | None]  # (side, pk, fields) → key, None for rows without one


def pair(scratch: Scratch, model: Model, wire: Relocation | None) -> Iterator[Finding]:
    """Give the rows of one model their ordinals. Its dependencies must be paired already."""
    if wire is not None and wire.ordinal:
        yield from _by_key(scratch, model, wire)
        return
    for side in SIDES:
        yield from _check_order(scratch, side, model)
    if scratch.count("left", model) != scratch.count("right", model):
        _match(scratch, model, wire)
        yield _unequal_counts(scratch, model)


# ------------------------------------------------------------ by pk


def _check_order(scratch: Scratch, side: Side, model: Model) -> Iterator[Finding]:
    found = False
    for pk, line, before in scratch.disorder(side, model):
        found = True
        where: dict[str, Any] = {f"{side}_pk": pk}
        reason = f"pks of a model must ascend, but on the {side} the row with pk {pk} follows the one with pk {before}"
        yield Finding(Origin.COMPARE, FindingKind.UNORDERED_INPUT, model.name, reason=reason, line=line, **where)
    if found:
        scratch.db.execute(
            f"UPDATE {side}_row SET ordinal = sorted.nth FROM"  # noqa: S608
            f" (SELECT id, row_number() OVER (ORDER BY pk, id) AS nth FROM {side}_row WHERE model = ?) AS sorted"
            f" WHERE {side}_row.id = sorted.id",
            (model.number,),
        )


# ------------------------------------------------------------ by a natural key


def _by_key(scratch: Scratch, model: Model, wire: Relocation) -> Iterator[Finding]:
    _write_keys(scratch, _natural_key(scratch, wire), lambda side: scratch.rows(side, model))
    for side in SIDES:
        if wire.model == _LAST_WINS:
            _keep_the_last(scratch, side, model)
        else:
            yield from _duplicates(scratch, side, model)
    unequal = scratch.count("left", model) != scratch.count("right", model)
    suffixed = len(wire.ordinal) == 1 and Comparator.AUTO_SUFFIX in wire.comparators.get(wire.ordinal[0], ())
    _number_by_key(scratch, model, suffixed=suffixed)
    if unequal:
        yield _unequal_counts(scratch, model)


def _natural_key(scratch: Scratch, wire: Relocation) -> KeyText:
    """The fields of the natural key as JSON text, users as ordinals. `useroption` has one only where it is global."""

    def key(side: Side, pk: int, fields: dict[str, Any]) -> str:
        if wire.model == _LAST_WINS and (fields.get("organization_id") or fields.get("project_id")):
            return f"~{pk:020d}"  # behind every JSON text
        return orjson.dumps([_key_part(scratch, side, wire, name, fields.get(name)) for name in wire.ordinal]).decode()

    return key


def _key_part(scratch: Scratch, side: Side, wire: Relocation, name: str, value: Any) -> Any:
    foreign = wire.foreign_keys.get(name)
    if foreign is None or not isinstance(value, int):
        return value
    ordinal = scratch.ordinal(side, foreign.target, value)
    return {"missing": value} if ordinal is None else ordinal


def _keep_the_last(scratch: Scratch, side: Side, model: Model) -> None:
    gone = scratch.db.execute(
        f"DELETE FROM {side}_row WHERE id IN (SELECT {side}_key.id FROM {side}_key WHERE nth <"  # noqa: S608
        f" (SELECT max(nth) FROM {side}_key AS other WHERE other.text = {side}_key.text))"
    ).rowcount
    scratch.counts[side, model.number] = scratch.count(side, model) - gone
    scratch.db.execute(f"DELETE FROM {side}_key WHERE id NOT IN (SELECT id FROM {side}_row)")  # noqa: S608
    scratch.db.execute(f"UPDATE {side}_key SET nth = 1")  # noqa: S608


def _duplicates(scratch: Scratch, side: Side, model: Model) -> Iterator[Finding]:
    twice = scratch.db.execute(
        f"SELECT {side}_row.pk, line FROM {side}_key JOIN {side}_row USING (id) WHERE nth > 1 ORDER BY id"  # noqa: S608
    )
    for pk, line in twice:
        where: dict[str, Any] = {f"{side}_pk": pk}
        reason = f"on the {side} an earlier row of this model has the same natural key as the one with pk {pk}"
        kind = FindingKind.DUPLICATE_CUSTOM_ORDINAL
        yield Finding(Origin.COMPARE, kind, model.name, reason=reason, line=line, **where)


# ------------------------------------------------------------ by what rows hold


def _match(scratch: Scratch, model: Model, wire: Relocation | None) -> None:
    """Pair rows that are equal, then of the others those that have the same unique values; rows of the right that are
    left over stand behind the last row of the left."""
    db = scratch.db
    db.execute("UPDATE right_row SET ordinal = NULL WHERE model = ?", (model.number,))
    for key in (_fingerprint(scratch, wire), *_unique_keys(scratch, wire)):
        _write_keys(scratch, key, lambda side: scratch.unpaired(side, model))
        db.execute(
            "UPDATE right_row SET ordinal = pairs.ordinal FROM (SELECT right_key.id, left_row.ordinal FROM right_key"
            " JOIN left_key USING (text, nth) JOIN left_row ON left_row.id = left_key.id) AS pairs"
            " WHERE right_row.id = pairs.id"
        )
    db.execute(
        "UPDATE right_row SET ordinal = ? + behind.nth FROM (SELECT id, row_number() OVER (ORDER BY pk, id) AS nth"
        " FROM right_row WHERE model = ? AND ordinal IS NULL) AS behind WHERE right_row.id = behind.id",
        (scratch.count("left", model), model.number),
    )


def _fingerprint(scratch: Scratch, wire: Relocation | None) -> KeyText:
    """A digest of everything that must be equal in both rows, keys as the ordinals of what they point to."""
    foreign_keys = wire.foreign_keys if wire else {}
    equal = {Comparator.EMAIL, Comparator.HASH, Comparator.DATETIME_EQUALITY}
    passed_over = {name for name, rules in (wire.comparators if wire else {}).items() if not equal >= {*rules}}

    def digest(side: Side, pk: int, fields: dict[str, Any]) -> str:
        if wire is not None:
            fields = by_ordinal(wire.model, fields, lambda target, key: scratch.ordinal(side, target, key))
        held = {name: value for name, value in fields.items() if name not in passed_over}
        for name, foreign in foreign_keys.items():
            value = fields.get(name)
            held[name] = scratch.ordinal(side, foreign.target, value) if isinstance(value, int) else value
        return blake2b(orjson.dumps(held, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()

    return digest


def _unique_keys(scratch: Scratch, wire: Relocation | None) -> Iterator[KeyText]:
    """For each unique set its values; rows that have none of one, and those that lead nowhere, have no such key."""
    for unique in wire.uniques if wire else ():
        names = sorted(unique)

        def key(side: Side, pk: int, fields: dict[str, Any], names: list[str] = names) -> str | None:
            assert wire is not None  # noqa: S101 (it has unique sets)
            values = [_key_part(scratch, side, wire, name, fields.get(name)) for name in names]
            has_all = all(value is not None and not isinstance(value, dict) for value in values)
            return orjson.dumps(values).decode() if has_all else None

        yield key


# ------------------------------------------------------------ keys in the scratch database


def _write_keys(scratch: Scratch, key: KeyText, rows: Callable[[Side], Iterator[tuple[int, int, bytes]]]) -> None:
    """Tables `left_key` and `right_key`: (id, text, nth row with this text, ordinal) of rows that have a key."""
    db = scratch.db
    for side in SIDES:
        db.execute(f"DROP TABLE IF EXISTS {side}_key")
        db.execute(f"CREATE TABLE {side}_key (id INTEGER PRIMARY KEY, text TEXT, nth INTEGER, ordinal INTEGER)")
        db.execute("BEGIN")
        db.executemany(
            f"INSERT INTO {side}_key (id, text) VALUES (?, ?)",  # noqa: S608
            ((at, text) for at, pk, fields in rows(side) if (text := key(side, pk, orjson.loads(fields))) is not None),
        )
        db.execute("COMMIT")
        db.execute(f"CREATE INDEX {side}_key_text ON {side}_key (text, nth)")
        db.execute(
            f"UPDATE {side}_key SET nth = counted.nth FROM"  # noqa: S608
            f" (SELECT id, row_number() OVER (PARTITION BY text ORDER BY id) AS nth FROM {side}_key) AS counted"
            f" WHERE {side}_key.id = counted.id"
        )


def _number_by_key(scratch: Scratch, model: Model, *, suffixed: bool) -> None:
    """Ordinals for both sides: the left by key, the right as the left row with the same key. Rights without one get
    those of the lefts without one, in order; what is still left over stands behind the last."""
    db = scratch.db
    db.execute(
        "UPDATE left_key SET ordinal = sorted.nth FROM"
        " (SELECT id, row_number() OVER (ORDER BY text, id) AS nth FROM left_key) AS sorted"
        " WHERE left_key.id = sorted.id"
    )
    db.execute(
        "UPDATE right_key SET ordinal = (SELECT ordinal FROM left_key"
        " WHERE left_key.text = right_key.text AND left_key.nth = right_key.nth)"
    )
    db.execute("CREATE INDEX right_key_ordinal ON right_key (ordinal)")
    if suffixed:
        _pair_suffixed(scratch)
    if scratch.count("left", model) == scratch.count("right", model):
        _pair_leftovers(scratch)
    db.execute(
        "UPDATE right_key SET ordinal = behind.nth FROM (SELECT id, (SELECT count(*) FROM left_key) +"
        " row_number() OVER (ORDER BY text, id) AS nth FROM right_key WHERE ordinal IS NULL) AS behind"
        " WHERE right_key.id = behind.id"
    )
    for side in SIDES:
        db.execute(
            f"UPDATE {side}_row SET ordinal = {side}_key.ordinal FROM {side}_key"  # noqa: S608
            f" WHERE {side}_row.id = {side}_key.id"
        )


_FREE_LEFTS = "NOT EXISTS (SELECT 1 FROM right_key WHERE right_key.ordinal = left_key.ordinal)"


def _pair_suffixed(scratch: Scratch) -> None:
    """A username `ada-k3` on the right without a counterpart belongs to `ada` on the left, if that one is free."""
    db = scratch.db
    some = "SELECT id, text FROM right_key WHERE ordinal IS NULL AND id > ? ORDER BY id LIMIT 1000"
    at = 0
    while found := db.execute(some, (at,)).fetchall():
        at = found[-1][0]
        for own, text in found:
            ordinal = _free_prefix(db, orjson.loads(text)[0])
            if ordinal is not None:
                db.execute("UPDATE right_key SET ordinal = ? WHERE id = ?", (ordinal, own))


def _free_prefix(db: sqlite3.Connection, name: Any) -> int | None:
    """The ordinal of the free left row with the longest name that `name` continues after a hyphen."""
    while isinstance(name, str) and "-" in name[:_LONGEST_NAME]:
        name = name[:_LONGEST_NAME].rpartition("-")[0]
        free = db.execute(
            f"SELECT ordinal FROM left_key WHERE text = ? AND {_FREE_LEFTS} ORDER BY nth LIMIT 1",  # noqa: S608
            (orjson.dumps([name]).decode(),),
        ).fetchone()
        if free is not None:
            return int(free[0])
    return None


def _pair_leftovers(scratch: Scratch) -> None:
    scratch.db.execute(
        "UPDATE right_key SET ordinal = both.ordinal FROM (SELECT rights.id, lefts.ordinal FROM"  # noqa: S608
        " (SELECT id, row_number() OVER (ORDER BY text, id) AS nth FROM right_key WHERE ordinal IS NULL) AS rights JOIN"
        " (SELECT ordinal, row_number() OVER (ORDER BY ordinal) AS nth FROM left_key"
        f" WHERE {_FREE_LEFTS}) AS lefts USING (nth)) AS both WHERE right_key.id = both.id"
    )


def _unequal_counts(scratch: Scratch, model: Model) -> Finding:
    counts = {side: scratch.count(side, model) for side in SIDES}
    reason = f"the left has {counts['left']} rows of this model, the right has {counts['right']}"
    for side, other in (SIDES, SIDES[::-1]):
        alone = scratch.db.execute(
            f"SELECT pk, line FROM {side}_row AS own WHERE model = ? AND NOT EXISTS (SELECT 1 FROM"  # noqa: S608
            f" {other}_row AS other WHERE other.model = own.model AND other.ordinal = own.ordinal) ORDER BY pk LIMIT ?",
            (model.number, _NAMED + 1),
        ).fetchall()
        if alone:
            named = ", ".join(f"pk {pk} (line {line})" for pk, line in alone[:_NAMED])
            reason += f"; only on the {side}: {named}{' and more' if len(alone) > _NAMED else ''}"
    return Finding(Origin.COMPARE, FindingKind.UNEQUAL_COUNTS, model.name, reason=reason)
