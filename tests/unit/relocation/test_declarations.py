"""What each model's declaration says is true, whole, and what the format's own graph says."""

import json
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from vedette.core.relocation import Encoding, Generation, Link, Sanitiser, Silo
from vedette.relocation.graph import graph

PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "data/relocation/model_dependencies/detailed.json").read_text(encoding="utf-8")
)
NEWEST = [wire for wire in graph().order if graph()[wire].wire.exists_in(Generation.EARLY_2025)]
LINKS = {
    "FlexibleForeignKey": Link.ORDINARY,
    "DefaultForeignKey": Link.ORDINARY,
    "HybridCloudForeignKey": Link.CROSS_SILO,
    "ImplicitForeignKey": Link.IMPLICIT,
    "DefaultOneToOneField": Link.ONE_TO_ONE,
    "OneToOneCascadeDeletes": Link.ONE_TO_ONE,
}
TEXTUAL = {
    Encoding.TEXT,
    Encoding.EMAIL,
    Encoding.UUID,
    Encoding.MOMENT,
    Encoding.JSON,
    Encoding.OPTION,
    Encoding.JSON_TEXT,
    Encoding.LITERAL_LIST,
    Encoding.TEXT_LIST,
}
# Fields of the past that comparators still know.
GONE = {"sentry.team": {"org_role"}, "sentry.authidentity": {"token"}}
# Fields that a table here has no column for; they are kept beside the row.
KEPT_BESIDE = {"sentry.repository": {"languages"}}


def test_declarations_agree_with_the_published_graph():
    assert {wire: as_declared(graph()[wire].wire) for wire in NEWEST} == {
        wire: as_published(wire, PUBLISHED[wire]) for wire in NEWEST
    }


def as_declared(own):
    keys = {name: (key.target, key.nullable, key.link) for name, key in own.foreign_keys.items()}
    return ([own.silo.value], {*own.scopes}, keys, [*own.after], {*own.uniques})


def as_published(wire, published):
    """Self-references are no keys. Unique sets name columns, files name fields: `organization_id` may be `organization`
    there."""
    scopes = published["relocation_scope"]
    keys = {
        name: (key["model"], key["nullable"], LINKS[key["kind"]])
        for name, key in published["foreign_keys"].items()
        if key["model"] != wire
    }
    short = {f"{name}_id": name for name in keys}
    uniques = {frozenset(short.get(name, name) for name in names) for names in published["uniques"]}
    scopes = {scopes} if isinstance(scopes, str) else {*scopes}
    return (published["silos"], scopes, keys, published["relocation_dependencies"], uniques)


def test_what_the_graph_excludes_is_what_the_published_one_excludes():
    assert graph().excluded == {wire for wire, own in PUBLISHED.items() if own["relocation_scope"] == "Excluded"}
    assert {*NEWEST} == {*PUBLISHED} - graph().excluded


def test_declarations_speak_of_what_there_is():
    wrong = {wire: unknown for wire in graph().order if (unknown := unknown_names(graph()[wire].wire))}

    assert wrong == {}


def unknown_names(own):
    names = {*own.fields, *own.foreign_keys}
    used = {name for unique in own.uniques for name in unique}
    used |= {*own.ordinal} | own.newer_fields | ({*own.comparators} - GONE.get(own.model, set()))
    models = {key.target for key in own.foreign_keys.values()} | {*own.after}
    return (
        (used - names)
        | ({*own.fields} & {*own.foreign_keys})
        | ({*own.sanitisers} - {*own.fields})
        | (models - {*graph().order} - graph().excluded)
    )


def test_every_text_of_a_model_is_declared_safe_or_replaced():
    undeclared = {
        f"{wire}.{name}"
        for wire in graph().order
        for name, encoding in graph()[wire].wire.fields.items()
        if encoding in TEXTUAL and name not in graph()[wire].wire.sanitisers
    }

    assert undeclared == set()


@pytest.mark.parametrize(
    ("word", "allowed"),
    [("email", {Sanitiser.EMAIL}), ("password", {Sanitiser.PASSWORD}), ("secret", {Sanitiser.TOKEN, Sanitiser.HEX})],
)
def test_no_field_that_is_called_private_is_declared_safe(word, allowed):
    found = {
        f"{wire}.{name}": rule
        for wire in graph().order
        for name, rule in graph()[wire].wire.sanitisers.items()
        if word in name and not name.startswith(("date_", "last_", "sent_"))
    }

    assert found
    assert {*found.values()} <= allowed, found


@pytest.mark.parametrize("wire", [wire for wire in graph().order if not graph()[wire].is_preserved])
def test_every_field_of_a_model_that_is_used_is_a_column_or_known_to_be_kept_beside(wire):
    declaration = graph()[wire]
    without = {
        name for name in (*declaration.wire.fields, *declaration.wire.foreign_keys) if declaration.column(name) is None
    }
    own = {field.attname for field in declaration.table._meta.concrete_fields if not field.primary_key}

    assert without == KEPT_BESIDE.get(wire, set())
    assert own == {declaration.column(name) for name in {*declaration.wire.fields, *declaration.wire.foreign_keys}} - {
        None
    }, "a column that no file holds would be lost"


def test_every_table_says_in_which_silo_it_lives():
    own = [table for table in apps.get_models(include_auto_created=True) if table.__module__.startswith("vedette.")]

    assert len(own) > 80
    assert [table for table in own if not silos(table)] == []


def silos(table):
    """The silos that have such a table: those of the declaration where the model travels."""
    if hasattr(table, "relocation"):
        return {table.relocation.silo}
    return {table.silo} if hasattr(table, "silo") else {*getattr(table, "silos", ())}


def test_no_database_key_leads_from_one_silo_into_another():
    crossing = {
        f"{table.__name__}.{field.name}"
        for table in apps.get_models(include_auto_created=True)
        if table.__module__.startswith("vedette.")
        for field in table._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and silos(table) != silos(field.related_model)
    }

    assert crossing == set()


def test_a_key_crosses_the_silos_only_where_it_is_declared_to():
    for declaration in graph():
        for name, key in declaration.wire.foreign_keys.items():
            if key.target in graph() and key.link in (Link.ORDINARY, Link.ONE_TO_ONE):
                assert graph()[key.target].wire.silo is declaration.wire.silo, f"{declaration.wire.model}.{name}"


def test_people_and_what_they_connect_are_control_data():
    control = {wire for wire in graph().order if graph()[wire].wire.silo is Silo.CONTROL}

    assert {"sentry.user", "sentry.orgauthtoken", "sentry.integration"} <= control
    assert not {"sentry.organization", "sentry.organizationmember", "sentry.project"} & control
