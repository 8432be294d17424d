"""Rows of many keys, on both databases."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import an_organization
from vedette.core import sql
from vedette.core.clock import EPOCH
from vedette.core.pieces import pieces
from vedette.projects.models import Environment

pytestmark = pytest.mark.django_db
NAMES = ("organization_id", "name")


def environments(organization, *names):
    return [Environment.objects.create(organization_id=organization.pk, name=name) for name in names]


def found(*keys):
    return sorted(sql.matching("projects_environment", NAMES, keys, NAMES))


def test_the_rows_of_these_keys_and_of_no_combination_of_them():
    acme, other = an_organization("acme"), an_organization("other")
    environments(acme, "a", "b")
    environments(other, "a", "b")

    assert found((acme.pk, "a"), (other.pk, "b"), (acme.pk, "a"), (acme.pk, "c")) == [(acme.pk, "a"), (other.pk, "b")]
    assert found() == []


@pytest.mark.parametrize("name", ["'); DROP TABLE projects_environment; --", "%s", "%", "\\", "ü", ""])
def test_a_key_is_a_value_whatever_it_says(name):
    acme = an_organization("acme")
    environments(acme, name, "other")

    assert found((acme.pk, name)) == [(acme.pk, name)]


def test_more_keys_than_a_statement_takes_are_asked_for_in_pieces(monkeypatch):
    acme = an_organization("acme")
    environments(acme, *"abcde")
    monkeypatch.setattr(sql, "pieces", lambda keys: pieces(keys, 2))

    with CaptureQueriesContext(connection) as asked:
        assert len(found(*((acme.pk, name) for name in "abcde"))) == 5
    assert len(asked) == 3


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="how SQLite plans")
def test_sqlite_goes_by_the_index_on_the_columns():
    acme = an_organization("acme")
    with CaptureQueriesContext(connection) as asked:
        found((acme.pk, "a"), (acme.pk, "b"))
    plan = sql.run(f"EXPLAIN QUERY PLAN {asked[0]['sql']}", ())

    assert "(organization_id=? AND name=?)" in plan[-1][3]


def test_how_many_rows_were_changed():
    acme = an_organization("acme")
    one, two = environments(acme, "a", "b")
    change = "UPDATE projects_environment SET name = %s WHERE id = %s AND name = %s"

    assert sql.run_many(change, [("x", one.pk, "a"), ("y", two.pk, "b"), ("z", two.pk, "b")]) == 2
    assert sql.run_many(change, []) == 0


def test_rows_are_inserted_in_pieces_and_only_what_was_inserted_comes_back(monkeypatch):
    acme = an_organization("acme")
    environments(acme, "b")
    monkeypatch.setattr(sql, "ROWS_AT_ONCE", 2)
    columns, at = (*NAMES, "date_added"), sql.moment(EPOCH)
    rows = [(acme.pk, name, at) for name in "abcde"]

    with CaptureQueriesContext(connection) as asked:
        made = sql.insert_rows("projects_environment", columns, rows, tail="ON CONFLICT DO NOTHING RETURNING name")

    assert sorted(name for (name,) in made) == list("acde")
    assert len(asked) == 3
    assert Environment.objects.filter(organization_id=acme.pk).count() == 5
    assert sql.insert_rows("projects_environment", columns, []) == []
