"""A file that holds rows of every model with every field set: what a move must not lose.

Two organizations ("families") with rows of every model. The first row of each has all its foreign keys set, the second
has those null that may be; texts, JSON and options are as odd as they come. Primary keys are sparse, and different
from model to model, so that a key that was not remapped leads nowhere.
"""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from tests.support.relocation_rows import BY_ENCODING, ODD_JSON, OWN, ROWS, Fields, Place, pk_of
from vedette.core.relocation import Generation, Relocation, RelocationScope
from vedette.relocation.graph import graph

Row = dict[str, Any]
STRANGE = ODD_JSON
FAMILIES = 2

# Its rows belong to issues, which never travel, so that none of them can lead anywhere.
NEVER_WHOLE = frozenset({"workflow_engine.workflowgroupstatus"})

_GLOBAL_ACTIONS = {pk_of(Place(family, 0, "sentry.notificationaction")) for family in range(FAMILIES)}


def every_model(generation: Generation = Generation.EARLY_2025) -> list[Row]:
    """A complete and consistent set of rows of all models that files of this generation hold, in canonical order."""
    return [
        _row(Place(family, at, wire), generation)
        for wire in graph().order
        if graph()[wire].wire.exists_in(generation) and wire not in NEVER_WHOLE
        for family in range(FAMILIES)
        for at in range(ROWS.get(wire, 2))
    ]


def models_of(rows: Iterable[Row]) -> set[str]:
    """The wire names of these rows."""
    return {row["model"] for row in rows}


def in_scope(rows: Iterable[Row], *scopes: RelocationScope) -> list[Row]:
    """Those rows of `every_model()` whose own scope is one of these."""
    return [row for row in rows if _own_scope(row) in scopes]


def with_strangers(rows: Iterable[Row]) -> list[Row]:
    """The rows with fields that nobody knows, and with rows of a model that nobody knows."""
    organization = pk_of(Place(0, 0, "sentry.organization"))
    strangers: list[Row] = [
        {"model": "sentry.stranger", "pk": 5, "fields": {"organization": organization, "ü": STRANGE}},
        {"model": "sentry.stranger", "pk": 6, "fields": {"note": None}},
    ]
    return [{**row, "fields": {**row["fields"], "strange": STRANGE}} for row in rows] + strangers


def as_file(rows: Iterable[Row]) -> bytes:
    """The bytes of a plain export."""
    return json.dumps([*rows], indent=2).encode()


def unresolved_keys(rows: Iterable[Row]) -> list[str]:
    """Foreign keys that lead to no row of the file, as `model.field`."""
    rows = [*rows]
    known = {(row["model"], row["pk"]) for row in rows}
    return [
        f"{row['model']}.{name}"
        for row in rows
        for name, key in graph()[row["model"]].wire.foreign_keys.items()
        if row["fields"].get(name) is not None and (key.target, row["fields"][name]) not in known
    ]


def is_ordered(rows: Iterable[Row]) -> bool:
    """Whether models come in canonical order, in one block each, their pks ascending."""
    order = graph().order
    return all(before < after for before, after in pairwise((order.index(row["model"]), row["pk"]) for row in rows))


def _row(place: Place, generation: Generation) -> Row:
    wire = graph()[place.model].wire
    fields: Fields = {}
    for name in wire.names_in(generation):
        key = wire.foreign_keys.get(name)
        if key is None:
            fields[name] = BY_ENCODING[wire.fields[name]](place, name)
        elif key.target in graph().excluded or (key.nullable and not place.is_full):
            fields[name] = None
        else:
            fields[name] = place.other(key.target)
    if place.model in OWN:
        fields |= {name: value for name, value in OWN[place.model](place).items() if name in fields or _is_new(wire)}
    return {"model": place.model, "pk": pk_of(place), "fields": fields}


def _is_new(wire: Relocation) -> bool:
    """Whether only the keys of the model are known, so that its rows hold fields beside."""
    return wire.since > Generation.MID_2024


def _own_scope(row: Row) -> RelocationScope:
    """The one scope that the row itself has, where its model has several."""
    scopes = graph()[row["model"]].wire.scopes
    if len(scopes) == 1:
        return scopes[0]
    if row["model"] == "sentry.notificationactionproject":
        is_global = row["fields"]["action"] in _GLOBAL_ACTIONS
    else:
        is_global = any(row["fields"].get(name) for name in ("application", "integration_id", "sentry_app_id"))
    return RelocationScope.GLOBAL if is_global else next(scope for scope in scopes if scope != RelocationScope.GLOBAL)
