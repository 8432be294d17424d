"""Ids that hide in JSON, texts and integers."""

import json

import pytest

from vedette.relocation.references import Missing, Reference, with_references
from vedette.relocation.shapes import references_of


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
    pytest.param(
        "organizationintegration",
        {"config": {"pagerduty_services": [{"integration_id": 4, "id": 1}]}},
        ("config", "pagerduty_services", 0, "integration_id"),
        "integration",
        id="the integration of a service",
    ),
    pytest.param(
        "projectownership",
        {"schema": {"rules": [{"owners": [{"type": "team", "identifier": "web", "id": 4}]}]}},
        ("schema", "rules", 0, "owners", 0, "id"),
        "team",
        id="an owner",
    ),
    pytest.param(
        "useroption",
        {"key": "reports:disabled-organizations", "value": [4]},
        ("value", 0),
        "organization",
        id="a list in a setting",
    ),
    pytest.param(
        "projectoption", {"key": "sentry:handoff_integration_id", "value": 4}, ("value",), "integration", id="a setting"
    ),
    pytest.param(
        "option",
        {"key": "store.load-shed-projects", "value": '[{"a":1},{"project_id":"4"}]'},
        ("value", 1, "project_id"),
        "project",
        id="a setting as text",
    ),
    pytest.param(
        "savedsearch", {"query": "is:unresolved !project.id:4"}, ("query",), "project", id="a project that is sought"
    ),
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
        pytest.param("sentry.organizationoption", {"key": "rate-limit-per-user", "value": 4}, id="a number of users"),
        pytest.param("sentry.organizationoption", {"key": "max-teams", "value": 4}, id="how many teams"),
        pytest.param("sentry.projectoption", {"key": "teams", "value": ["a", 4]}, id="a list of names"),
        pytest.param("sentry.projectoption", {"key": "c", "value": {"external_project_id": 4}}, id="somebody else's"),
        pytest.param("sentry.option", {"key": "projects", "value": "[1"}, id="a setting that is no JSON"),
        pytest.param("sentry.savedsearch", {"query": "my_project.id:4 project.id:web"}, id="other words of a search"),
        pytest.param("sentry.projectownership", {"schema": {"rules": [{"owners": [4]}]}}, id="owners without a type"),
        pytest.param("workflow_engine.datacondition", {"comparison": 4}, id="a number to compare with"),
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


def test_every_project_of_a_search_is_changed_in_its_place():
    fields = {"query": 'project.id:[1, 22,"333"] level:error project_id:4'}
    found = references_of("sentry.savedsearch", fields)

    changed = with_references(fields, [(one, {1: 7777, 22: 8, 4: 55}.get(one.pk)) for one in found])

    assert changed == {"query": 'project.id:[7777, 8,"333"] level:error project_id:55'}


@pytest.mark.parametrize(("kind", "target"), [("Member", "user"), ("Team", "team"), (1, "user"), (2, "team")])
def test_a_condition_says_whom_it_is_about(kind, target):
    fields = {"comparison": {"target_type": kind, "target_identifier": 4}, "type": "assigned_to"}

    (found,) = references_of("workflow_engine.datacondition", fields)

    assert (found.path, found.target) == (("comparison", "target_identifier"), f"sentry.{target}")


def test_what_lies_too_deep_or_is_too_much_is_left_as_it_is():
    deep = {"team_id": 1}
    for _ in range(50):
        deep = {"inner": deep}
    many = {"key": "a", "value": [{"team_id": 1}] * 20_000}

    assert references_of("workflow_engine.detector", {"config": deep}) == []
    assert len(references_of("sentry.organizationoption", many)) == 10_000
