"""The notation that declarations are written in."""

import pytest

from vedette.core.relocation import (
    Comparator,
    Encoding,
    ForeignKey,
    Generation,
    Link,
    Relocation,
    RelocationScope,
    Sanitiser,
    Silo,
)

ORGANIZATION = (RelocationScope.ORGANIZATION,)
GLOBAL = (RelocationScope.GLOBAL,)


def declared(**notation):
    return Relocation("sentry.thing", Silo.REGION, ORGANIZATION, **notation)


def test_columns_are_read_as_the_field_lists_have_them():
    assert declared(columns="flags:B name:s value:V").fields == {
        "flags": Encoding.BITS,
        "name": Encoding.TEXT,
        "value": Encoding.OPTION,
    }


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("organization>organization", "organization", ForeignKey("sentry.organization", False, Link.ORDINARY)),
        ("user_id~>user?", "user_id", ForeignKey("sentry.user", True, Link.CROSS_SILO)),
        ("project_id#>project", "project_id", ForeignKey("sentry.project", False, Link.IMPLICIT)),
        ("api_grant!>apigrant?", "api_grant", ForeignKey("sentry.apigrant", True, Link.ONE_TO_ONE)),
        ("group>workflow_engine.set", "group", ForeignKey("workflow_engine.set", False, Link.ORDINARY)),
    ],
)
def test_keys_are_read_as_the_table_has_them(text, name, expected):
    assert declared(keys=text).foreign_keys == {name: expected}


def test_unique_sets_and_orders_are_read_as_the_table_has_them():
    wire = declared(uniques="{key} {name,organization}", after="user workflow_engine.set", ordinal="user email")

    assert wire.uniques == (frozenset({"key"}), frozenset({"name", "organization"}))
    assert wire.after == ("sentry.user", "workflow_engine.set")
    assert wire.ordinal == ("user", "email")


def test_a_field_may_have_several_comparators():
    wire = declared(columns="public_key:s", compared="hash: public_key; secret-hex: public_key")

    assert wire.comparators["public_key"] == (Comparator.HASH, Comparator.SECRET_HEX)


def test_dates_are_instants_where_a_model_has_comparators_of_its_own_and_texts_elsewhere():
    columns = "date_added:d date_updated:d last_login:d"

    judged = declared(columns=columns, compared="date-updated: date_updated; ignored: last_login").comparators

    assert judged["date_added"] == (Comparator.DATETIME_EQUALITY,)
    assert judged["date_updated"] == (Comparator.DATE_UPDATED,)
    assert judged["last_login"] == (Comparator.IGNORED,)
    assert declared(columns=columns).comparators == {}


def test_addresses_and_keys_are_compared_by_rules_of_their_own_everywhere():
    wire = declared(columns="email:e", keys="user>user")

    assert wire.comparators == {"email": (Comparator.EMAIL,), "user": (Comparator.FOREIGN_KEY,)}


def test_dates_addresses_and_uuids_are_sanitised_without_being_told():
    wire = declared(columns="date_added:d email:e guid:u name:s", sanitised="name: name; safe: guid")

    assert wire.sanitisers == {
        "date_added": Sanitiser.MOMENT,
        "email": Sanitiser.EMAIL,
        "guid": Sanitiser.SAFE,
        "name": Sanitiser.NAME,
    }


@pytest.mark.parametrize(
    "notation",
    [
        {"columns": "name:x"},
        {"columns": "name"},
        {"keys": "organization"},
        {"keys": "organization->organization"},
        {"uniques": "key"},
        {"uniques": "{key"},
        {"compared": "guess: name"},
        {"sanitised": "guess: name"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(notation):
    with pytest.raises(ValueError, match=r".+"):
        declared(**notation)


def test_a_generation_knows_the_models_fields_and_scopes_of_its_time():
    newer = declared(since=Generation.EARLY_2025)
    older = declared(until=Generation.MID_2024)
    both = declared(columns="name:s", keys="subscription>subscription?", newer="subscription", older_scopes=GLOBAL)

    assert [wire.exists_in(Generation.MID_2024) for wire in (newer, older, both)] == [False, True, True]
    assert [wire.exists_in(Generation.EARLY_2025) for wire in (newer, older, both)] == [True, False, True]
    assert both.names_in(Generation.MID_2024) == ("name",)
    assert both.names_in(Generation.EARLY_2025) == ("name", "subscription")
    assert both.scopes_in(Generation.MID_2024) == GLOBAL
    assert both.scopes_in(Generation.EARLY_2025) == ORGANIZATION
