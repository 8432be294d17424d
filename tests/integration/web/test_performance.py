"""The performance pages: the list of transactions, one of them, one trace, one span, and who may see them."""

import re
from html import unescape

import pytest

from tests.support.factories import a_member, a_project, an_organization
from vedette.events.client import StoreUnavailable
from vedette.issues.models import Group
from vedette.projects.models import ProjectTeam

pytestmark = pytest.mark.django_db

PERFORMANCE = "/organizations/acme/performance/"
SUMMARY, TRACE = PERFORMANCE + "summary/", PERFORMANCE + f"trace/{'a' * 32}/"
ROOT, CHILD, GRANDCHILD = "b" * 16, "c" * 16, "d" * 16
SPANS = (
    (CHILD, ROOT, "http.client", "GET https://api.example.com/users/17?token=x", 100, 900),
    (GRANDCHILD, CHILD, "db", "SELECT * FROM carts WHERE id = 17", 200, 400),
)


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def names(page):
    return [unescape(name) for name in re.findall(r'<a class="clip" data-open href="[^"]*" title="([^"]*)"', page)]


def labels(page):
    """The numbers of the first row by their labels."""
    return dict(re.findall(r'data-label="([\w ]+)"[^>]*>([^<]*)<', page))


def test_a_line_says_how_often_how_slow_how_many_failed_and_for_whom(browser, project, report, a_transaction):
    report(
        project,
        *(a_transaction(milliseconds=100 * n, user={"id": str(n % 2)}, event_id=f"{n:032x}") for n in range(1, 10)),
        a_transaction(milliseconds=1000, trace={"status": "internal_error"}, event_id=f"{10:032x}"),
    )

    page = browser.get(PERFORMANCE).text

    assert names(page) == ["/cart"]
    found = labels(page)
    assert (found["p50"], found["failures"], found["users"]) == ("550 ms", "10%", "2")
    assert found["in all"] == "5.5 s"
    assert "10 transactions" in page


def test_filters_and_sorting_choose_the_lines(browser, organization, project, report, a_transaction):
    other = a_project(organization, "api")
    report(project, a_transaction("/slow", milliseconds=5000, environment="prod", release="shop@1"))
    report(project, *(a_transaction("/often", milliseconds=10, event_id=f"{n:032x}") for n in range(3)))
    report(other, a_transaction("task.100%", milliseconds=50, environment="dev"))

    def shown(**asked):
        return names(browser.get(PERFORMANCE, asked).text)

    assert shown() == ["/slow", "task.100%", "/often"]
    assert shown(sort="-count")[0] == "/often"
    assert shown(sort="p95")[0] == "/often"
    assert shown(sort="nonsense", statsPeriod="nonsense") == shown()
    assert shown(project="api") == ["task.100%"]
    assert shown(project=str(project.pk), environment="prod") == ["/slow"]
    assert shown(release="shop@1") == ["/slow"]
    assert shown(query="OFT") == ["/often"]
    assert shown(query="100%") == ["task.100%"]
    assert shown(query="%") == ["task.100%"]
    assert shown(project="unknown") == []
    assert "No transaction matches" in browser.get(PERFORMANCE, {"query": "nothing"}).text


def test_the_empty_page_says_how_transactions_come(browser, project, events):
    page = browser.get(PERFORMANCE).text

    assert "No transactions in the last 24h" in page
    assert "traces_sample_rate" in page


def test_more_lines_than_fit_are_on_the_next_page(browser, project, report, a_transaction):
    report(project, *(a_transaction(f"/page/{n}", event_id=f"{n:032x}", milliseconds=10 + n) for n in range(53)))

    first, second = browser.get(PERFORMANCE).text, browser.get(PERFORMANCE, {"page": "2"}).text

    assert len(names(first)) == 50
    assert 'rel="next"' in first
    assert len(names(second)) == 3
    assert 'rel="prev"' in second
    assert not set(names(first)) & set(names(second))


def test_the_summary_says_where_the_time_goes_and_shows_examples_and_errors(
    browser, project, report, a_transaction, an_error
):
    measurements = {"lcp": {"value": 4500, "unit": "millisecond"}, "frames_slow": {"value": 3, "unit": "none"}}
    failing = {"trace": {"status": "internal_error"}, "trace_id": "e" * 32}
    report(project, a_transaction(spans=SPANS, measurements=measurements), a_transaction(**failing))
    report(project, an_error(transaction="/cart"), an_error("Elsewhere", function="other", transaction="/other"))

    page = browser.get(SUMMARY, {"transaction": "/cart", "project": "web"}).text

    assert "SELECT * FROM carts WHERE id = %s" in page
    assert "GET https://api.example.com/users/*<" in page
    assert 'title="600 ms in all"' in page  # of the HTTP call, without the query in it
    assert "LCP" in page
    assert "4.5 s" in page
    assert "poor" in page
    assert "frames_slow" in page
    assert "Newest failures" in page
    assert f"/performance/trace/{'e' * 32}/" in page
    assert "ValueError" in page
    assert "Elsewhere" not in page


def test_a_summary_of_what_did_not_run_or_does_not_exist(browser, project, events):
    assert "It did not run" in browser.get(SUMMARY, {"transaction": "/none", "project": "web"}).text
    assert browser.get(SUMMARY, {"transaction": "/none", "project": "unknown"}).status_code == 404
    assert browser.get(SUMMARY, {"project": "web"}).status_code == 404


def test_a_trace_is_one_waterfall_across_projects(browser, organization, project, report, a_transaction):
    other = a_project(organization, "api")
    report(project, a_transaction(spans=SPANS, measurements={"fcp": {"value": 120}}))
    called = {"trace": {"parent_span_id": CHILD}, "span_id": "f" * 16, "milliseconds": 500}
    report(other, a_transaction("/users/{id}", **called))

    page = browser.get(TRACE).text

    rows = re.findall(r'<li class="d(\d+) k-(\w+)(?: segment)?" id="s-(\w+)"', page)
    assert {(int(depth), kind, span) for depth, kind, span in rows} == {
        (0, "http", ROOT),
        (1, "http", CHILD),
        (2, "db", GRANDCHILD),
        (2, "http", "f" * 16),
    }
    assert "2 transactions, 4 spans" in page
    assert "FCP" in page
    assert "120 ms" in page
    assert "SELECT * FROM carts WHERE id = 17" in page
    assert "style=" not in page


def test_errors_stand_on_their_spans_and_link_to_their_issues_and_back(
    browser, project, report, a_transaction, an_error
):
    event_id = "9" * 32
    context = {"trace": {"trace_id": "a" * 32, "span_id": CHILD}}
    report(project, a_transaction(spans=SPANS), an_error(event_id=event_id, contexts=context))
    short = Group.objects.get().qualified_short_id

    page = browser.get(TRACE).text
    event = browser.get(f"/organizations/acme/issues/{short}/events/{event_id}/").text

    assert f'href="/organizations/acme/issues/{short}/events/{event_id}/"' in page
    assert f'href="#s-{CHILD}"' in page
    assert page.count('class="error"') == 1
    assert f'href="{TRACE}"' in event


def test_a_trace_made_up_for_an_error_alone_is_not_linked(browser, project, report, an_error):
    report(project, an_error(event_id="9" * 32))

    assert "/performance/trace/" not in browser.get("/organizations/acme/issues/WEB-1/").text


def test_a_trace_of_errors_alone_is_shown_too(browser, project, report, an_error):
    report(project, an_error(contexts={"trace": {"trace_id": "a" * 32, "span_id": CHILD}}))

    page = browser.get(TRACE)

    assert page.status_code == 200
    assert "No spans of this trace are here" in page.text
    assert "ValueError" in page.text


def test_a_span_opens_as_a_fragment_a_page_and_above_the_waterfall(browser, project, report, a_transaction):
    report(project, a_transaction(spans=SPANS, event_id="7" * 32))
    address = f"{TRACE}spans/{'7' * 32}/{GRANDCHILD}/"

    fragment = browser.get(address, headers={"HX-Request": "true"}).text
    page = browser.get(address).text
    above = browser.get(TRACE, {"span": f"{'7' * 32}-{GRANDCHILD}"}).text

    for shown in (fragment, page, above):
        assert "SELECT * FROM carts WHERE id = 17" in shown
        assert "postgresql" in shown
    assert "<html" not in fragment
    assert "<html" in page
    assert browser.get(f"{TRACE}spans/{'7' * 32}/{'1' * 16}/").status_code == 404
    assert browser.get(f"{TRACE}spans/nonsense/x/").status_code == 404


def test_hostile_names_and_descriptions_stay_text(browser, project, report, a_transaction):
    hostile = '<script>alert(1)</script>"&\u202e'
    spans = ((CHILD, ROOT, hostile, hostile, 0, 10),)
    report(project, a_transaction(hostile, spans=spans, environment="prod", release="a" + hostile[:8]))

    pages = [
        browser.get(PERFORMANCE).text,
        browser.get(SUMMARY, {"transaction": hostile, "project": "web"}).text,
        browser.get(TRACE).text,
        browser.get(SUMMARY, {"transaction": "x", "project": "web", "op": hostile, "release": hostile}).text,
    ]

    for page in pages:
        assert "<script>alert" not in page
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", page)  # what a form sends back is what it was


def test_a_long_trace_is_cut_and_says_so(browser, project, report, a_transaction, monkeypatch):
    monkeypatch.setattr("vedette.web.tracepage.MOST_SPANS", 3)
    spans = [(f"{n + 1:016x}", ROOT, "db", f"SELECT {n} FROM t{chr(97 + n)}", n * 10, n * 20 + 5) for n in range(6)]
    report(project, a_transaction(spans=spans))

    page = browser.get(TRACE).text

    assert "This trace has <b>7 spans</b>" in page
    assert f'id="s-{ROOT}"' in page
    assert f'id="s-{6:016x}"' in page
    assert f'id="s-{1:016x}"' not in page


def test_without_the_event_store_the_pages_say_so(browser, project, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("away")

    for query in ("transaction_totals", "trace_spans"):
        monkeypatch.setattr(f"vedette.events.queries.{query}", away)

    assert "The event store is restarting" in browser.get(PERFORMANCE).text
    assert "The event store is restarting" in browser.get(SUMMARY, {"transaction": "x", "project": "web"}).text
    assert browser.get(TRACE).status_code == 503


@pytest.mark.parametrize("path", ["", "summary/?transaction=/cart&project=web", f"trace/{'a' * 32}/"])
def test_strangers_to_the_organization_find_nothing(visit, stranger, project, report, a_transaction, path):
    report(project, a_transaction(spans=SPANS, event_id="7" * 32))

    assert visit(stranger).get(PERFORMANCE + path).status_code == 404
    assert visit().get(PERFORMANCE + path).status_code == 302


def test_a_trace_shows_no_project_of_another_organization(visit, stranger, browser, project, report, a_transaction):
    theirs = a_project(an_organization("third"), "secret")
    report(project, a_transaction("/mine", spans=SPANS))
    report(theirs, a_transaction("/theirs", span_id="f" * 16, event_id="7" * 32))

    page = browser.get(TRACE).text

    assert "/mine" in page
    assert "/theirs" not in page
    assert browser.get(f"{TRACE}spans/{'7' * 32}/{'f' * 16}/").status_code == 404
    assert visit(stranger).get(TRACE.replace("acme", "other")).status_code == 404


def test_a_trace_shows_no_project_that_the_visitor_does_not_reach(
    visit, organization, project, team, report, a_transaction
):
    organization.flags = 0  # closed: members reach the projects of their teams
    organization.save()
    member = visit(a_member(organization, "bob@example.com", "member"))
    report(project, a_transaction("/hidden", spans=SPANS))

    assert member.get(TRACE).status_code == 404
    assert names(member.get(PERFORMANCE).text) == []
    assert member.get(SUMMARY, {"transaction": "/hidden", "project": "web"}).status_code == 404
    assert ProjectTeam.objects.filter(project=project, team=team).exists()
