"""From an empty server to a resolved issue, as its owner goes: by click, at both sizes, in both schemes."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAIL, PASSWORD, fits, raise_and_report


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_set_up_report_look_resolve_undo_and_assign(own_server, open_page, size, scheme):
    page = open_page(own_server.url, size, scheme)

    # Set-up: whatever is asked for leads there.
    page.goto("/organizations/acme/issues/")
    expect(page).to_have_url(re.compile("/setup/$"))
    page.get_by_label("Organization").fill("Acme")
    page.get_by_label("Your e-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("First project").fill("shop")
    page.get_by_label("Platform").select_option("Python")
    page.get_by_role("button", name="Create the owner and the project").click()

    # The project waits, and says so, until the first event arrives by itself.
    expect(page.get_by_text("Waiting for the first event.")).to_be_visible()
    assert fits(page)
    raise_and_report(page.locator("#dsn").inner_text())
    page.get_by_role("link", name="SHOP-1").click()

    # The first screen answers what broke and where; the raising frame is open, with its variables.
    expect(page.get_by_role("heading", name="Boom", exact=True, level=1)).to_be_visible()
    raising = page.locator("details.frame[open]").first
    expect(raising).to_contain_text("in checkout")
    expect(raising.locator("li.current")).to_contain_text('raise Boom(f"no price for {coupon}')
    expect(raising.locator("dl.pairs")).to_contain_text("AUTUMN25")
    assert fits(page)
    page.locator("details.frame:not([open]) > summary").first.click()
    expect(page.locator("details.frame[open]")).to_have_count(2)

    # Resolve and take it back, without leaving.
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("Resolved SHOP-1.")).to_be_visible()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Resolve")).to_be_visible()

    # Assign from the stream.
    page.get_by_role("link", name="Issues", exact=True).click()
    row = page.locator("[data-row]")
    expect(row).to_contain_text("no price for AUTUMN25, total 43")
    assert fits(page)
    row.get_by_role("link", name="Assign").click()
    page.get_by_role("dialog").get_by_role("button", name="Me", exact=True).click()
    expect(row.get_by_role("link", name=EMAIL)).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()

    # Resolve there: the row stays, says so, offers undo.
    row.get_by_role("button", name="Resolve").click()
    expect(row.get_by_text("resolved")).to_be_visible()
    row.get_by_role("button", name="Undo").click()
    expect(row.get_by_role("button", name="Resolve")).to_be_visible()
