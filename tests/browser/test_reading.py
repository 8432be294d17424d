"""Reading and acting in other ways: by keyboard only, without scripts, several at once, in a chosen colour scheme."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import fits, press, raise_and_report, sign_in

STREAM = "/organizations/browsers/issues/"


@pytest.fixture
def two_issues(installation):
    """Two fresh issues; gives a text that finds just these."""
    word = f"X{uuid4().hex[:10]}"
    raise_and_report(installation.dsn, f"{word} first")
    raise_and_report(installation.dsn, f"{word} second")
    installation.flush()
    return word


def test_by_keyboard_alone(installation, open_page, two_issues):
    page = open_page(installation.url)
    sign_in(page, f"{STREAM}?query=is:unresolved+{two_issues}")
    rows = page.locator("[data-row]")

    press(page, "j", "j")
    expect(rows.nth(1)).to_have_class(re.compile("current"))
    press(page, "k")
    expect(rows.nth(0).locator("a[data-open]")).to_be_focused()
    press(page, "r")
    expect(rows.nth(0).get_by_text("resolved")).to_be_visible()
    press(page, "u")
    expect(rows.nth(0).get_by_role("button", name="Resolve")).to_be_visible()
    press(page, "a")
    expect(page.get_by_role("dialog").get_by_role("button", name="Me", exact=True)).to_be_focused()
    press(page, "Enter")
    expect(rows.nth(0).get_by_role("link", name="ada@example.com")).to_be_visible()
    press(page, "j")
    press(page, "i")
    expect(rows.nth(1).get_by_text("archived")).to_be_visible()
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press(page, "Escape")
    press(page, "/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    press(page, "Escape")
    press(page, "k")
    press(page, "o")
    expect(page.get_by_role("heading", name="Boom", level=1)).to_be_visible()


def test_older_and_newer_events_by_key(installation, open_page):
    word = f"X{uuid4().hex[:10]}"
    for _ in range(2):
        raise_and_report(installation.dsn, word)
    installation.flush()
    page = open_page(installation.url)
    sign_in(page, f"{STREAM}?query={word}")
    page.locator("[data-open]").click()
    newest = page.locator(".event-bar a.mono").get_attribute("href")

    press(page, "h")
    expect(page.locator(".event-bar a.mono")).not_to_have_attribute("href", newest)
    press(page, "l")
    expect(page.locator(".event-bar a.mono")).to_have_attribute("href", newest)
    page.go_back()
    expect(page.locator(".event-bar a.mono")).not_to_have_attribute("href", newest)


def test_several_issues_at_once(installation, open_page, two_issues):
    page = open_page(installation.url)
    sign_in(page, f"{STREAM}?query=is:unresolved+{two_issues}")

    page.get_by_label("Select all issues on this page").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("group", name="With the selected issues").get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("Archived 2 issues.")).to_be_visible()
    expect(page.locator("[data-row]").get_by_text("archived")).to_have_count(2)
    page.locator("#said").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: 2 issues.")).to_be_visible()
    page.get_by_role("group", name="With the selected issues").get_by_role("button", name="Assign").click()
    expect(page.get_by_role("heading", name="Assign 2 issues")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "dark"), ("phone", "light")])
def test_without_scripts_one_reads_filters_acts_and_undoes(installation, open_page, two_issues, size, scheme):
    page = open_page(installation.url, size, scheme, java_script_enabled=False)
    sign_in(page, STREAM)

    page.get_by_role("searchbox").fill(f"{two_issues} second")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile("query=is%3Aunresolved"))
    row = page.locator("[data-row]")
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text(re.compile(r"Resolved WEB-\w+\."))).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(re.compile(r"Undone: WEB-\w+\."))).to_be_visible()
    row.get_by_role("link", name="Assign").click()
    page.get_by_role("button", name="Me", exact=True).click()
    expect(row.get_by_role("link", name="ada@example.com")).to_be_visible()
    row.locator("a[data-open]").click()
    expect(page.locator("details.frame[open] li.current").first).to_contain_text("raise Boom")
    page.locator("details.run > summary, details.frame:not([open]) > summary").first.click()
    page.get_by_role("link", name="JSON").click()
    expect(page.locator("body")).to_contain_text('"exception"')


def test_a_number_leads_to_the_rows_behind_it(installation, open_page, two_issues):
    page = open_page(installation.url)
    sign_in(page, f"{STREAM}?query={two_issues}+first")
    page.locator("[data-open]").click()

    page.locator(".facts").get_by_role("link", name="1", exact=True).first.click()
    expect(page.get_by_role("heading", name="Events")).to_be_visible()
    page.go_back()
    page.locator(".event-facts").get_by_role("link", name="shop@1.4.0").click()
    expect(page.get_by_role("searchbox")).to_have_value("release:shop@1.4.0")
    expect(page.locator("[data-row]").first).to_be_visible()


def test_the_colour_scheme_can_be_chosen_and_stays(installation, open_page):
    page = open_page(installation.url)
    sign_in(page, STREAM)
    surface = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(surface)

    page.get_by_text("ada@example.com").first.click()
    page.get_by_role("button", name="Colours: dark").click()
    dark = page.evaluate(surface)
    page.reload()

    assert dark != light
    assert page.evaluate(surface) == dark


def test_on_a_phone_the_bar_shows_where_one_is(installation, open_page):
    page = open_page(installation.url, "phone")
    sign_in(page, "/organizations/browsers/projects/")

    expect(page.locator(".top nav [aria-current]")).to_have_text("Projects")
    expect(page.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=1)


def test_no_page_sticks_out_on_a_phone(installation, open_page, two_issues):
    page = open_page(installation.url, "phone")
    sign_in(page, STREAM)
    issue = page.locator("[data-open]").first.get_attribute("href")

    for path in (
        STREAM,
        issue,
        f"{issue}events/",
        f"{issue}tags/user/",
        "/organizations/browsers/projects/",
        "/organizations/browsers/projects/web/",
        "/organizations/browsers/settings/members/",
        "/organizations/browsers/settings/auth-tokens/",
        "/settings/account/details/",
        "/settings/account/api/auth-tokens/",
    ):
        page.goto(path)
        assert fits(page), path
