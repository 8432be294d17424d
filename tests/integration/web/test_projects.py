"""Projects: the list, a new one, its keys, and the wait for its first event."""

import pytest

from tests.support.factories import a_project
from vedette.projects.models import Project, ProjectFlags, ProjectKey
from vedette.projects.services import create_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def test_the_list_shows_traffic_and_open_issues(browser, organization, project, report, an_error):
    a_project(organization, "quiet")
    report(project, an_error(), an_error(), an_error("KeyError", function="other"))

    page = browser.get("/organizations/acme/projects/").text

    assert "3 events in 24 hours" in page
    assert "project=web&amp;statsPeriod=90d" in page
    assert ">waiting<" in page


def test_without_the_event_store_the_list_is_still_there(browser, project):
    page = browser.get("/organizations/acme/projects/").text

    assert "The event store is restarting" in page
    assert ">web<" in page.replace("<b>", ">").replace("</b>", "<")


def test_a_new_project_waits_for_its_first_event(browser, organization, team):
    answer = browser.post("/organizations/acme/create-project/", {"name": "My Shop", "platform": "node"}, follow=True)

    made = Project.objects.get()
    assert (made.slug, made.platform, list(made.teams.all())) == ("my-shop", "node", [team])
    assert "Waiting for the first event" in answer.text
    assert 'hx-trigger="every 3s"' in answer.text
    assert made.keys.get().public_key in answer.text
    assert answer.text.index("@sentry/node") < answer.text.index("pip install")


def test_the_wait_ends_with_a_link_to_the_issue(browser, project, report, an_error):
    before = browser.get("/organizations/acme/projects/web/waiting/").text
    report(project, an_error())

    after = browser.get("/organizations/acme/projects/web/waiting/").text

    assert "Waiting for the first event" in before
    assert "/organizations/acme/issues/WEB-1/" in after
    assert "hx-trigger" not in after


@pytest.mark.parametrize("flag", [ProjectFlags.HAS_TRANSACTIONS, ProjectFlags.HAS_SESSIONS])
def test_the_wait_ends_with_a_transaction_or_a_session_too(browser, project, flag):
    Project.objects.filter(pk=project.pk).update(flags=project.flags | flag)

    page = browser.get("/organizations/acme/projects/web/waiting/").text
    listed = browser.get("/organizations/acme/projects/").text

    assert "It reports." in page
    assert "No error has come yet" in page
    assert "hx-trigger" not in page
    assert ">waiting<" not in listed


def test_a_key_can_be_made_disabled_enabled_and_deleted(browser, organization):
    project = create_project(organization, "web")
    first = project.keys.get()
    address = f"/organizations/acme/projects/web/keys/{first.pk}/"

    browser.post("/organizations/acme/projects/web/keys/", {"label": "browser"})
    browser.post(address, {"do": "disable"})
    disabled = ProjectKey.objects.get(pk=first.pk).is_active
    browser.post(address, {"do": "enable"})
    enabled = ProjectKey.objects.get(pk=first.pk).is_active
    browser.post(address, {"do": "delete"})

    assert (disabled, enabled) == (False, True)
    assert [key.label for key in project.keys.all()] == ["browser"]


def test_another_projects_key_is_not_found(browser, organization, project):
    other = create_project(organization, "other")

    answer = browser.post(f"/organizations/acme/projects/web/keys/{other.keys.get().pk}/", {"do": "delete"})

    assert answer.status_code == 404
    assert other.keys.count() == 1


def test_the_project_is_found_by_its_id_too(browser, project):
    assert browser.get(f"/organizations/acme/projects/{project.pk}/").status_code == 200


def test_the_list_asks_the_same_number_of_questions_for_many_projects(
    browser, organization, events, django_assert_max_num_queries
):
    for number in range(30):
        a_project(organization, f"p{number}")

    with django_assert_max_num_queries(14):
        browser.get("/organizations/acme/projects/")
