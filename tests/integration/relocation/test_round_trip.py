"""What comes in goes out again: export, wipe, import, export and compare, for every model and in every scope."""

import random
from collections import Counter

import pytest

from tests.support.moving import Mover, rows_of, wipe
from tests.support.relocation import (
    STRANGE,
    as_file,
    every_model,
    in_scope,
    is_ordered,
    models_of,
    unresolved_keys,
    with_strangers,
)
from tests.support.sentryreader import complaints
from vedette.core.relocation import Generation, RelocationScope
from vedette.relocation.exporting.options import ALLOWED
from vedette.relocation.files.findings import FindingKind, Severity
from vedette.relocation.graph import graph

pytestmark = pytest.mark.django_db

SCOPES = [*ALLOWED]
CONFIG, GLOBAL, ORGANIZATION, USER = (
    RelocationScope.CONFIG,
    RelocationScope.GLOBAL,
    RelocationScope.ORGANIZATION,
    RelocationScope.USER,
)
LOSSES = {FindingKind.DROPPED_ROW, FindingKind.NULLED_REFERENCE, FindingKind.UNMAPPED_REFERENCE}
INCIDENTS = {wire for wire in graph().order if graph()[wire].wire.older_scopes != graph()[wire].wire.scopes}
UNTIL_2024 = {wire for wire in graph().order if graph()[wire].wire.until}


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


def test_an_import_loses_nothing_but_what_leads_out_of_the_file_and_tokens_that_are_kept_as_hashes(mover):
    file = as_file(every_model())

    result = mover.imports(file, GLOBAL, strict=True)
    exported = mover.exports(GLOBAL)

    assert errors(mover.differences(file, exported)) == []
    assert {finding.kind for finding in result.findings} & LOSSES == {FindingKind.UNMAPPED_REFERENCE}
    assert len(rows_of(exported)) == len(rows_of(file))


def test_fields_and_models_that_nobody_knows_come_through(mover):
    result = mover.imports(as_file(with_strangers(movable(ORGANIZATION))), GLOBAL)
    first = mover.exports(ORGANIZATION)
    wipe()
    mover.imports(first, ORGANIZATION)
    second = mover.exports(ORGANIZATION)

    assert {FindingKind.UNKNOWN_FIELD, FindingKind.PRESERVED_MODEL} <= {finding.kind for finding in result.findings}
    assert all(row["fields"]["strange"] == STRANGE for row in rows_of(second) if row["model"] != "sentry.stranger")
    assert [row["fields"] for row in rows_of(second) if row["model"] == "sentry.stranger"][1:] == [{"note": None}]
    assert errors(mover.differences(first, second)) == []


def shape(row):
    """The model and its fields. Of tokens of the API only hashes are kept, so the tokens themselves do not leave."""
    gone = {"token"} if row["model"] == "sentry.apitoken" else set()
    return row["model"], frozenset(row["fields"]) - gone


def test_a_file_of_the_older_format_comes_through(mover):
    older = as_file(every_model(Generation.MID_2024))

    mover.imports(older, GLOBAL, strict=True)
    first = mover.exports(GLOBAL, generation=Generation.MID_2024)
    wipe()
    mover.imports(first, GLOBAL, strict=True)
    second = mover.exports(GLOBAL, generation=Generation.MID_2024)

    assert models_of(rows_of(second)) == models_of(rows_of(older))
    assert {shape(row) for row in rows_of(second)} == {shape(row) for row in rows_of(older)}
    assert errors(mover.differences(first, second)) == []


@pytest.mark.parametrize(("generation", "come"), [(Generation.MID_2024, True), (Generation.EARLY_2025, False)])
def test_incidents_come_with_an_organization_where_the_file_is_of_a_time_when_they_did(mover, generation, come):
    rows = every_model(generation)
    incidents = Counter(row["model"] for row in rows if row["model"] in INCIDENTS)

    mover.imports(as_file(rows), ORGANIZATION, strict=True)

    exported = rows_of(mover.exports(ORGANIZATION, generation=Generation.MID_2024))
    assert Counter(row["model"] for row in exported if row["model"] in INCIDENTS) == (incidents if come else Counter())


def test_an_export_for_an_older_sentry_holds_only_what_that_knows(mover):
    mover.imports(as_file(with_strangers(every_model())), GLOBAL)

    rows = rows_of(mover.exports(GLOBAL, generation=Generation.MID_2024))

    assert "workflow_engine.workflow" in models_of(every_model())
    assert models_of(rows) == models_of(every_model(Generation.MID_2024)) - UNTIL_2024
    for row in rows:
        assert {*row["fields"]} <= {*graph()[row["model"]].wire.names_in(Generation.MID_2024)}
    assert unresolved_keys(rows) == []


def test_the_same_file_twice_is_two_of_everything_that_may_be_twice(mover):
    file = as_file(every_model())
    mover.imports(file, ORGANIZATION)

    result = mover.imports(file, ORGANIZATION)

    assert {rename.model for rename in result.renames} == {"sentry.user", "sentry.organization"}
    counts = Counter(row["model"] for row in rows_of(mover.exports(ORGANIZATION)))
    once = expected(ORGANIZATION)
    assert {model: counts[model] for model in once if counts[model] != 2 * once[model]} == {"sentry.email": 6}
    assert unresolved_keys(rows_of(mover.exports(ORGANIZATION))) == []


def test_rows_in_any_order_and_under_other_labels_come_to_the_same(mover):
    rows = every_model()
    mover.imports(as_file(rows), GLOBAL)
    as_they_came = mover.exports(GLOBAL)
    wipe()
    random.Random(5).shuffle(rows)
    for row in rows:
        row["model"] = row["model"].replace("sentry.", "Moved.").replace("workflow_engine.", "DETECTORS.")

    mover.imports(as_file(rows), GLOBAL, strict=True)

    assert errors(mover.differences(as_they_came, mover.exports(GLOBAL))) == []


def test_one_of_two_organizations_moves_with_all_that_is_its_own(mover):
    file = as_file(movable(ORGANIZATION))
    own = {"org_slugs": frozenset({"family-0"})}
    mover.imports(file, GLOBAL)
    exported = mover.exports(ORGANIZATION, **own)
    wipe()
    mover.imports(exported, ORGANIZATION, strict=True)
    taken_from_the_small_file = mover.exports(ORGANIZATION)
    wipe()
    mover.imports(file, ORGANIZATION, strict=True, **own)
    taken_from_the_large_file = mover.exports(ORGANIZATION)

    half = Counter({model: rows // 2 for model, rows in expected(ORGANIZATION).items()})
    for back in (exported, taken_from_the_small_file, taken_from_the_large_file):
        assert Counter(row["model"] for row in rows_of(back)) == half
    assert errors(mover.differences(exported, taken_from_the_small_file)) == []
    assert errors(mover.differences(taken_from_the_small_file, taken_from_the_large_file)) == []


def test_sentry_would_find_no_fault_with_what_is_exported(mover):
    mover.imports(as_file(every_model()), GLOBAL)

    for scope in SCOPES:
        for generation in Generation:
            assert complaints(mover.exports(scope, generation=generation), generation) == []


def test_sentry_would_find_no_fault_with_the_file_that_these_tests_begin_with():
    for generation in Generation:
        assert complaints(as_file(every_model(generation)), generation) == []
