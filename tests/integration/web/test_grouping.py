"""Why an event is in its issue, and the rules of a project."""

import pytest

from tests.support.factories import a_member
from vedette.orgs.models import AuditLogEntry
from vedette.projects.models import ProjectOption
from vedette.projects.options import (
    FINGERPRINTING_RULES,
    GROUPING_CONFIG,
    GROUPING_ENHANCEMENTS,
    get_option,
    set_option,
)

pytestmark = pytest.mark.django_db
RULES = "/organizations/acme/projects/web/grouping/"
LATEST = "/organizations/acme/issues/WEB-1/events/latest/"


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def post(browser, do="save", fingerprinting="", enhancements="", **more):
    texts = {"fingerprintingRules": fingerprinting, "groupingEnhancements": enhancements}
    return browser.post(RULES, {"do": do, **texts, **more})


def test_the_page_of_an_event_leads_to_the_reasons(browser, project, report, an_error):
    report(project, an_error())

    page = browser.get(LATEST).text
    link = page[: page.index('">Why is this event in this issue?</a>')].rpartition('"')[2]

    assert browser.get(link).status_code == 200


def test_the_reasons_name_what_counts_and_what_does_not(browser, project, report, an_error):
    report(project, an_error())

    page = browser.get(f"{LATEST}grouping/").text

    assert "Its stack trace decides: events with the same in-app frames, or all frames, belong together." in page
    assert page.count("leads to <b>this issue</b>") == 2
    assert '<code class="on">shop.checkout</code>' in page
    assert '<code class="out" title="the module is used instead">checkout.py</code>' in page
    assert "the stack trace says more" in page
    assert '<span class="hint">not in-app</span>' in page
    assert "newstyle:2026-01-20" in page


def test_the_rules_that_were_in_force_explain_an_event_after_they_changed(browser, project, report, an_error):
    post(browser, fingerprinting="error.type:ValueError -> bad-value", enhancements="module:shop.* -group")
    report(project, an_error())
    post(browser, fingerprinting="error.type:Other -> other")

    page = browser.get(f"{LATEST}grouping/").text

    assert "A fingerprint rule decides" in page
    assert "Line 1 of the project" in page
    assert "<code>error.type:ValueError -&gt; bad-value</code>" in page
    assert "does not count by rule: module:shop.* -group" in page
    assert "Grouped now, this event gets other hashes" not in page


def test_an_event_whose_rules_are_no_longer_kept_says_so(browser, project, report, an_error):
    post(browser, fingerprinting="error.type:ValueError -> bad-value")
    report(project, an_error())
    ProjectOption.objects.filter(project=project).delete()

    page = browser.get(f"{LATEST}grouping/").text

    assert "The rules that it was grouped by are no longer kept" in page
    assert "not the stored hash" in page


def test_hostile_names_are_only_text(browser, project, report, an_error):
    report(project, an_error("<script>alert(1)</script>", function="<img src=x>"))

    page = browser.get(f"{LATEST}grouping/").text

    assert "<script>alert" not in page
    assert "<img src" not in page


def test_rules_are_saved_and_told_to_the_audit_log(browser, project):
    answer = post(browser, fingerprinting="type:A -> a\r\ntype:B -> b", enhancements="function:x -app")

    assert answer.status_code == 302
    assert get_option(project, FINGERPRINTING_RULES) == "type:A -> a\ntype:B -> b"
    assert get_option(project, GROUPING_ENHANCEMENTS) == "function:x -app"
    assert AuditLogEntry.objects.get().data["changed"] == ["fingerprintingRules", "groupingEnhancements"]


@pytest.mark.parametrize("do", ["save", "preview"])
def test_a_mistake_is_shown_where_it_is_and_nothing_is_half_saved(browser, project, do):
    answer = post(browser, do, fingerprinting="# fine\ntype:A -> a\ntipe:B -> b", enhancements="function:x -app")

    assert answer.status_code == 400
    assert "<b>Line 3, column 1:</b> unknown key &#x27;tipe&#x27;" in answer.text
    assert "<mark>tipe:B -&gt; b</mark>" in answer.text
    assert "function:x -app" in answer.text
    assert not ProjectOption.objects.filter(project=project).exists()


def test_the_preview_tells_what_would_come_together_and_saves_nothing(browser, project, report, an_error):
    report(project, an_error("DbDown", function="one"), an_error("DbDown", function="two"), an_error("Other"))

    page = post(browser, "preview", fingerprinting="type:DbDown -> db-down", events="300").text

    assert "<b>2</b> of the newest 3 events would be grouped otherwise: 1 merge, 0 splits, 0 issues" in page
    assert "Would come together" in page
    assert "new issue" in page
    assert '<option value="300" selected>' in page
    assert get_option(project, FINGERPRINTING_RULES) == ""


def test_a_preview_without_the_event_store_keeps_the_text(browser, project):
    answer = post(browser, "preview", fingerprinting="type:DbDown -> db-down")

    assert "The event store is restarting" in answer.text
    assert "type:DbDown -&gt; db-down" in answer.text


def test_an_upgrade_is_offered_and_begins_a_transition(browser, project):
    set_option(project, GROUPING_CONFIG, "newstyle:2023-01-11")
    before = browser.get(RULES).text

    answer = browser.post(RULES, {"do": "upgrade"}, follow=True).text

    assert ">Upgrade</button>" in before
    assert "issues stay what they are" in answer
    assert "are also looked for under <code>newstyle:2023-01-11</code>" in answer
    assert get_option(project, GROUPING_CONFIG) == "newstyle:2026-01-20"
    assert "This is the newest version already." in browser.post(RULES, {"do": "upgrade"}, follow=True).text


def test_who_may_only_look_sees_the_rules_and_cannot_change_them(visit, organization, project):
    viewer = visit(a_member(organization, "bob@example.com", "member"))
    set_option(project, FINGERPRINTING_RULES, "type:A -> a")

    answer = viewer.get(RULES)

    assert 'autocomplete="off" wrap="off" placeholder' in answer.text
    assert " readonly" in answer.text
    assert ">Save the rules</button>" not in answer.text
    assert viewer.post(RULES, {"do": "save"}).status_code == 403
    assert get_option(project, FINGERPRINTING_RULES) == "type:A -> a"


def test_strangers_find_nothing(visit, stranger, project, report, an_error):
    report(project, an_error())
    browser = visit(stranger)

    assert browser.get(RULES).status_code == 404
    assert post(browser, fingerprinting="type:A -> a").status_code == 404
    assert browser.get(f"{LATEST}grouping/").status_code == 404
