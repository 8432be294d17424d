"""Ids that hide in JSON, texts and integers."""

import json

import pytest

from vedette.relocation.references import Missing, Reference, references_of, with_references


def step(**fields):
    return {"data": json.dumps({"actions": [fields]})}


PATH = ("data", "actions", 0)

FOUND = [
    pytest.param("monitor", {"owner_team_id": 4}, ("owner_team_id",), "team", id="a monitor's team"),
    pytest.param("monitor", {"config": {"alert_rule_id": 4}}, ("config", "alert_rule_id"), "rule", id="its rule"),
    pytest.param("servicehook", {"actor_id": 4}, ("actor_id",), "user", id="who made a hook"),
    pytest.param(
        "servicehook",
        {"actor_id": 4, "installation_id": 4},
        ("actor_id",),
        "sentryappinstallation",
        id="which installation made a hook",
    ),
    pytest.param("organizationintegration", {"default_auth_id": 4}, ("default_auth_id",), "identity", id="an identity"),
    pytest.param(
        "notificationaction",
        {"target_type": 1, "target_identifier": "4"},
        ("target_identifier",),
        "user",
        id="a user to tell",
    ),
    pytest.param(
        "alertruletriggeraction",
        {"target_type": 2, "target_identifier": "4"},
        ("target_identifier",),
        "team",
        id="a team to tell",
    ),
    pytest.param(
        "rule",
        step(targetType="Team", targetIdentifier=4),
        (*PATH, "targetIdentifier"),
        "team",
        id="a team in a rule",
    ),
    pytest.param(
        "rule",
        step(targetType="Member", targetIdentifier="4"),
        (*PATH, "targetIdentifier"),
        "user",
        id="a person in a rule",
    ),
    pytest.param("rule", step(workspace="4"), (*PATH, "workspace"), "integration", id="an integration in a rule"),
    pytest.param("dashboard", {"filters": {"project": [4]}}, ("filters", "project", 0), "project", id="a filter"),
]


@pytest.mark.parametrize(("model", "fields", "path", "target"), FOUND)
def test_a_known_shape_is_found_and_changed(model, fields, path, target):
    (found,) = references_of(f"sentry.{model}", fields)

    changed = with_references(fields, [(found, 99)])

    assert (found.path, found.target, found.pk) == (path, f"sentry.{target}", 4)
    (again,) = references_of(f"sentry.{model}", changed)
    assert (again.path, again.pk, again.is_text) == (path, 99, found.is_text)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        pytest.param("sentry.rule", {"data": "gAJ9Lg=="}, id="a text that is no JSON"),
        pytest.param("sentry.rule", {"data": '{"actions": {"a": 1}}'}, id="no list"),
        pytest.param("sentry.rule", step(targetType="IssueOwners", targetIdentifier=""), id="nobody by id"),
        pytest.param("sentry.rule", step(targetType=["Team"], targetIdentifier=4), id="a type that is no text"),
        pytest.param("sentry.dashboard", {"filters": {"project": [-1, True, "x"]}}, id="no ids"),
        pytest.param("sentry.notificationaction", {"target_type": 0, "target_identifier": "4"}, id="a name"),
        pytest.param("sentry.team", {"owner_team_id": 4}, id="another model"),
        pytest.param("sentry.monitor", {"config": None}, id="nothing"),
    ],
)
def test_what_is_no_reference_is_none(model, fields):
    assert references_of(model, fields) == []


@pytest.mark.parametrize(
    ("missing", "is_text", "value"),
    [
        pytest.param(Missing.EMPTY, False, {"a": [None, 2]}, id="null"),
        pytest.param(Missing.EMPTY, True, {"a": ["", 2]}, id="no text"),
        pytest.param(Missing.REMOVE, False, {"a": [2]}, id="out of the list"),
        pytest.param(Missing.KEEP, False, {"a": [1, 2]}, id="as it was"),
    ],
)
def test_what_leads_nowhere_is_taken_out_as_its_shape_asks(missing, is_text, value):
    reference = Reference(("field", "a", 0), "sentry.team", 1, is_text, missing)

    assert with_references({"field": {"a": [1, 2]}}, [(reference, None)]) == {"field": value}


def test_the_row_that_is_read_stays_as_it_is():
    fields = {"filters": {"project": [4, 5]}}
    found = references_of("sentry.dashboard", fields)

    with_references(fields, [(reference, None) for reference in found])

    assert fields == {"filters": {"project": [4, 5]}}
