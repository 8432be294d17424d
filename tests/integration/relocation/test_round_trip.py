"""What comes in goes out again: export, wipe, import, export and compare, for every model and in every scope."""

from collections import Counter

import pytest

from tests.support.moving import Mover, rows_of, wipe
from tests.support.relocation import (
    as_file,
    every_model,
    in_scope,
    is_ordered,
    unresolved_keys,
)
from vedette.core.relocation import RelocationScope
from vedette.relocation.exporting.options import ALLOWED
from vedette.relocation.files.findings import Severity

pytestmark = pytest.mark.django_db

SCOPES = [*ALLOWED]
CONFIG, GLOBAL, ORGANIZATION, USER = (
    RelocationScope.CONFIG,
    RelocationScope.GLOBAL,
    RelocationScope.ORGANIZATION,
    RelocationScope.USER,
)


def is_for_one(row):
    """A setting for one organization or project, which leaves with it."""
    return row["fields"]["organization_id"] or row["fields"]["project_id"]


# What an export of that scope does not hold of the rows of its scopes.
NOT_EXPORTED = {
    USER: {"sentry.useroption": is_for_one},
    CONFIG: {"sentry.useroption": is_for_one},
    # A global saved search is of the whole installation.
    ORGANIZATION: {"sentry.savedsearch": lambda row: row["fields"]["is_global"]},
}


@pytest.fixture
def mover(tmp_path):
    return Mover(tmp_path)


def expected(scope):
    """How many rows of each model an installation that got everything exports."""
    left_out = NOT_EXPORTED.get(scope, {})
    rows = in_scope(every_model(), *ALLOWED[scope])
    return Counter(row["model"] for row in rows if not left_out.get(row["model"], lambda _: False)(row))


def errors(findings):
    return [finding.pretty() for finding in findings if finding.severity is Severity.ERROR]


def movable(scope):
    """Every model, as far as an import of that scope lets it in: powers come only with a configuration."""
    rows = every_model()
    for row in rows:
        if row["model"] == "sentry.user" and scope in (USER, ORGANIZATION):
            row["fields"] |= {"is_staff": False, "is_superuser": False}
    return rows


@pytest.mark.parametrize("scope", SCOPES)
def test_every_row_of_every_model_comes_through_twice(mover, scope):
    mover.imports(as_file(movable(scope)), GLOBAL)
    first = mover.exports(scope)
    wipe()
    mover.imports(first, scope, strict=True)
    second = mover.exports(scope)
    wipe()
    mover.imports(second, scope, strict=True)
    third = mover.exports(scope)

    assert Counter(row["model"] for row in rows_of(third)) == expected(scope)
    assert is_ordered(rows_of(first))
    assert unresolved_keys(rows_of(first)) == []
    assert errors(mover.differences(first, second)) == []
    assert errors(mover.differences(second, third)) == []
