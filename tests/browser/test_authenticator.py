"""An authenticator app, from scanning to the day the phone is gone: on a phone, in the dark."""

import base64
import re
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import expect

from tests.browser.conftest import fits

NAME, PASSWORD = "ben@example.com", "a horse that nobody guesses"


def code_of(secret, steps=0):
    """What the app shows, or will show some steps of thirty seconds from now."""
    app = TOTP(base64.b32decode(secret.replace(" ", "")), 6, SHA1(), 30, enforce_key_length=False)
    return app.generate(int(time.time()) + 30 * steps).decode()


def give_password(page):
    page.goto("/auth/login/")
    page.get_by_label("E-mail address or user name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_an_app_is_set_up_and_asked_for_and_a_recovery_code_replaces_it(shared_server, installation, open_page):
    shared_server.command("createuser", "--email", NAME, "--password", PASSWORD, "--org", "browsers")
    page = open_page(installation.url, "phone", "dark")
    give_password(page)
    expect(page).not_to_have_url(re.compile("/auth/login/"))

    # Setting up: the picture is drawn, and a code with the password confirms it.
    page.goto("/settings/account/security/")
    page.get_by_role("link", name="Set up an app").click()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    assert fits(page)
    secret = page.locator("#app-secret").inner_text()
    page.get_by_label("Code that the app shows").fill(code_of(secret))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Ask me for codes from now on").click()

    # Recovery codes are shown once, and can be kept as a file.
    codes = page.locator("#recovery-codes").inner_text().split()
    assert len(codes) == 10
    assert fits(page)
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download as text").click()
    assert kept.value.suggested_filename == "vedette-recovery-codes.txt"
    assert kept.value.path().read_text().split("\n")[2:12] == codes
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()
    assert fits(page)

    # With the app, where scripts are off.
    elsewhere = open_page(installation.url, java_script_enabled=False)
    give_password(elsewhere)
    elsewhere.get_by_label("Code of your authenticator app").fill(code_of(secret, 1))
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere).to_have_url(re.compile("/organizations/browsers/issues/"))

    # Without it.
    lost = open_page(installation.url, "phone")
    give_password(lost)
    lost.get_by_role("link", name="Use a recovery code").click()
    lost.get_by_label("Recovery code").fill(codes[0].lower())
    assert fits(lost)
    lost.get_by_role("button", name="Sign in").click()
    expect(lost.get_by_text("That recovery code is used up; 9 are left.")).to_be_visible()
