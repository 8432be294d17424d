"""Which rows leave."""

import pytest

from tests.integration.relocation.exporting.conftest import preserved, preserved_control
from tests.support.factories import a_member, a_project, an_organization
from vedette.accounts.models import ApiToken, Email, User, UserEmail, UserOption
from vedette.core.relocation import RelocationScope
from vedette.orgs.models import OrganizationMember, OrganizationOption, Team
from vedette.projects.models import ProjectKey, ProjectOption, ProjectTeam
from vedette.relocation.exporting import addresses, rules, run, selection
from vedette.relocation.exporting.keys import essential_keys
from vedette.relocation.exporting.options import ExportFailed, ExportOptions
from vedette.relocation.exporting.run import export_rows, plan
from vedette.relocation.graph import graph
from vedette.relocation.models import PreservedRegionRow

pytestmark = pytest.mark.django_db


@pytest.fixture
def two():
    """Two organizations, each with a project and a member of its own, and one who is a member of both."""
    acme, zoo = an_organization("acme"), an_organization("zoo")
    ann, zed = a_member(acme, "ann@example.com"), a_member(zoo, "zed@example.com")
    both = a_member(acme, "both@example.com")
    OrganizationMember.objects.create(organization=zoo, user_id=both.pk)
    for organization in (acme, zoo):
        project = a_project(organization, f"{organization.slug}-shop")
        ProjectKey.objects.create(project=project)
        team = Team.objects.create(organization=organization, slug="web", name="Web")
        ProjectTeam.objects.create(project=project, team=team)
    return acme, zoo, ann, zed, both


def test_an_organization_brings_its_own_and_its_members_and_nothing_else(two, export):
    acme, _, ann, _, both = two

    exported = export("Organization", org_slugs=["acme"])

    assert exported.pks("organization") == [acme.pk]
    assert exported.pks("user") == [ann.pk, both.pk]
    assert [fields["slug"] for fields in exported.of("project")] == ["acme-shop"]
    assert {fields["organization"] for fields in exported.of("organizationmember")} == {acme.pk}
    assert {len(exported.of(name)) for name in ("projectkey", "projectteam", "team")} == {1}
    assert {fields["email"] for fields in exported.of("email")} == {"ann@example.com", "both@example.com"}
    assert not exported.findings


def test_a_project_brings_its_organization_without_its_other_projects(two, export):
    acme, _, ann, _, both = two
    a_project(acme, "other")

    exported = export("Organization", project_slugs=["acme/acme-shop"])

    assert exported.pks("organization") == [acme.pk]
    assert exported.pks("user") == [ann.pk, both.pk]
    assert [fields["slug"] for fields in exported.of("project")] == ["acme-shop"]
    assert not exported.findings


def test_without_a_filter_everybody_leaves(two, export):
    exported = export("Organization")

    assert len(exported.of("organization")) == 2
    assert len(exported.of("user")) == 3


@pytest.mark.parametrize(
    ("scope", "filters"),
    [("User", {"usernames": []}), ("Organization", {"org_slugs": []}), ("Organization", {"project_slugs": [" "]})],
)
def test_an_empty_filter_lets_nothing_through(two, export, scope, filters):
    assert export(scope, **filters).text == "[]"


def test_filters_are_trimmed_and_a_name_that_nothing_has_is_told(two, export):
    exported = export("Organization", org_slugs=["acme\n", " nope"])

    assert len(exported.of("organization")) == 1
    assert exported.told() == {("UnmatchedFilter", "sentry.organization", None)}


def test_usernames_are_exact(two, export):
    exported = export("User", usernames=["ann@example.com", "ZED@example.com"])

    assert [fields["username"] for fields in exported.of("user")] == ["ann@example.com"]
    assert [fields["email"] for fields in exported.of("useremail")] == ["ann@example.com"]
    assert [fields["email"] for fields in exported.of("email")] == ["ann@example.com"]


@pytest.mark.parametrize(
    ("scope", "filters"),
    [
        (RelocationScope.EXCLUDED, {}),
        (RelocationScope.GLOBAL, {"org_slugs": frozenset()}),
        (RelocationScope.CONFIG, {"usernames": frozenset()}),
        (RelocationScope.ORGANIZATION, {"usernames": frozenset()}),
        (RelocationScope.USER, {"project_slugs": frozenset()}),
    ],
)
def test_a_filter_that_the_scope_does_not_know_is_refused(tmp_path, scope, filters):
    with pytest.raises(ExportFailed):
        export_rows(None, ExportOptions(scope, **filters), work_dir=tmp_path)


def test_only_what_is_of_everywhere_leaves_with_users_alone(two, export):
    acme, _, ann, _, _ = two
    UserOption.objects.create(user=ann, key="timezone", value="UTC")
    UserOption.objects.create(user=ann, key="timezone", value="UTC", organization_id=acme.pk)

    exported = export("User")

    assert [fields["organization_id"] for fields in exported.of("useroption")] == [None]
    assert not exported.findings
    assert set(exported.counts) == {f"sentry.{name}" for name in ("user", "email", "useroption", "useremail")}


def test_settings_of_an_instance_bring_only_those_with_power(export):
    _, staff, root, able, ruler = (User.objects.create(username=name) for name in "abcde")
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    preserved_control("userpermission", user=able.pk, permission="users.admin")
    role = preserved_control("userrole", name="admins", permissions="[]")
    preserved_control("userroleuser", user=ruler.pk, role=role)
    preserved("option", key="mail.from", value='"a"')
    preserved("option", key="sentry:install-id", value='"b"')
    an_organization()

    exported = export("Config")

    assert exported.pks("user") == [staff.pk, root.pk, able.pk, ruler.pk]
    assert len(exported.of("userpermission")) == len(exported.of("userroleuser")) == len(exported.of("userrole")) == 1
    assert [fields["key"] for fields in exported.of("option")] == ["mail.from"]
    assert not exported.of("organization")
    assert len(export("Global").of("option")) == 2


def test_tokens_of_applications_stay_with_the_installation(export):
    user = User.objects.create(username="ann", is_staff=True)
    application = preserved_control("apiapplication", owner=user.pk, client_id="x")
    own = ApiToken.objects.create(user=user, hashed_token="a" * 64)
    theirs = ApiToken.objects.create(user=user, hashed_token="b" * 64, application_id=application)

    assert export("Config").pks("apitoken") == [own.pk]
    assert export("Global").pks("apitoken") == [own.pk, theirs.pk]
    assert export("Organization").pks("apitoken") == []


def test_a_token_that_is_not_known_is_not_written_and_that_is_told_once(export):
    user = User.objects.create(username="ann")
    for letter in "ab":
        ApiToken.objects.create(user=user, hashed_token=letter * 64)

    exported = export()

    assert all("token" not in fields for fields in exported.of("apitoken"))
    assert [fields["hashed_token"] for fields in exported.of("apitoken")] == ["a" * 64, "b" * 64]
    assert [str(finding.kind) for finding in exported.findings] == ["UnknownSecret"]


def test_actions_of_integrations_stay_with_the_installation_and_so_do_their_projects(export):
    acme = an_organization()
    project = a_project(acme)
    integration = preserved_control("integration", name="slack")
    kept = preserved("notificationaction", organization=acme.pk, integration_id=None, sentry_app_id=None)
    bound = preserved("notificationaction", organization=acme.pk, integration_id=integration, sentry_app_id=None)
    for action in (kept, bound):
        preserved("notificationactionproject", action=action, project=project.pk)

    some, all_of_them = export("Organization"), export("Global")

    assert some.pks("notificationaction") == [kept]
    assert [fields["action"] for fields in some.of("notificationactionproject")] == [kept]
    assert not some.findings
    assert len(all_of_them.of("notificationactionproject")) == 2


def test_a_search_of_the_whole_installation_leaves_only_with_everything(export):
    acme = an_organization()
    owned = preserved("savedsearch", organization=acme.pk, is_global=False, name="a")
    everybodys = preserved("savedsearch", organization=None, is_global=True, name="b")

    exported = export("Organization")

    assert exported.pks("savedsearch") == [owned]
    assert exported.told() == {("SkippedRow", "sentry.savedsearch", None)}
    assert export("Global").pks("savedsearch") == [owned, everybodys]


def test_queries_leave_with_the_organization_that_uses_them_and_not_through_a_shared_user(two, export):
    acme, zoo, _, _, both = two
    ours, theirs, watched = (preserved("snubaquery", dataset="events", environment=None) for _ in range(3))
    for organization, query in ((acme, ours), (zoo, theirs)):
        preserved("alertrule", organization=organization.pk, snuba_query=query, user_id=both.pk, name="a")
    project = acme.projects.get()
    preserved("querysubscription", project=project.pk, snuba_query=watched)

    exported = export("Organization", org_slugs=["acme"])

    assert exported.pks("snubaquery") == [ours, watched]
    assert len(exported.of("alertrule")) == 1
    assert not exported.findings
    assert len(export("Organization").of("snubaquery")) == 3


def test_a_source_leaves_with_the_project_that_it_watches(two, export):
    acme, _, _, _, _ = two
    watched = []
    for project in (acme.projects.get(), a_project(acme, "other")):
        subscription = preserved("querysubscription", project=project.pk, snuba_query=None)
        fields = {"organization": acme.pk, "type": "snuba_query_subscription", "source_id": str(subscription)}
        watched.append(preserved("workflow_engine.datasource", **fields))
    preserved("workflow_engine.datasourcedetector", data_source=watched[1], detector=None)

    exported = export("Organization", project_slugs=["acme-shop"])

    assert exported.pks("workflow_engine.datasource") == watched[:1]
    assert not exported.pks("workflow_engine.datasourcedetector")
    assert not exported.findings
    assert export("Organization", org_slugs=["acme"]).pks("workflow_engine.datasource") == watched


def test_what_somebody_left_behind_who_is_gone_is_told_of_with_all_that_hangs_on_it(two, export):
    acme, _, _, _, _ = two
    gone = User.objects.create(username="gone")
    dashboard = preserved("dashboard", organization=acme.pk, created_by_id=gone.pk, title="a")
    widget = preserved("dashboardwidget", dashboard=dashboard, title="b")

    exported = export("Organization", org_slugs=["acme"])

    assert not exported.of("dashboard")
    assert [(finding.model, finding.left_pk, finding.field) for finding in exported.findings] == [
        ("sentry.dashboard", dashboard, "created_by_id"),
        ("sentry.dashboardwidget", widget, "dashboard"),
    ]
    assert export("Organization").pks("dashboardwidget") == [widget]


def test_a_reference_that_leads_nowhere_is_emptied_where_the_row_can_do_without_it(two, export):
    _, _, ann, _, _ = two
    OrganizationMember.objects.filter(user_id=ann.pk).update(inviter_id=999_999)

    exported = export("Organization", org_slugs=["acme"])

    assert {fields["inviter_id"] for fields in exported.of("organizationmember")} == {None}
    assert exported.told() == {("NulledReference", "sentry.organizationmember", "inviter_id")}


def test_a_membership_of_nobody_is_left_out_and_does_not_become_an_invitation(export):
    acme = an_organization()
    OrganizationMember.objects.create(organization=acme, user_id=999_999)
    OrganizationMember.objects.create(organization=acme, email="invited@example.com")

    exported = export()

    assert [fields["email"] for fields in exported.of("organizationmember")] == ["invited@example.com"]
    assert exported.told() == {("DroppedRow", "sentry.organizationmember", "user_id")}


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        ("apitoken", {"user", "application", "scoping_organization_id"}),
        ("apigrant", {"user", "application", "organization_id"}),
        ("apiauthorization", {"user", "application", "organization_id"}),
        ("alertrule", {"organization"}),
        ("notificationaction", {"organization", "integration_id", "sentry_app_id"}),
        ("orgauthtoken", {"organization_id"}),
        ("organizationmember", {"organization", "user_id"}),
        ("project", {"organization"}),
        ("projectbookmark", {"project", "user_id"}),
        ("repository", {"organization_id"}),
        ("rule", {"project"}),
        ("rulesnooze", {"alert_rule", "rule", "user_id"}),
        ("savedsearch", {"organization", "owner_id"}),
        ("sentryappinstallation", {"organization_id", "sentry_app"}),
        ("servicehook", {"application_id", "installation_id", "organization_id", "project_id"}),
        ("useroption", {"user", "organization_id", "project_id"}),
        ("snubaquery", set()),
    ],
)
def test_the_keys_that_a_row_cannot_be_without(model, keys):
    assert essential_keys(graph(), graph()[f"sentry.{model}"].wire) == keys


def test_what_belongs_to_nobody_leaves_only_with_everything(two, export):
    detector = preserved("workflow_engine.detector", organization=None, project=None, name="a")

    exported = export("Organization", org_slugs=["acme"])

    assert not exported.pks("workflow_engine.detector")
    assert exported.told() == {("DroppedRow", "workflow_engine.detector", "organization")}
    assert export("Organization").pks("workflow_engine.detector") == [detector]


def test_a_setting_for_an_organization_that_stays_does_not_become_one_for_everywhere(two, export):
    _, zoo, _, _, both = two
    UserOption.objects.create(user=both, key="timezone", value="UTC", organization_id=zoo.pk)

    exported = export("Organization", org_slugs=["acme"])

    assert not exported.of("useroption")
    assert not exported.findings


def test_all_addresses_of_users_leave_once_and_those_of_nobody_only_with_everything(export):
    ann = a_member(an_organization(), "ann@example.com")
    bob = User.objects.create(username="bob", email="ANN@example.com")
    UserEmail.objects.create(user=bob, email="ANN@example.com")
    Email.objects.create(email="nobody@example.com")

    exported = export("Organization")

    assert [fields["email"] for fields in exported.of("email")] == ["ann@example.com"]
    assert [fields["user"] for fields in exported.of("useremail")] == [ann.pk, bob.pk]
    assert len(export("Global").of("email")) == 2


def test_addresses_that_the_tables_lack_are_made_up_the_same_each_time(export):
    User.objects.create(username="bot", email="")
    ann = User.objects.create(username="ann", email="ann@example.com")
    bob = User.objects.create(username="bob", email="bob@example.com")
    UserEmail.objects.create(user=bob, email="bob@example.com")
    last = UserEmail.objects.create(user=bob, email="also-bob@example.com")

    first, second = export("User"), export("User")

    assert first.text == second.text
    assert [(fields["user"], fields["is_verified"]) for fields in first.of("useremail")] == [
        (bob.pk, False),
        (bob.pk, False),
        (ann.pk, False),
    ]
    assert first.pks("useremail") == [last.pk - 1, last.pk, last.pk + 1]
    assert [fields["email"] for fields in first.of("email")] == [
        "also-bob@example.com",
        "ann@example.com",
        "bob@example.com",
    ]
    assert {finding.kind for finding in first.findings} == {"AddedRow"}
    assert "ann@example.com" not in str([finding.reason for finding in first.findings])


def test_models_that_nobody_knows_leave_last_with_what_they_belong_to(two, export):
    acme, zoo, _, _, _ = two
    ours = preserved("uptime.monitor2", organization=acme.pk, x=1)
    theirs = preserved("uptime.monitor2", organization=zoo.pk, x=2)
    nobodys = preserved("uptime.monitor2", x=3)

    filtered, everything = export("Organization", org_slugs=["acme"]), export()

    assert filtered.pks("uptime.monitor2") == [ours]
    assert ("DroppedRow", "uptime.monitor2", None) in filtered.told()
    assert everything.pks("uptime.monitor2") == [ours, theirs, nobodys]
    assert everything.rows[-1]["fields"] == {"x": 3}
    assert not export("Config").pks("uptime.monitor2")


def test_nothing_that_only_vedette_knows_leaves_where_that_is_asked_for(export):
    acme = an_organization()
    preserved("uptime.monitor2", organization=acme.pk)
    OrganizationOption.objects.create(organization=acme, key="vedette:error_limit", value=5)
    OrganizationOption.objects.create(organization=acme, key="sentry:store_crash_reports", value=5)
    ProjectOption.objects.create(project=a_project(acme), key="vedette:spike_protection", value="on")

    exported, lossless = export(only_known=True), export()

    assert not exported.pks("uptime.monitor2")
    assert not exported.of("projectoption")
    assert [fields["key"] for fields in exported.of("organizationoption")] == ["sentry:store_crash_reports"]
    assert exported.told() == {
        ("UnknownModel", "uptime.monitor2", None),
        ("SkippedRow", "sentry.organizationoption", None),
        ("SkippedRow", "sentry.projectoption", None),
    }
    assert len(lossless.of("organizationoption")) == 2
    assert len(lossless.of("projectoption")) == 1


@pytest.mark.parametrize("filters", [{}, {"org_slugs": ["acme"]}, {"project_slugs": ["acme-shop"]}])
def test_what_a_query_leaves_out_is_what_a_look_at_each_row_leaves_out(two, export, monkeypatch, filters):
    acme, zoo, _, zed, both = two
    for organization in (acme, zoo):
        for user in (zed, both):
            preserved("dashboard", organization=organization.pk, created_by_id=user.pk, title="a")
    for pk in PreservedRegionRow.objects.values_list("pk", flat=True):
        preserved("dashboardwidget", dashboard=pk, order=1)
    by_query = export("Organization", **filters)

    for module in (addresses, rules, run, selection):
        monkeypatch.setattr(module, "FEW", 0)
    by_looking = export("Organization", **filters)

    assert by_looking.text == by_query.text
    assert by_looking.findings == by_query.findings


@pytest.mark.parametrize("filters", [{}, {"org_slugs": frozenset({"acme"})}])
def test_a_plan_counts_what_an_export_writes(two, export, tmp_path, filters):
    planned = plan(ExportOptions(RelocationScope.ORGANIZATION, **filters), work_dir=tmp_path)
    planned.findings.close()

    assert planned.counts == export("Organization", **filters).counts
