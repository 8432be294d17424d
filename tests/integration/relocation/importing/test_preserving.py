"""Rows of models that are kept and not used: what they go with, what is unique about them, what hides in them."""

import pytest

from tests.support.exports import organization, project, row, rule, team, user
from vedette.accounts.models import User, UserOption
from vedette.core import json
from vedette.orgs.models import Organization, OrganizationOption, Team
from vedette.projects.models import Project
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.models import PreservedControlRow, PreservedRegionRow

pytestmark = pytest.mark.django_db


def kept(model):
    return PreservedRegionRow.objects.filter(model=model).order_by("pk")


def base():
    return [organization(1), team(1), user(1), project(1), rule(1, 1)]


def test_a_kept_row_holds_our_keys_and_everything_else_as_it_came(imports):
    data = json.dump_text({"actions": [], "frequency": 5})

    imports([*base(), rule(2, 1, owner_team=1, data=data)])

    fields = kept("sentry.rule").last().fields
    assert fields["owner_team"] == Team.objects.get().pk
    assert fields["project"] == Project.objects.get().pk
    assert (fields["data"], fields["label"]) == (data, "rule 2")


def test_a_kept_row_knows_what_it_goes_with_through_any_chain_of_keys(imports):
    imports([*base(), row("neglectedrule", 1, organization=1, rule=1), row("ruleactivity", 1, rule=1, type=1)])

    activity = kept("sentry.ruleactivity").get()
    assert activity.organization == Organization.objects.get()
    assert activity.project == Project.objects.get()
    assert activity.user_id is None


def test_kept_rows_go_with_their_project(imports):
    imports([*base(), row("ruleactivity", 1, rule=1, type=1)])

    Project.objects.get().delete()

    assert not PreservedRegionRow.objects.exists()


def test_kept_rows_of_a_person_go_with_them_and_those_that_only_name_them_stay(imports):
    rows = [*base(), row("recentsearch", 1, organization=1, user_id=1, query="is:unresolved")]
    rows += [row("userrole", 1, name="admin"), row("userroleuser", 1, user=1, role=1)]
    imports([*rows, rule(2, 1, owner_user_id=1)], "Global")

    User.objects.get().delete()

    assert not kept("sentry.recentsearch").exists()
    assert kept("sentry.rule").count() == 2
    assert set(PreservedControlRow.objects.values_list("model", flat=True)) == {"sentry.userrole"}


@pytest.mark.parametrize(
    ("overwrite", "value", "count"),
    [pytest.param(False, 1, "existing", id="kept"), pytest.param(True, 2, "overwritten", id="overwritten")],
)
def test_an_option_of_the_instance_that_is_here_is_kept_or_overwritten(imports, overwrite, value, count):
    imports([row("option", 1, key="mail.port", value=1)], "Config")

    result = imports([row("option", 9, key="mail.port", value=2)], "Config", overwrite_configs=overwrite)

    assert kept("sentry.option").get().fields["value"] == value
    assert getattr(result.plan["sentry.option"], count) == 1


def test_what_only_one_may_have_leads_to_the_row_that_has_it(imports):
    app = {"client_id": "c" * 32, "name": "Tool"}
    imports([row("apiapplication", 1, **app)], "Global")

    rows = [row("apiapplication", 5, **app), user(1), row("apiauthorization", 2, application=5, user=1)]
    result = imports(rows, "Global")

    application = PreservedControlRow.objects.get(model="sentry.apiapplication")
    authorization = PreservedControlRow.objects.get(model="sentry.apiauthorization")
    assert authorization.fields["application"] == application.pk
    assert FindingKind.MERGED in {finding.kind for finding in result.findings}


def test_an_unknown_model_is_kept_with_its_organization_and_its_ids_are_told_of(imports):
    result = imports([organization(1), row("novelty", 3, organization_id=1, colour="red", shade_id=12)])

    novelty = kept("sentry.novelty").get()
    assert novelty.organization == Organization.objects.get()
    assert novelty.fields == {"organization_id": novelty.organization_id, "colour": "red", "shade_id": 12}
    assert [(finding.kind, finding.field) for finding in result.findings] == [
        (FindingKind.UNKNOWN_MODEL, None),
        (FindingKind.UNMAPPED_REFERENCE, "shade_id"),
    ]


def test_old_texts_become_todays(imports):
    pickled = "gAJYBgAAADIyLjkuMHEALg=="

    imports([row("option", 1, key="sentry:latest_version", value=pickled)], "Global")

    assert kept("sentry.option").get().fields["value"] == '"22.9.0"'


def test_ids_that_hide_in_json_text_and_integers_are_ours_afterwards(imports):
    actions = [
        {"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "Team", "targetIdentifier": "7"},
        {"id": "sentry.integrations.slack.notify_action.SlackNotifyServiceAction", "workspace": "3"},
    ]
    rows = [organization(1), team(7), user(8), project(9), rule(4, 9, data=json.dump_text({"actions": actions}))]
    rows += [row("integration", 3, provider="slack", external_id="T1", name="Slack")]
    rows += [row("dashboard", 1, organization=1, created_by_id=8, title="All", filters={"project": [9, 99]})]
    rows += [row("monitor", 2, organization_id=1, project_id=9, owner_team_id=7, config={"alert_rule_id": 4})]
    rows += [row("notificationaction", 1, organization=1, type=0, target_type=1, target_identifier="8")]

    result = imports(rows, "Global")

    ours = json.loads(kept("sentry.rule").get().fields["data"])["actions"]
    assert ours[0]["targetIdentifier"] == str(Team.objects.get().pk)
    assert ours[1]["workspace"] == str(PreservedControlRow.objects.get(model="sentry.integration").pk)
    assert kept("sentry.dashboard").get().fields["filters"] == {"project": [9]}
    assert kept("sentry.monitor").get().fields["owner_team_id"] == Team.objects.get().pk
    assert kept("sentry.monitor").get().fields["config"] == {"alert_rule_id": kept("sentry.rule").get().pk}
    assert kept("sentry.notificationaction").get().fields["target_identifier"] == str(User.objects.get().pk)
    assert [(f.model, f.field) for f in result.findings if f.kind == FindingKind.UNMAPPED_REFERENCE] == [
        ("sentry.dashboard", "filters.project.1")
    ]


def test_ids_in_settings_conditions_and_searches_are_ours_afterwards(imports):
    rows = [organization(1), organization(2, "other"), team(7), user(8), project(9)]
    rows += [row("useroption", 1, user=8, key="reports:disabled-organizations", value="[2, 99]")]
    rows += [row("organizationoption", 1, organization=1, key="sentry:default_team_id", value=7)]
    rows += [row("organizationoption", 2, organization=1, key="sentry:other_team_id", value=77)]
    rows += [row("projectownership", 1, project=9, schema={"rules": [{"owners": [{"type": "user", "id": 8}]}]})]
    rows += [row("savedsearch", 1, organization=1, name="Ours", query="project.id:9 project.id:99")]
    rows += [row("workflow_engine.dataconditiongroup", 5, organization=1)]
    rows += [
        row(
            "workflow_engine.datacondition",
            6,
            condition_group=5,
            type="assigned_to",
            comparison={"target_type": "Team", "target_identifier": 7},
        )
    ]

    result = imports(rows, "Global")

    ours = Team.objects.get()
    other = Organization.objects.get(slug="other")
    person = User.objects.get()
    assert UserOption.objects.get().value == [other.pk]
    settings = dict(OrganizationOption.objects.values_list("key", "value"))
    assert settings == {"sentry:default_team_id": ours.pk, "sentry:other_team_id": None}
    assert kept("sentry.projectownership").get().fields["schema"]["rules"][0]["owners"][0]["id"] == person.pk
    condition = kept("workflow_engine.datacondition").get().fields["comparison"]
    assert condition == {"target_type": "Team", "target_identifier": ours.pk}
    assert kept("sentry.savedsearch").get().fields["query"] == "project.id:9 project.id:99"  # a Global project keeps 9
    assert sorted((f.model, f.field) for f in result.findings if f.kind == FindingKind.UNMAPPED_REFERENCE) == [
        ("sentry.organizationoption", "value"),
        ("sentry.savedsearch", "query"),
        ("sentry.useroption", "value.1"),
    ]


def test_settings_of_an_instance_that_name_what_did_not_come_are_kept_and_told_of(imports):
    rows = [row("option", 1, key="store.load-shed-projects", value="[4]")]

    result = imports(rows, "Config")

    assert kept("sentry.option").get().fields["value"] == "[4]"
    (told,) = [one for one in result.findings if one.kind == FindingKind.UNMAPPED_REFERENCE]
    assert told.reason == "sentry.project 4 is not imported: it is kept as it is"


def test_a_data_source_finds_its_monitor_which_comes_later_in_files(imports):
    rows = [
        organization(1),
        project(1),
        row("workflow_engine.datasource", 1, organization=1, type="cron_monitor", source_id="6"),
        row("monitor", 6, organization_id=1, project_id=1, slug="nightly"),
    ]
    rows += [row("workflow_engine.datasource", 2, organization=1, type="cron_monitor", source_id="7")]

    result = imports(rows)

    monitor = kept("sentry.monitor").get()
    assert kept("workflow_engine.datasource").get().fields["source_id"] == str(monitor.pk)
    assert result.plan["workflow_engine.datasource"].dropped == 1
