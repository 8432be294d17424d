"""The pages of teams: who sees, joins and manages them."""

import pytest

from tests.support.factories import a_member, a_project, an_organization
from vedette.orgs.models import OrganizationMemberTeam, Team

pytestmark = pytest.mark.django_db
LIST = "/organizations/acme/settings/teams/"
CREW = f"{LIST}crew/"


@pytest.fixture
def bob(organization, ann):
    """A plain member."""
    return a_member(organization, "bob@example.com", "member", name="Bob")


def row_of(organization, user):
    return organization.members.get(user_id=user.pk)


def put_into(team, member, role=None):
    return OrganizationMemberTeam.objects.create(team=team, organizationmember=member, role=role)


def places(team):
    return dict(team.memberships.values_list("organizationmember__user_id", "role"))


def test_the_list_tells_members_and_projects(visit, organization, ann, bob, project, team):
    put_into(team, row_of(organization, bob))

    page = visit(bob).get(LIST).text

    assert "crew" in page
    assert "Leave" in page
    assert "New team" not in page


def test_a_new_team_has_its_maker_in_it(visit, organization, ann):
    browser = visit(ann)

    answer = browser.post(LIST, {"name": "Us all", "slug": ""})
    taken = browser.post(LIST, {"name": "Us all", "slug": "us-all"})

    assert answer["Location"] == f"{LIST}us-all/"
    assert places(Team.objects.get(slug="us-all")) == {ann.pk: "admin"}
    assert (taken.status_code, "A team with this slug already exists." in taken.text) == (400, True)


def test_a_plain_member_makes_and_changes_no_team(visit, organization, bob, team, project):
    browser = visit(bob)

    assert browser.post(LIST, {"name": "New"}).status_code == 403
    assert browser.post(CREW, {"name": "Mine"}).status_code == 403
    for verb in ("add", "remove", "admin", "contributor"):
        data = {"do": verb, "member": row_of(organization, bob).pk}
        assert browser.post(f"{CREW}members/", data).status_code == 403
    for verb in ("add", "remove"):
        assert browser.post(f"{CREW}projects/", {"do": verb, "project": project.pk}).status_code == 403
    assert (Team.objects.get().name, places(team)) == ("Crew", {})


def test_anybody_joins_and_leaves_with_open_membership(visit, organization, bob, team):
    browser = visit(bob)

    assert "You are in crew now." in browser.post(f"{CREW}members/", {"do": "join"}, follow=True).text
    assert places(team) == {bob.pk: None}
    assert "You have left crew." in browser.post(f"{CREW}members/", {"do": "leave"}, follow=True).text
    assert places(team) == {}


def test_with_closed_membership_only_own_teams_are_there(visit, organization, bob, team):
    organization.flags = 0
    organization.save()
    browser = visit(bob)

    assert "crew" not in browser.get(LIST).text
    assert browser.get(CREW).status_code == 404
    assert browser.post(f"{CREW}members/", {"do": "join"}).status_code == 404

    put_into(team, row_of(organization, bob))
    assert browser.get(CREW).status_code == 200
    assert browser.post(f"{CREW}members/", {"do": "leave"})["Location"] == LIST


def test_a_team_admin_manages_members_and_projects(visit, organization, ann, bob, team, project):
    put_into(team, row_of(organization, bob), "admin")
    browser, kim = visit(bob), row_of(organization, a_member(organization, "kim@example.com"))

    browser.post(f"{CREW}members/", {"do": "add", "member": kim.pk})
    browser.post(f"{CREW}members/", {"do": "admin", "member": kim.pk})
    assert places(team)[kim.user_id] == "admin"
    browser.post(f"{CREW}members/", {"do": "contributor", "member": kim.pk})
    assert places(team)[kim.user_id] is None
    browser.post(f"{CREW}members/", {"do": "remove", "member": kim.pk})
    assert kim.user_id not in places(team)
    browser.post(f"{CREW}projects/", {"do": "remove", "project": project.pk})
    assert not project.teams.exists()


def test_a_team_admin_takes_no_project_of_others(visit, organization, ann, bob, team):
    put_into(team, row_of(organization, bob), "admin")
    other = a_project(organization, "other")

    assert visit(bob).post(f"{CREW}projects/", {"do": "add", "project": other.pk}).status_code == 403
    visit(ann).post(f"{CREW}projects/", {"do": "add", "project": other.pk})
    assert list(other.teams.all()) == [team]


def test_a_team_is_renamed_and_keeps_the_rules(visit, organization, ann, team):
    browser = visit(ann)

    assert browser.post(CREW, {"name": "Us", "slug": "us"})["Location"] == f"{LIST}us/"
    assert browser.post(f"{LIST}us/", {"name": "Us", "slug": "12"}).status_code == 400


def test_a_team_is_deleted_behind_its_slug(visit, organization, ann, team, project):
    browser = visit(ann)
    refused = browser.post(f"{CREW}delete/", {"word": "crow"})
    assert refused.status_code == 400
    assert Team.objects.exists()

    answer = browser.post(f"{CREW}delete/", {"word": "crew"}, follow=True)

    assert "The team crew is deleted." in answer.text
    assert not Team.objects.exists()
    assert browser.get("/organizations/acme/projects/web/").status_code == 200


def test_a_member_who_makes_no_admin_of_this_team_deletes_it_neither(visit, organization, ann, bob, team):
    other = Team.objects.create(organization=organization, slug="other", name="Other")
    put_into(other, row_of(organization, bob), "admin")

    assert visit(bob).post(f"{CREW}delete/", {"word": "crew"}).status_code == 403


def test_members_projects_and_teams_of_another_organization_are_not_there(visit, organization, ann, team):
    elsewhere = an_organization("elsewhere")
    eve = row_of(elsewhere, a_member(elsewhere, "eve@example.com"))
    hidden = a_project(elsewhere, "hidden")
    Team.objects.create(organization=elsewhere, slug="theirs", name="Theirs")
    browser = visit(ann)

    answer = browser.post(f"{CREW}members/", {"do": "add", "member": eve.pk}, follow=True)

    assert "They are not there any more." in answer.text
    assert browser.post(f"{CREW}projects/", {"do": "add", "project": hidden.pk}).status_code == 404
    assert browser.get(f"{LIST}theirs/").status_code == 404
    assert browser.post(f"{CREW}members/", {"do": "nothing"}).status_code == 404
    assert places(team) == {}
