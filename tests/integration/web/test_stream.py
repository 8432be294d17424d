"""The stream: what it shows, what its filters ask, and what its buttons do."""

import re
from html import unescape

import pytest

from tests.support.factories import a_member, a_project
from vedette.events.client import StoreUnavailable
from vedette.issues.models import Activity, Group, GroupAssignee, GroupStatus, GroupSubStatus
from vedette.orgs.models import Organization

pytestmark = pytest.mark.django_db

STREAM, UPDATE, ASSIGN = (f"/organizations/acme/issues/{end}" for end in ("", "update/", "assign/"))
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def titles(page):
    return re.findall(r'<span class="title clip">([^<]*)</span>', page)


def undo_in(page):
    return unescape(re.search(r'name="undo" value="([^"]+)"', page)[1])


def test_a_row_says_what_broke_where_how_often_and_for_whom(browser, project, report, an_error):
    report(project, *(an_error(user={"id": str(number)}) for number in (1, 2, 2)))

    page = browser.get(STREAM).text

    assert titles(page) == ["ValueError"]
    assert ">bad</span>" in page
    assert 'href="/organizations/acme/issues/WEB-1/"' in page
    assert 'title="3 events">3<' in page
    assert 'title="2 users">2<' in page
    assert "3 events in 24 hours" in page
    assert '<span class="unseen">error</span>' in page


def test_the_forms_controls_become_one_query_in_the_address(browser, project):
    answer = browser.get(STREAM, {"status": "resolved", "level": "error", "text": "boom", "project": "web"})

    assert answer.status_code == 302
    assert answer["Location"] == f"{STREAM}?project=web&query=is%3Aresolved+level%3Aerror+boom"


def test_filters_narrow_the_rows(browser, organization, project, report, an_error):
    other = a_project(organization, "api")
    report(
        project, an_error("KeyError", function="a", environment="prod", level="warning", tags={"city": "St. Gallen"})
    )
    report(other, an_error("TypeError", function="b", environment="dev"))

    assert titles(browser.get(STREAM, {"project": "api"}).text) == ["TypeError"]
    assert titles(browser.get(STREAM, {"project": str(project.pk)}).text) == ["KeyError"]
    assert titles(browser.get(STREAM, {"environment": "dev"}).text) == ["TypeError"]
    assert titles(browser.get(STREAM, {"query": "level:warning"}).text) == ["KeyError"]
    assert titles(browser.get(STREAM, {"query": 'city:"St. Gallen"'}).text) == ["KeyError"]
    assert titles(browser.get(STREAM, {"query": "typeerror"}).text) == ["TypeError"]
    assert titles(browser.get(STREAM, {"query": "is:resolved"}).text) == []
    assert titles(browser.get(STREAM, {"project": "unknown"}).text) == []


def test_sorting_by_events(browser, project, report, an_error):
    report(project, an_error("Rare", function="a"), *(an_error("Often", function="b") for _ in range(3)))
    report(project, an_error("Last", function="c"))

    assert titles(browser.get(STREAM, {"sort": "freq"}).text)[0] == "Often"
    assert titles(browser.get(STREAM, {"sort": "date"}).text)[0] == "Last"


def test_pages_are_linked_and_keep_the_filters(browser, project, report, an_error):
    report(project, *(an_error(f"Error{number}", function=f"f{number}") for number in range(30)))

    first = browser.get(STREAM, {"query": "is:unresolved", "sort": "new"}).text
    following = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = browser.get(STREAM + following).text

    assert len(titles(first)) == 25
    assert len(titles(second)) == 5
    assert not set(titles(first)) & set(titles(second))
    assert "sort=new" in following
    assert 'rel="prev"' in second


@pytest.mark.parametrize("query", ["is:nonsense", 'a "', 'x:"', "cursor"])
def test_a_query_that_makes_no_sense_is_told_and_not_a_failure(browser, project, query):
    sent = {"cursor": "1:x"} if query == "cursor" else {"query": query}

    answer = browser.get(STREAM, sent)

    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert "The search was not understood" in answer.text
        assert "Error parsing" not in answer.text


def test_the_empty_states_say_the_next_step(browser, organization, events):
    assert "No projects yet" in browser.get(STREAM).text

    project = a_project(organization, "web")
    assert "Nothing has arrived yet" in browser.get(STREAM).text

    project.first_event = project.date_added
    project.save()
    assert "No unresolved issues" in browser.get(STREAM).text
    assert "No issue matches" in browser.get(STREAM, {"query": "boom"}).text


def test_without_the_event_store_the_rows_stay_and_it_is_said(browser, project, report, an_error, monkeypatch):
    report(project, an_error())

    def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr("vedette.events.queries.issue_numbers", away)
    page = browser.get(STREAM)

    assert page.status_code == 200
    assert titles(page.text) == ["ValueError"]
    assert "The event store is restarting" in page.text


def test_resolving_by_the_button_of_a_row_says_so_and_offers_undo(browser, project, report, an_error):
    report(project, an_error())
    group = Group.objects.get()

    said = browser.post(UPDATE, {"one": f"resolve:{group.pk}", "place": "row"}, headers=HTMX).text
    group.refresh_from_db()
    resolved = group.status
    undone = browser.post(UPDATE, {"do": "undo", "undo": undo_in(said)}, headers=HTMX).text
    group.refresh_from_db()

    assert "Resolved WEB-1." in said
    assert f'id="state-{group.pk}" hx-swap-oob' in said
    assert resolved == GroupStatus.RESOLVED
    assert "Undone: WEB-1." in undone
    assert (group.status, group.substatus) == (GroupStatus.UNRESOLVED, GroupSubStatus.NEW)
    assert Activity.objects.count() == 2


def test_without_scripts_the_answer_is_a_redirect_and_the_next_page_offers_undo(browser, project, report, an_error):
    report(project, an_error())
    group = Group.objects.get()

    answer = browser.post(UPDATE, {"one": f"archive:{group.pk}", "next": f"{STREAM}?sort=freq"})
    page = browser.get(answer["Location"]).text
    browser.post(UPDATE, {"do": "undo", "undo": undo_in(page), "next": STREAM})
    group.refresh_from_db()

    assert answer["Location"] == f"{STREAM}?sort=freq"
    assert "Archived WEB-1." in page
    assert group.status == GroupStatus.UNRESOLVED


def test_several_issues_at_once_and_their_undo(browser, project, report, an_error):
    report(project, *(an_error(f"E{number}", function=f"f{number}") for number in range(3)))
    ids = list(Group.objects.values_list("pk", flat=True))

    said = browser.post(UPDATE, {"do": "archive", "issue": ids[:2]}, headers=HTMX).text
    statuses = sorted(Group.objects.values_list("status", flat=True))
    browser.post(UPDATE, {"do": "undo", "undo": undo_in(said)}, headers=HTMX)

    assert "Archived 2 issues." in said
    assert statuses == [GroupStatus.UNRESOLVED, GroupStatus.IGNORED, GroupStatus.IGNORED]
    assert not Group.objects.exclude(status=GroupStatus.UNRESOLVED).exists()


def test_assigning_offers_the_people_and_teams_and_can_be_taken_back(browser, organization, project, report, an_error):
    bob = a_member(organization, "bob@example.com", name="Bob")
    report(project, an_error())
    group = Group.objects.get()

    choice = browser.get(ASSIGN, {"issue": group.pk}, headers=HTMX).text
    said = browser.post(UPDATE, {"do": "assign", "issue": group.pk, "assignee": f"user:{bob.pk}"}, headers=HTMX).text
    holder = GroupAssignee.objects.get().user_id
    browser.post(UPDATE, {"do": "undo", "undo": undo_in(said)}, headers=HTMX)

    assert f'value="user:{bob.pk}"' in choice
    assert "#crew" in choice
    assert "Assigned to Bob: WEB-1." in said
    assert holder == bob.pk
    assert not GroupAssignee.objects.exists()


def test_an_issue_of_another_organization_is_not_touched(browser, stranger, project, report, an_error):
    theirs = a_project(Organization.objects.get(slug="other"), "theirs")
    report(theirs, an_error())
    group = Group.objects.get()

    said = browser.post(UPDATE, {"one": f"resolve:{group.pk}"}, headers=HTMX).text
    choice = browser.get(ASSIGN, {"issue": group.pk}, headers=HTMX).text

    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED
    assert "Choose at least one issue first." in said
    assert "THEIRS" not in choice


def test_assigning_to_a_stranger_is_refused(browser, stranger, project, report, an_error):
    report(project, an_error())

    said = browser.post(
        UPDATE, {"do": "assign", "issue": Group.objects.get().pk, "assignee": f"user:{stranger.pk}"}, headers=HTMX
    ).text

    assert "not a member" in said
    assert not GroupAssignee.objects.exists()


@pytest.mark.parametrize("note", ["", "nonsense", "a:b:c"])
def test_a_forged_undo_is_refused(browser, project, note):
    assert "can no longer be undone" in browser.post(UPDATE, {"do": "undo", "undo": note}, headers=HTMX).text


def test_an_unknown_action_changes_nothing(browser, project, report, an_error):
    report(project, an_error())

    said = browser.post(UPDATE, {"do": "delete", "issue": Group.objects.get().pk}, headers=HTMX).text

    assert "There is no action" in said


def test_a_full_page_asks_the_database_a_bounded_number_of_questions(
    browser, project, report, an_error, django_assert_max_num_queries
):
    report(project, *(an_error(f"E{number}", function=f"f{number}") for number in range(26)))
    browser.post(UPDATE, {"do": "assign", "issue": list(Group.objects.values_list("pk", flat=True)), "assignee": "me"})

    with django_assert_max_num_queries(22):
        browser.get(STREAM)
