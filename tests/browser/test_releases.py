"""The life of a fix: an error, the commit that fixes it, the release that holds, and the one in which it is back."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
import sentry_sdk
from playwright.sync_api import expect

from tests.browser.conftest import EMAIL, PASSWORD, fits, sign_in
from tests.support.server import ROOT
from vedette.core import clock


class Shop:
    """An organization of its own that ada owns, with its project web."""

    def __init__(self, server, slug):
        made = server.bootstrap(slug, "web", EMAIL, PASSWORD)
        self.slug, self.home = slug, f"/organizations/{slug}/"
        self.issues, self.releases = f"{self.home}issues/", f"{self.home}releases/"
        self.review = f"{self.issues}?query=is:for_review"
        self.server, self.dsn, self.token = server, made["dsn"], made["org_auth_token"]
        self.api = server.api(made["org_auth_token"])

    def fail_in(self, version, environment="production"):
        """One error of this version, as the SDK reports it; digested when this returns."""
        client = sentry_sdk.Client(dsn=self.dsn, release=version, environment=environment, default_integrations=False)
        with sentry_sdk.isolation_scope() as scope:
            scope.set_client(client)
            try:
                raise RuntimeError("the coupon is gone")
            except RuntimeError:
                sentry_sdk.capture_exception(scope=scope)
        client.close(timeout=10)
        self.server.flush()

    def release(self, version, **said):
        """What a pipeline says of a release."""
        answer = self.api.post_json(f"/api/0{self.releases}", {"version": version, "projects": ["web"], **said})
        assert answer.status in (201, 208), answer.text

    def gate(self, version):
        """What `vedette releases gate` answers a pipeline: its exit status and what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "vedette", "releases", "gate", version, "--max-regressed-issues", "0"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "SENTRY_URL": self.server.url,
                "SENTRY_AUTH_TOKEN": self.token,
                "SENTRY_ORG": self.slug,
                "SENTRY_PROJECT": "web",
            },
            cwd=self.server.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def shop(shared_server):
    return Shop(shared_server, f"fixes-{uuid4().hex[:8]}")


def test_a_fix_holds_in_older_releases_and_an_issue_that_is_back_stops_the_next_one(shop, open_page):
    page = open_page(shop.server.url)
    row = page.locator("[data-row]")

    # An error of 1.0.0: it waits to be looked at.
    shop.fail_in("1.0.0")
    sign_in(page, shop.review)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("WEB-1")

    # A commit says that it fixes it; 1.1.0 contains the commit, and is deployed.
    commit = {
        "id": "c0ffee" * 6,
        "repository": "acme/web",
        "author_name": "Grace Hopper",
        "author_email": "grace@example.com",
        "message": "Keep the coupon when the session ends\n\nFixes WEB-1",
        "timestamp": (clock.now() - timedelta(minutes=5)).isoformat(),
        "patch_set": [{"path": "shop/cart.py", "type": "M"}],
    }
    shop.release("1.1.0", commits=[commit])
    deploys = f"/api/0{shop.releases}1.1.0/deploys/"
    assert shop.api.post_json(deploys, {"environment": "production"}).status == 201

    # It is resolved in 1.1.0, and waits no longer.
    page.reload()
    expect(page.get_by_role("heading", name="Nothing waits for review")).to_be_visible()
    page.goto(f"{shop.issues}WEB-1/")
    standing = page.locator(".standing")
    expect(standing).to_contain_text("Fixed in 1.1.0 by commit c0ffeec0ffee")
    expect(standing).to_contain_text("in production since")
    again = page.locator("#comes-back")
    expect(again).to_contain_text("An event of 1.1.0, or of a release that came after it, brings it back.")
    expect(again.locator("li", has_text="1.0.0")).to_contain_text("stays resolved")
    again.get_by_label("Version of an event").fill("1.2.0")
    again.get_by_role("button", name="Would it come back?").click()
    expect(page.get_by_role("status")).to_contain_text("comes back with an event of 1.2.0")

    # The release says what it brought and fixed, and whom to ask.
    page.locator(".standing").get_by_role("link", name="1.1.0").click()
    expect(page.get_by_role("heading", name="1.1.0", level=1)).to_be_visible()
    answers = page.locator(".answers")
    expect(answers).to_contain_text("1 commit")
    expect(answers).to_contain_text("1 issue")
    expect(answers).to_contain_text("Nothing new")
    expect(answers).to_contain_text("Grace Hopper")
    assert fits(page)

    # Again in 1.0.0: it stays resolved.
    shop.fail_in("1.0.0")
    page.goto(f"{shop.issues}WEB-1/")
    expect(page.locator(".facts")).to_contain_text("2 in 14d")
    expect(page.locator(".standing")).to_contain_text("Fixed in 1.1.0")
    page.goto(shop.review)
    expect(row).to_have_count(0)

    # In 1.2.0: it is back, waits again, and its history tells.
    shop.fail_in("1.2.0")
    page.goto(shop.review)
    expect(row).to_contain_text("WEB-1")
    expect(row).to_contain_text("regressed")
    row.locator("[data-open]").click()
    expect(page.locator(".standing")).to_contain_text("it came back")
    history = page.locator(".history li")
    expect(history.nth(0)).to_contain_text("Came back in 1.2.0; it was resolved in 1.1.0")
    expect(history.filter(has_text="Resolved in 1.1.0 by commit c0ffeec0ffee")).to_have_count(1)
    history.nth(0).get_by_role("link", name="1.2.0").click()
    expect(page.locator(".answers")).to_contain_text("1 came back")
    page.get_by_role("link", name=re.compile("Came back")).first.click()
    expect(page.locator("#issues")).to_contain_text("WEB-1")
    expect(page.locator("#activity")).to_contain_text("came back in it")

    # The pipeline of 1.2.0 stops for that reason, and that of 1.1.0 does not.
    status, said = shop.gate("1.2.0")
    assert status == 1, said
    assert "1 issue is back in this release" in said
    assert "WEB-1" in said
    assert shop.gate("1.1.0")[0] == 0

    # Somebody looks at it, and resolves it in what comes next.
    page.goto(f"{shop.issues}WEB-1/")
    page.get_by_role("button", name="Mark reviewed").click()
    expect(page.get_by_text("Reviewed WEB-1.")).to_be_visible()
    expect(page.get_by_role("button", name="Mark reviewed")).to_have_count(0)
    page.get_by_label("More ways to resolve").click()
    page.get_by_role("button", name="In the next release").click()
    expect(page.get_by_text("Resolved WEB-1 in the next release.")).to_be_visible()
    expect(page.locator(".standing")).to_contain_text("Fixed in the release after 1.2.0")
    shop.release("1.3.0")
    page.goto(f"{shop.releases}1.3.0/?issues=resolved")
    expect(page.locator("#issues")).to_contain_text("WEB-1")


@pytest.mark.parametrize(("size", "scheme", "scripts"), [("phone", "dark", True), ("desktop", "light", False)])
def test_a_release_is_chosen_from_the_menu(shop, open_page, size, scheme, scripts):
    page = open_page(shop.server.url, size, scheme, java_script_enabled=scripts)
    for version in ("shop@1.0.0", "shop@1.1.0", "shop@1.2.0"):
        shop.release(version)
    shop.fail_in("shop@1.2.0")
    sign_in(page, f"{shop.issues}WEB-1/")

    page.get_by_label("More ways to resolve").click()
    page.get_by_role("link", name="In another release, or by a commit").click()
    search = page.get_by_role("searchbox", name="Version, or words of a commit")
    search.fill("1.1")
    if not scripts:
        page.get_by_role("button", name="Search").click()
    choices = page.locator("#choices")
    expect(choices.get_by_role("button")).to_have_count(1)
    choices.get_by_role("button", name="shop@1.1.0").click()

    expect(page.get_by_text("Resolved WEB-1 in shop@1.1.0.")).to_be_visible()
    expect(page.locator(".standing")).to_contain_text("Fixed in shop@1.1.0")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("More ways to archive")).to_be_visible()
    page.get_by_label("More ways to archive").click()
    page.get_by_role("link", name="Until a condition is met").click()
    page.get_by_label("It happens so often").fill("5")
    page.get_by_role("button", name="Archive", exact=True).last.click()
    expect(page.locator(".standing")).to_contain_text("Archived until 5 events more")
    if scripts:
        assert fits(page)


def test_no_page_of_releases_sticks_out_on_a_phone(shop, open_page):
    shop.release("shop@1.0.0")
    shop.release("shop@1.1.0-" + "long" * 40)
    shop.fail_in("shop@1.0.0", environment="e" * 64)
    page = open_page(shop.server.url, "phone", "dark")
    sign_in(page, shop.releases)

    for path in (
        shop.issues,
        f"{shop.home}performance/",
        shop.releases,
        f"{shop.releases}shop@1.0.0/",
        f"{shop.releases}shop@1.1.0-{'long' * 40}/",
        f"{shop.releases}shop@1.0.0/commits/",
        f"{shop.releases}shop@1.0.0/health/",
        f"{shop.home}compare-releases/?a=shop@1.0.0&b=shop@1.1.0-{'long' * 40}",
        f"{shop.home}projects/web/releases/",
    ):
        page.goto(path)
        assert fits(page), path
