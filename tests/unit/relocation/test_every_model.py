"""The file with rows of every model is what the round trips need it to be."""

import json
from collections import Counter

import pytest

from tests.support.relocation import (
    NEVER_WHOLE,
    as_file,
    every_model,
    in_scope,
    is_ordered,
    models_of,
    unresolved_keys,
)
from vedette.core.relocation import Generation, RelocationScope
from vedette.relocation.graph import graph


@pytest.mark.parametrize("generation", Generation)
def test_it_is_complete_consistent_and_in_order(generation):
    rows = every_model(generation)

    assert {wire for wire in graph().order if graph()[wire].wire.exists_in(generation)} - models_of(rows) == (
        NEVER_WHOLE if generation is Generation.EARLY_2025 else set()
    )
    assert is_ordered(rows)
    assert unresolved_keys(rows) == []
    assert json.loads(as_file(rows)) == rows


def test_every_field_is_there_and_has_a_value_in_some_row():
    filled = {
        (row["model"], name) for row in every_model() for name, value in row["fields"].items() if value is not None
    }
    empty = {
        f"{wire}.{name}"
        for wire in graph().order
        if graph()[wire].wire.exists_in(Generation.EARLY_2025) and wire not in NEVER_WHOLE
        for name in graph()[wire].wire.names_in(Generation.EARLY_2025)
        if (wire, name) not in filled
    }

    # What it would point to never travels.
    assert empty == {"sentry.incident.activation"}


def test_no_unique_set_is_taken_twice():
    taken = Counter(
        (row["model"], unique, tuple(repr(row["fields"][name]) for name in sorted(unique)))
        for row in every_model()
        for unique in graph()[row["model"]].wire.uniques
        if all(row["fields"][name] is not None for name in unique)
    )

    assert [key for key, times in taken.items() if times > 1] == []


def test_every_key_that_may_be_null_is_null_somewhere():
    null = {(row["model"], name) for row in every_model() for name, value in row["fields"].items() if value is None}
    never_null = {
        f"{wire}.{name}"
        for wire in models_of(every_model())
        for name, key in graph()[wire].wire.foreign_keys.items()
        if key.nullable and (wire, name) not in null
    }

    # Nothing would lead from such a row to its owner.
    assert never_null == {
        "sentry.alertrule.organization",
        "sentry.alertrule.snuba_query",
        "sentry.projectbookmark.project",
        "workflow_engine.detector.organization",
    }


def test_each_row_has_a_scope_of_its_own():
    rows = every_model()
    parts = [in_scope(rows, scope) for scope in RelocationScope]

    assert sum(map(len, parts)) == len(rows)
    assert models_of(in_scope(rows, RelocationScope.USER)) == {
        "sentry.email",
        "sentry.user",
        "sentry.useremail",
        "sentry.useroption",
    }
