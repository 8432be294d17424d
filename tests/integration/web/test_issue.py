"""The issue page: what it answers, what it links to, and what strangers' text cannot do on it."""

import re

import pytest

from tests.support.factories import a_member
from tests.support.html import harm_in
from vedette.core import clock
from vedette.events.client import StoreUnavailable
from vedette.issues.models import EventAttachment, Group, GroupStatus, UserReport
from vedette.orgs.options import ATTACHMENTS_ROLE, set_option

pytestmark = pytest.mark.django_db

ISSUE = "/organizations/acme/issues/WEB-1/"
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)><x-stolen>\u202eevil'


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def test_the_page_answers_what_where_since_when_how_often_and_for_whom(browser, project, report, an_error):
    report(project, an_error(release="shop@1.0", user={"id": "7", "email": "eve@example.com"}, environment="prod"))
    report(project, an_error(release="shop@1.1", user={"id": "8"}, environment="prod"))

    page = browser.get(ISSUE).text

    assert "<h1>ValueError</h1>" in page
    assert "shop/checkout.py:42" in page
    assert 'title="shop@1.0">shop@1.0</a>' in page
    assert 'title="shop@1.1">shop@1.1</a>' in page
    assert "2 in 14d" in page
    assert "2 events in 14 days" in page
    assert '<a href="/organizations/acme/issues/WEB-1/tags/user/" title="2">2</a>' in page
    assert re.findall(r"<(h[1-3])", page)[:3] == ["h1", "h2", "h3"]  # no level is left out
    assert harm_in(page) == []


def test_the_raising_frame_is_open_and_library_frames_are_folded(browser, project, report, an_error):
    report(project, an_error())

    page = browser.get(ISSUE).text

    assert '<details class="frame" data-in-app open>' in page
    assert "1 library frame" in page
    assert "raise ValueError()" in page
    assert "<dt>cart</dt>" in page
    assert "hunter2" not in page
    assert '<mark class="filtered">[Filtered]</mark>' in page


def test_events_are_reached_by_id_and_by_word_and_know_their_neighbours(browser, project, report, an_error):
    now = clock.now().timestamp()
    ids = [f"{number:032x}" for number in (1, 2, 3)]
    report(project, *(an_error(event_id=event_id, timestamp=now - 60 + n) for n, event_id in enumerate(ids)))

    middle = browser.get(f"{ISSUE}events/{ids[1]}/").text

    assert f'rel="prev" href="{ISSUE}events/{ids[0]}/"' in middle
    assert f'rel="next" href="{ISSUE}events/{ids[2]}/"' in middle
    assert 'rel="prev"' not in browser.get(f"{ISSUE}events/oldest/").text
    assert 'rel="next"' not in browser.get(f"{ISSUE}events/latest/").text
    listed = browser.get(f"{ISSUE}events/").text
    assert [f"events/{event_id}/" in listed for event_id in ids] == [True, True, True]


def test_the_share_of_a_tag_s_value_leads_to_its_events_in_this_issue(browser, project, report, an_error):
    tags = {"city": 'St. "Pölten"'}
    report(project, an_error(tags=tags, event_id="a" * 32), an_error(tags={"city": "Graz"}, event_id="b" * 32))
    link = f"{ISSUE}events/?query=city%3A%22St.%20%5C%22P%C3%B6lten%5C%22%22"

    page = browser.get(link).text

    assert f'href="{link}"' in browser.get(ISSUE).text
    assert f'href="{link}"' in browser.get(f"{ISSUE}tags/city/").text
    assert f"{ISSUE}events/{'a' * 32}/" in page
    assert f"{ISSUE}events/{'b' * 32}/" not in page


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        pytest.param("city:Rome", 200, "No event matches", id="nothing"),
        pytest.param("is:unresolved", 400, "do not apply to events", id="of-issues"),
        pytest.param("is:banana", 400, "Invalid value for &#x27;is&#x27;", id="mistake"),
        pytest.param(MARKUP, 400, "was not understood", id="markup"),
    ],
)
def test_a_search_among_events_says_what_it_did_not_find(browser, project, report, an_error, query, status, words):
    report(project, an_error(event_id="a" * 32))

    answer = browser.get(f"{ISSUE}events/", {"query": query})

    assert (answer.status_code, words in answer.text) == (status, True)
    assert "a" * 32 not in answer.text
    assert "Error parsing search query" not in answer.text
    assert harm_in(answer.text) == []


def test_an_event_that_is_not_there_is_a_404_that_still_shows_the_issue(browser, project, report, an_error):
    report(project, an_error())

    answer = browser.get(f"{ISSUE}events/{'f' * 32}/")

    assert answer.status_code == 404
    assert "That event is not here" in answer.text
    assert "<h1>ValueError</h1>" in answer.text


@pytest.mark.parametrize("address", ["WEB-99", "OTHER-1", "0", "99999999999999999999", "nonsense"])
def test_an_issue_that_is_not_there_is_a_404(browser, project, address):
    assert browser.get(f"/organizations/acme/issues/{address}/").status_code == 404


def test_the_issue_is_found_by_number_and_by_short_id_in_any_letter_case(browser, project, report, an_error):
    report(project, an_error())

    assert browser.get(f"/organizations/acme/issues/{Group.objects.get().pk}/").status_code == 200
    assert browser.get("/organizations/acme/issues/web-1/").status_code == 200


def test_without_the_event_store_the_issue_is_there_and_can_be_resolved(
    browser, project, report, an_error, monkeypatch
):
    report(project, an_error())

    def away(*_, **__):
        raise StoreUnavailable("away")

    for name in ("edge_event", "issue_numbers", "facets", "list_events", "tag_values", "get_event"):
        monkeypatch.setattr(f"vedette.events.queries.{name}", away)
    page = browser.get(ISSUE)

    assert page.status_code == 200
    assert "The event store is restarting" in page.text
    assert 'value="resolve:' in page.text
    assert "The event store is restarting" in browser.get(f"{ISSUE}events/").text
    assert "The event store is restarting" in browser.get(f"{ISSUE}tags/user/").text
    answer = browser.get(f"{ISSUE}events/latest/json/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "3")


def test_an_issue_whose_events_are_gone_says_so(browser, project, report, an_error, events):
    report(project, an_error())
    events.run("TRUNCATE TABLE errors")

    page = browser.get(ISSUE)

    assert page.status_code == 200
    assert "No event is kept" in page.text


def hostile_event(an_error):
    """Markup in every string field that a page shows."""
    pairs = {MARKUP: MARKUP, "link": "javascript:alert(1)", "nested": {MARKUP: [MARKUP]}}
    event = an_error(MARKUP, MARKUP, function="x")
    frame = {
        **dict.fromkeys(("filename", "function", "module", "abs_path", "context_line", "package"), MARKUP),
        "lineno": 3,
        "in_app": True,
        "vars": pairs,
        "pre_context": [MARKUP],
        "post_context": [MARKUP],
        "source_link": "javascript:alert(1)",
    }
    mechanism = {"type": MARKUP, "description": MARKUP, "help_link": "javascript:alert(1)", "data": pairs}
    event["exception"]["values"][0]["stacktrace"]["frames"] = [frame, {**frame, "in_app": False}]
    event["exception"]["values"][0]["mechanism"] = mechanism
    return {
        **event,
        "logentry": {"formatted": MARKUP},
        "transaction": MARKUP,
        "server_name": MARKUP,
        "tags": {"a": MARKUP, "url": "javascript:alert(1)"},
        "user": {"id": MARKUP, "email": MARKUP, "username": MARKUP, "data": pairs},
        "request": {
            "url": "javascript:alert(1)//" + MARKUP,
            "method": "POST",
            "headers": {"X-Evil": MARKUP},
            "data": pairs,
            "cookies": {"c": MARKUP},
            "query_string": {"q": MARKUP},
            "env": pairs,
        },
        "breadcrumbs": {"values": [{"message": MARKUP, "category": MARKUP, "data": pairs, "level": "info"}]},
        "contexts": {"evil": pairs, "browser": {"name": MARKUP, "version": MARKUP}},
        "extra": pairs,
        "modules": {"evil": MARKUP},
        "sdk": {"name": MARKUP, "version": MARKUP, "packages": [{"name": MARKUP, "version": MARKUP}]},
        "threads": {"values": [{"id": MARKUP, "name": MARKUP, "crashed": True, "stacktrace": {"frames": [frame]}}]},
        "fingerprint": [MARKUP],
    }


def test_markup_in_every_field_stays_text_on_every_page(browser, project, report, an_error):
    report(project, hostile_event(an_error), attachments=[("<img src=x>.txt", b"<script>")])
    group = Group.objects.get()
    UserReport.objects.create(project=project, event_id="0" * 32, group=group, name=MARKUP, comments=MARKUP)

    for end in (
        "",
        "issues/WEB-1/",
        "issues/WEB-1/events/",
        "issues/WEB-1/tags/a/",
        "issues/WEB-1/tags/user/",
        "issues/",
    ):
        page = browser.get(f"/organizations/acme/{end}", follow=True)
        assert page.status_code == 200
        assert harm_in(page.text) == [], end
        assert "<x-stolen" not in page.text
        assert "\u202e" not in page.text


def test_an_event_of_impossible_shapes_is_shown(browser, project, report):
    report(project, {"exception": [1, None, {"type": 5}], "breadcrumbs": 3, "contexts": [], "request": "x", "tags": 7})

    assert browser.get(ISSUE).status_code == 200


def test_the_json_is_the_stored_event_and_no_page(browser, project, report, an_error):
    report(project, an_error(extra={"note": "<script>"}))

    answer = browser.get(f"{ISSUE}events/latest/json/")

    assert answer["Content-Type"] == "application/json"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer.json()["extra"] == {"note": "<script>"}


def test_an_attachment_is_only_ever_a_download(browser, project, report, an_error):
    report(project, an_error(), attachments=[("page.html", b"<script>alert(1)</script>")])
    found = EventAttachment.objects.get()

    answer = browser.get(f"{ISSUE}attachments/{found.pk}/")

    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''page.html"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "page.html" in browser.get(ISSUE).text


def test_an_attachment_is_for_those_with_the_role(visit, organization, project, report, an_error):
    report(project, an_error(), attachments=[("page.html", b"x")])
    set_option(organization, ATTACHMENTS_ROLE, "manager")
    path = f"{ISSUE}attachments/{EventAttachment.objects.get().pk}/"

    assert visit(a_member(organization, "mem@example.com", "member")).get(path).status_code == 403
    answer = visit(a_member(organization, "max@example.com", "manager")).get(path)
    assert b"".join(answer.streaming_content) == b"x"


def test_resolving_from_the_page_changes_its_badge_and_buttons(browser, project, report, an_error):
    report(project, an_error())
    group = Group.objects.get()

    said = browser.post(
        "/organizations/acme/issues/update/",
        {"one": f"resolve:{group.pk}", "place": "page"},
        headers={"HX-Request": "true"},
    ).text

    group.refresh_from_db()
    assert group.status == GroupStatus.RESOLVED
    assert f'id="badge-{group.pk}" hx-swap-oob' in said
    assert f'value="reopen:{group.pk}"' in said
    assert "Resolved by Ann" in browser.get(ISSUE).text


def test_a_grafana_address_leads_to_the_event(browser, project, report, an_error):
    report(project, an_error(event_id="a" * 32))

    answer = browser.get(f"/organizations/acme/discover/web:{'a' * 32}/")

    assert answer["Location"].endswith(f"/events/{'a' * 32}/")
    assert browser.get(f"/organizations/acme/discover/web:{'b' * 32}/").status_code == 404


def test_the_page_asks_the_database_a_bounded_number_of_questions(
    browser, project, report, an_error, django_assert_max_num_queries
):
    report(project, *(an_error() for _ in range(5)))

    with django_assert_max_num_queries(26):
        browser.get(ISSUE)
