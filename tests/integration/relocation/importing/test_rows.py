"""What becomes of rows: order, keys, what is lost, what is kept aside."""

import pytest

from tests.support.exports import member, organization, project, row, rule, team, user
from vedette.accounts.models import User
from vedette.orgs.models import Organization, OrganizationMember, OrganizationOption, Team
from vedette.projects.models import Environment, Project, ProjectTeam
from vedette.relocation.files.findings import FindingKind, Severity
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.models import ExtraFields, PreservedRegionRow, RegionImportChunk

pytestmark = pytest.mark.django_db


def kinds(result):
    return [(finding.kind, finding.model, finding.left_pk, finding.field) for finding in result.findings]


def test_rows_in_any_order_find_what_they_refer_to(imports):
    rows = [row("projectteam", 3, project=5, team=9), project(5), team(9), organization(1)]

    imports(rows)

    link = ProjectTeam.objects.get()
    assert (link.project.slug, link.team.slug, link.team.organization.slug) == ("shop", "core", "acme")


def test_interleaved_models_lose_nothing(imports):
    rows = [organization(1, "one"), team(1, 1, "first"), organization(2, "two"), team(2, 2, "second")]

    result = imports(rows)

    assert result.plan["sentry.organization"].inserted == 2
    assert dict(Team.objects.values_list("slug", "organization__slug")) == {"first": "one", "second": "two"}


def test_a_row_whose_organization_is_missing_is_dropped_with_a_finding_and_so_are_its_children(imports):
    rows = [organization(1), team(7, 99), project(1), row("projectteam", 4, project=1, team=7)]

    result = imports(rows)

    assert not Team.objects.exists()
    assert not ProjectTeam.objects.exists()
    assert kinds(result) == [
        (FindingKind.DROPPED_ROW, "sentry.team", 7, "organization"),
        (FindingKind.DROPPED_ROW, "sentry.projectteam", 4, "team"),
    ]
    assert [finding.line for finding in result.findings] == [11, 31]
    assert result.plan["sentry.team"].dropped == 1


def test_strictness_makes_a_dropped_row_an_error_before_anything_is_written(imports):
    with pytest.raises(ImportFailed) as failure:
        imports([organization(1), team(7, 99)], strict=True, in_batches=True)

    assert failure.value.finding.left_pk == 7
    assert failure.value.finding.severity is Severity.ERROR
    assert not Organization.objects.exists()


def test_a_nullable_key_that_leads_nowhere_is_nulled_with_a_finding(imports):
    result = imports([organization(1), project(1), rule(1, 1, owner_team=55)])

    assert PreservedRegionRow.objects.get().fields["owner_team"] is None
    assert (FindingKind.NULLED_REFERENCE, "sentry.rule", 1, "owner_team") in kinds(result)


def test_a_key_that_must_not_be_empty_and_is_loses_the_row(imports):
    result = imports([row("team", 1, organization=None, slug="lost", name="lost")])

    assert (FindingKind.DROPPED_ROW, "sentry.team", 1, "organization") in kinds(result)


def test_rows_of_another_scope_are_counted_and_are_no_findings(imports):
    result = imports([user(1), organization(1)], "User")

    assert result.plan["sentry.organization"].out_of_scope == 1
    assert User.objects.count() == 1
    assert kinds(result) == []


def test_what_hangs_on_a_row_of_another_scope_is_left_out_silently(imports):
    rows = [organization(1), row("integration", 1, provider="x", external_id="1"), user(1)]
    rows.append(row("organizationintegration", 1, integration=1, organization_id=1))

    result = imports(rows)

    assert result.plan["sentry.organizationintegration"].out_of_scope == 1
    assert kinds(result) == []


def test_an_unknown_field_is_kept_aside_and_told_once(imports):
    rows = [organization(1), team(1, shiny=True), team(2, slug="other", shiny=False)]

    result = imports(rows)

    kept = dict(ExtraFields.objects.values_list("pk_of_row", "fields"))
    first, second = Team.objects.get(slug="core"), Team.objects.get(slug="other")
    assert kept == {first.pk: {"shiny": True}, second.pk: {"shiny": False}}
    assert kinds(result) == [(FindingKind.UNKNOWN_FIELD, "sentry.team", 1, "shiny")]


def test_unknown_fields_are_those_of_the_row_that_has_the_pk_now(imports):
    imports([organization(1, "acme", colour="red")])
    Organization.objects.all().delete()  # whoever cleans up has not come by

    imports([organization(1, "acme", colour="blue")])

    assert ExtraFields.objects.get(pk_of_row=Organization.objects.get().pk).fields == {"colour": "blue"}


def test_unknown_fields_of_a_merged_account_stay_behind(imports):
    imports([user(1, "ann", colour="red")], "User")

    imports([user(7, "ann", colour="blue", shape="round")], "User", merge_users=True)

    assert ExtraFields.objects.get().fields == {"colour": "red"}


def test_a_model_under_another_app_label_is_the_one_that_is_known(imports):
    rows = [organization(1), project(1), row("monitors.monitor", 1, project_id=1, organization_id=1, slug="nightly")]

    result = imports(rows)

    assert result.plan["sentry.monitor"].preserved == 1


def test_models_that_never_travel_are_passed_over(imports):
    result = imports([organization(1), row("group", 1, project=1), row("group", 2, project=1)])

    assert result.plan["sentry.group"].out_of_scope == 2
    assert kinds(result) == [(FindingKind.SKIPPED_ROW, "sentry.group", 1, None)]


def test_missing_fields_take_the_default_of_the_model(imports):
    imports([row("organization", 1, slug="acme", name="Acme"), row("team", 1, organization=1, slug="t", name="T")])

    assert Organization.objects.get().default_role == "member"
    assert Team.objects.get().idp_provisioned is False


def test_null_where_a_column_takes_none_is_the_default(imports):
    imports([user(1, is_managed=None)], "Global")

    assert User.objects.get().is_managed is False


def test_two_rows_that_exclude_each_other_become_one_with_a_finding(imports):
    rows = [organization(1), row("environment", 1, organization_id=1, name="prod")]
    rows += [row("environment", 2, organization_id=1, name="prod"), project(1)]
    rows += [row("environmentproject", 1, project=1, environment=2)]

    result = imports(rows)

    environment = Environment.objects.get()
    assert result.plan["sentry.environment"].existing == 1
    assert (FindingKind.MERGED, "sentry.environment", 2, None) in kinds(result)
    assert environment.environmentproject_set.count() == 1


def test_keys_across_batches_are_resolved(imports, monkeypatch):
    monkeypatch.setattr("vedette.relocation.importing.batches.BATCH", 3)
    teams = [team(pk, 1, f"team-{pk}") for pk in range(1, 11)]
    links = [row("projectteam", pk, project=1, team=11 - pk) for pk in range(1, 11)]

    imports([organization(1), *teams, project(1), *links])

    assert ProjectTeam.objects.values("team").distinct().count() == 10
    chunks = RegionImportChunk.objects.filter(model="sentry.team").order_by("min_ordinal")
    assert list(chunks.values_list("min_ordinal", "max_ordinal")) == [(1, 3), (4, 6), (7, 9), (10, 10)]


def test_an_empty_file_changes_nothing(imports):
    organization_before = Organization.objects.create(name="here", slug="here")

    result = imports(b"[]", "Global", wipe=True)

    assert Organization.objects.get() == organization_before
    assert result.plan == {}


def test_option_values_keep_their_types(imports):
    values = {"a": 12, "b": '"Europe/Vienna"', "c": '["*"]', "d": None, "e": True}
    rows = [
        row("organizationoption", pk, organization=1, key=key, value=value)
        for pk, (key, value) in enumerate(values.items(), 1)
    ]

    imports([organization(1), *rows])

    stored = dict(OrganizationOption.objects.values_list("key", "value"))
    assert stored == {"a": 12, "b": "Europe/Vienna", "c": ["*"], "d": None, "e": True}


def test_a_member_whose_inviter_stays_behind_is_kept(imports):
    result = imports([user(1), organization(1), member(1, 1, 1, inviter_id=44)])

    assert OrganizationMember.objects.get().inviter_id is None
    assert result.plan["sentry.organizationmember"].inserted == 1


def test_sparse_project_ids_stay(imports):
    imports([organization(1), project(4711), project(815, slug="other")], "Global")

    assert set(Project.objects.values_list("pk", flat=True)) == {4711, 815}
