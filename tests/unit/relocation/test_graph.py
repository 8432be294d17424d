"""The order in which models travel, what depends on what, and which model a file means."""

import pytest

from vedette.core.relocation import Generation, Relocation, RelocationScope, Silo
from vedette.orgs.models import Organization
from vedette.relocation.graph import CycleFound, Declaration, Graph, canonical_order, graph

# The rows of the table in the relocation specification, 5.3; workflow_engine is shortened to `w`.
TABLE = """
controloption integration option organization organizationintegration organizationoption projecttemplate
projecttemplateoption relay relayusage repository team user userip userpermission userrole userroleuser
w.dataconditiongroup w.datasource w.datacondition savedsearch recentsearch project orgauthtoken organizationmember
organizationaccessrequest monitor groupsearchview environment email datasecrecywaiver dashboardtombstone dashboard
customdynamicsamplingrule counter authprovider authidentity authenticator apikey apiapplication w.workflow w.detector
w.datasourcedetector useroption useremail snubaquery sentryapp rule querysubscription projectteam projectredirect
projectownership projectoption projectkey projectintegration projectbookmark organizationmemberteam notificationaction
neglectedrule environmentproject dashboardwidget dashboardpermissions dashboardfavoriteuser
customdynamicsamplingruleproject apitoken apigrant apiauthorization alertrule w.workflowgroupstatus
w.workflowdataconditiongroup w.detectorworkflow w.alertruleworkflow w.alertruledetector snubaqueryeventtype
sentryappinstallation sentryappcomponent rulesnooze ruleactivity notificationactionproject dashboardwidgetquery
dashboardpermissionsteam alertruletrigger alertruleprojects alertruleactivity alertruleactivationcondition
w.alertruletriggerdatacondition servicehook incident dashboardwidgetqueryondemand alertruletriggeraction
timeseriessnapshot pendingincidentsnapshot incidenttrigger incidentsnapshot incidentactivity
""".split()


def wire_name(short):
    return short.replace("w.", "workflow_engine.") if short.startswith("w.") else f"sentry.{short}"


def a_declaration(model, **notation):
    return Declaration(Relocation(model, Silo.REGION, (RelocationScope.ORGANIZATION,), **notation), None)


def test_the_canonical_order_is_that_of_the_format():
    newest = tuple(wire for wire in graph().order if graph()[wire].wire.exists_in(Generation.EARLY_2025))

    assert newest == tuple(wire_name(short) for short in TABLE)


def test_models_of_the_older_format_come_after_all_that_they_need():
    older = {wire for wire in graph().order if not graph()[wire].wire.exists_in(Generation.EARLY_2025)}

    assert older == {
        "sentry.alertruleexcludedprojects",
        "sentry.alertruletriggerexclusion",
        "sentry.incidentsubscription",
    }
    for wire in graph().order:
        for need in graph().dependencies(wire):
            assert need in graph().excluded or graph().order.index(need) < graph().order.index(wire)


def test_later_passes_go_backwards():
    needs = {"a": (), "b": ("z",), "c": ("z",), "z": ("y",), "y": ()}

    assert canonical_order(needs) == ("a", "y", "z", "c", "b")


def test_a_circle_of_models_is_refused_by_name():
    declarations = [
        a_declaration("sentry.first", keys="second>second"),
        a_declaration("sentry.second", keys="third>third?"),
        a_declaration("sentry.third", after="second"),
    ]

    with pytest.raises(CycleFound, match=r"sentry\.second → sentry\.third → sentry\.second") as caught:
        Graph(declarations)

    assert caught.value.chain == ("sentry.second", "sentry.third", "sentry.second")


def test_a_key_to_its_own_model_is_no_circle():
    assert Graph([a_declaration("sentry.first", keys="parent>first?")]).order == ("sentry.first",)


def test_models_that_nothing_ties_to_an_owner_are_dangling():
    assert graph().dangling == {
        "sentry.email",
        "sentry.snubaquery",
        "sentry.timeseriessnapshot",
        "workflow_engine.alertruledetector",
        "workflow_engine.detector",
    }


@pytest.mark.parametrize(
    ("wire", "needs"),
    [
        ("sentry.organization", ()),
        ("sentry.useremail", ("sentry.email", "sentry.user")),
        ("sentry.snubaquery", ("sentry.environment", "sentry.organization", "sentry.project")),
        ("sentry.alertruleactivity", ("sentry.alertrule", "sentry.user")),
    ],
)
def test_dependencies_are_what_keys_and_orders_name(wire, needs):
    assert graph().dependencies(wire) == needs


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("sentry.team", "sentry.team"),
        ("Sentry.Team", "sentry.team"),
        ("monitors.monitor", "sentry.monitor"),
        ("MONITORS.Monitor", "sentry.monitor"),
        ("incidents.alertrule", "sentry.alertrule"),
        ("detectors.detector", "workflow_engine.detector"),
    ],
)
def test_a_model_is_found_in_any_letter_case_and_under_labels_to_come(name, wire):
    found = graph().find(name)

    assert found is graph()[wire]


@pytest.mark.parametrize("name", ["auth.user", "sentry.detector", "sentry.group", "sentry.unheard", "team", "", "."])
def test_a_model_is_not_guessed_under_a_label_that_is_known(name):
    assert graph().find(name) is None


@pytest.mark.parametrize(
    ("name", "excluded"),
    [
        ("sentry.group", True),
        ("sentry.Release", True),
        ("releases.release", True),
        ("sentry.team", False),
        ("sentry.unheard", False),
        ("auth.file", False),
    ],
)
def test_models_that_never_travel_are_known(name, excluded):
    assert graph().is_excluded(name) is excluded


def test_the_format_has_as_many_models_as_its_graph():
    assert len(graph().excluded) == 154
    assert len(graph().order) == 95 + 3
    assert not graph().excluded & {*graph().order}


def test_a_scope_holds_the_models_of_which_some_rows_may_be_in_it():
    users = [declaration.wire.model for declaration in graph().in_scope(frozenset({RelocationScope.USER}))]
    config = {declaration.wire.model for declaration in graph().in_scope(frozenset({RelocationScope.CONFIG}))}

    assert users == ["sentry.user", "sentry.email", "sentry.useroption", "sentry.useremail"]
    assert {"sentry.option", "sentry.apitoken", "sentry.apiauthorization"} <= config
    assert "sentry.apigrant" not in config


def test_a_model_that_is_used_has_its_table_and_its_columns():
    used = graph()["sentry.organizationmember"]
    kept = graph()["sentry.monitor"]

    assert graph()["sentry.organization"].table is Organization
    assert (used.column("organization"), used.column("inviter_id"), used.column("role"), used.column("org_role")) == (
        "organization_id",
        "inviter_id",
        "role",
        None,
    )
    assert (kept.is_preserved, kept.column("name"), used.is_preserved) == (True, None, False)
