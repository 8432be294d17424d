"""An owner takes an organization away and brings others in; who runs the server approves them; their people come in."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAIL, PASSWORD, fits, sign_in
from tests.support.server import LiveServer

TWINS = Path(__file__).parents[1] / "data" / "relocation" / "duplicate-username-and-organization-slug.json"
PATIENCE = 60_000  # the job looks for work every two seconds, on a busy machine later


@pytest.fixture(scope="module")
def server():
    with LiveServer() as made:
        made.bootstrap("acme", "web", EMAIL, PASSWORD)
        yield made


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_an_organization_goes_out_and_others_come_in(server, open_page, size, tmp_path):
    page = open_page(server.url, size)
    sign_in(page)
    page.goto("/organizations/acme/settings/relocation/")
    assert fits(page)

    page.get_by_role("button", name="Start the export").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=PATIENCE)
    assert fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    rows = json.loads(Path(download.value.path()).read_text())
    assert "acme" in {row["fields"].get("slug") for row in rows}

    page.goto("/organizations/acme/settings/relocation/")
    page.get_by_label("File", exact=True).set_input_files(TWINS)
    page.get_by_role("button", name="Upload, and show what would be done").click()
    expect(page.get_by_role("button", name="Import this")).to_be_visible(timeout=PATIENCE)
    assert fits(page)
    page.get_by_role("button", name="Import this").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE)
    slug = page.locator("#move b + .quiet").first.inner_text()
    assert page.goto(f"/organizations/{slug}/issues/").status == 404
    page.go_back()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("It is approved: its members see it.")).to_be_visible()
    assert page.goto(f"/organizations/{slug}/issues/").status == 200


def test_who_came_with_it_claims_their_account(server, open_page):
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "import", "users", str(TWINS), "--merge-users", "--silent"],
        env=server.environment,
        check=False,
    )
    assert done.returncode == 0
    link = subprocess.run(
        [sys.executable, "-m", "vedette", "claims", "link", "testing@example.com"],
        env=server.environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    page = open_page(server.url, "phone")

    page.goto(link[link.index("/account/") :])
    assert fits(page)
    page.get_by_label("Password").fill("quite a long password")
    page.get_by_role("button", name="Claim the account and sign in").click()

    expect(page).to_have_url(re.compile("/organizations/testing"))
    page.goto(link[link.index("/account/") :])
    expect(page.get_by_text("This link is not good any more")).to_be_visible()
