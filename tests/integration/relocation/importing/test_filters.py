"""Filters: what is wanted comes along, and all that it needs and nothing that hangs on the rest."""

import pytest

from tests.support.exports import member, organization, project, row, rule, team, user
from vedette.accounts.models import Email, User, UserOption
from vedette.orgs.models import Organization, OrganizationMember, Team
from vedette.projects.models import Project
from vedette.relocation.models import PreservedRegionRow

pytestmark = pytest.mark.django_db


def two_organizations():
    """Ada is in acme, Bob in bits, Cyd in both and invited nowhere; Dan is in none."""
    rows = [organization(1, "acme"), organization(2, "bits")]
    rows += [user(pk, name) for pk, name in ((1, "ada"), (2, "bob"), (3, "cyd"), (4, "dan"))]
    rows += [row("email", pk, email=f"{name}@Example.com") for pk, name in ((1, "ada"), (2, "bob"), (3, "cyd"))]
    rows += [row("email", 9, email="second@example.com"), row("useremail", 1, user=1, email="second@example.com")]
    rows += [member(1, 1, 1), member(2, 2, 2), member(3, 1, 3), member(4, 2, 3)]
    rows += [member(5, 1, None, email="invited@example.com")]
    rows += [team(1, 1, "a-team"), team(2, 2, "b-team"), project(1, 1, "shop"), project(2, 2, "shop")]
    rows += [project(3, 1, "site"), rule(1, 1), rule(2, 2), rule(3, 3)]
    rows += [row("useroption", 1, user=1, key="mail", value=1, project_id=2, organization_id=None)]
    return rows


def names(table, field):
    return set(table.objects.values_list(field, flat=True))


def test_an_organization_comes_with_its_members_their_addresses_and_nobody_else(imports):
    result = imports(two_organizations(), org_slugs=frozenset({" acme\n"}))

    assert names(Organization, "slug") == {"acme"}
    assert names(User, "username") == {"ada", "cyd"}
    assert {address.lower() for address in names(Email, "email")} == {
        "ada@example.com",
        "cyd@example.com",
        "second@example.com",
    }
    assert names(Team, "slug") == {"a-team"}
    assert OrganizationMember.objects.count() == 3
    assert result.plan["sentry.user"].out_of_scope == 2
    assert not [finding for finding in result.findings if finding.severity != "note"]


def test_an_option_for_a_project_that_stays_behind_does_not_become_one_for_everything(imports):
    imports(two_organizations(), org_slugs=frozenset({"acme"}))

    assert not UserOption.objects.exists()


def test_usernames_are_exact_and_bring_their_addresses(imports):
    imports(two_organizations(), "User", usernames=frozenset({"ada", "CYD"}))

    assert names(User, "username") == {"ada"}
    assert {address.lower() for address in names(Email, "email")} == {"ada@example.com", "second@example.com"}


@pytest.mark.parametrize(
    ("wanted", "projects"),
    [
        pytest.param({"shop"}, {1, 2}, id="a slug, in every organization"),
        pytest.param({"acme/shop"}, {1}, id="a slug of one organization"),
        pytest.param({"acme/shop", "site"}, {1, 3}, id="both"),
    ],
)
def test_a_project_filter_leaves_out_other_projects_and_what_hangs_on_them(imports, wanted, projects):
    imports(two_organizations(), project_slugs=frozenset(wanted))

    assert names(Project, "pk") == projects
    assert names(PreservedRegionRow, "project_id") == projects
    assert names(Organization, "slug") == {"acme", "bits"}


@pytest.mark.parametrize("filter_name", ["org_slugs", "project_slugs"])
def test_an_empty_filter_lets_nothing_through(imports, filter_name):
    imports(two_organizations(), **{filter_name: frozenset()})

    assert not Project.objects.exists()


def test_an_unknown_model_that_names_no_organization_stays_behind_where_one_was_asked_for(imports):
    rows = [*two_organizations(), row("novelty", 1, organization=1), row("novelty", 2, organization=2)]
    rows += [row("novelty", 3, colour="red")]

    imports(rows, org_slugs=frozenset({"acme"}))

    assert PreservedRegionRow.objects.filter(model="sentry.novelty").count() == 1
