"""A colleague comes along: invited on a page, accepted in a browser of their own without scripts, and at work."""

from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.conftest import fits, raise_and_report, sign_in

PASSWORD = "a password of their own"


def test_an_owner_invites_somebody_who_accepts_and_sees_the_issues(installation, open_page):
    email, coupon = f"kim-{uuid4().hex[:8]}@example.com", f"INVITE-{uuid4().hex[:8]}"
    raise_and_report(installation.dsn, coupon)
    installation.flush()
    owner = open_page(installation.url, "phone", "dark")
    sign_in(owner, "/organizations/browsers/settings/members/")

    # Invite: the link is shown once.
    owner.get_by_label("E-mail address").fill(email)
    owner.get_by_label("Role").select_option("Member")
    owner.get_by_role("button", name="Invite").click()
    link = owner.locator("#new-link").inner_text()
    expect(owner.locator("#invitations")).to_contain_text(email)
    assert fits(owner)

    # Accept, in another browser, by keyboard and without scripts.
    kim = open_page(installation.url, "phone", "light", java_script_enabled=False)
    kim.goto(link[link.index("/accept/") :])
    expect(kim.get_by_role("heading", name="Join browsers")).to_be_visible()
    kim.get_by_label("Your name").fill("Kim")
    kim.get_by_label("Password").fill(PASSWORD)
    kim.keyboard.press("Enter")

    # The project's issues are there; a second look at the link is not.
    expect(kim.get_by_text(f"no price for {coupon}")).to_be_visible()
    kim.goto(link[link.index("/accept/") :])
    expect(kim.get_by_role("heading", name="This link leads nowhere")).to_be_visible()

    # The owner sees them, and makes a manager of them in a team of their own.
    owner.goto("/organizations/browsers/settings/members/")
    owner.get_by_role("link", name="Change Kim").last.click()
    owner.get_by_label("Role in the organization").select_option("Manager")
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_text("That is saved.")).to_be_visible()
    assert fits(owner)
    owner.get_by_role("link", name="Teams").click()
    assert fits(owner)
    owner.get_by_role("link", name="browsers", exact=True).click()
    expect(owner.get_by_role("heading", name="Projects")).to_be_visible()
    assert fits(owner)
