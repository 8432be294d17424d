"""Real exports come out again as they came in."""

import json
from pathlib import Path

import pytest

from tests.support.moving import Mover, rows_of
from vedette.core.relocation import RelocationScope
from vedette.relocation.graph import graph

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).parents[3] / "data" / "relocation"

# What may be written otherwise: arrays as JSON text instead of Python literals, and fields that an older file lacks.
OTHERWISE = {
    "fresh-install": {
        ("sentry.userrole", "permissions"),
        ("sentry.projectkey", "use_case"),
        # No password that anybody could have: its hash is cut off, so the account has to be claimed.
        ("sentry.user", "password"),
        ("sentry.user", "is_unclaimed"),
        ("sentry.user", "last_password_change"),
    },
    "user-with-minimum-privileges": set(),
    "single-option": set(),
    "duplicate-username-and-organization-slug": {("sentry.user", "username"), ("sentry.organization", "slug")},
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_sample_that_was_imported_as_a_whole_is_exported_row_by_row(tmp_path, name):
    mover = Mover(tmp_path)
    before = json.loads((SAMPLES / f"{name}.json").read_bytes())

    mover.imports((SAMPLES / f"{name}.json").read_bytes(), RelocationScope.GLOBAL)
    after = rows_of(mover.exports(RelocationScope.GLOBAL))

    assert _models(after) == _models(before)
    assert {changed for pair in _pairs(before, after) for changed in _changes(*pair)} == OTHERWISE[name]


def _models(rows):
    return sorted(row["model"] for row in rows)


def _pairs(before, after):
    """Rows of one model in their order, which an import keeps."""
    for model in {row["model"] for row in before}:
        yield from zip(*([row for row in rows if row["model"] == model] for rows in (before, after)), strict=True)


def _changes(before, after):
    """(model, field) of what is not the same; keys, which may change, are compared by the round trip of all models."""
    names = before["fields"].keys() | after["fields"].keys()
    return [
        (before["model"], name)
        for name in names - graph()[before["model"]].wire.foreign_keys.keys()
        if before["fields"].get(name, "absent") != after["fields"].get(name, "absent")
    ]
