"""The crash-report dialog in a real browser, feedback and files of the real SDKs, and a crash dump from `curl`."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import VISIBLE_SECONDS, Shop
from tests.support.pages import shop_page

DUMP = b"MDMP" + bytes(200)
PATIENCE_SECONDS = 10.0  # how soon things are visible is for others to test
CURL = shutil.which("curl") or ""


def eventually(ask: Callable[[], Any]) -> Any:
    """What `ask` gives, as soon as it gives something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := ask()):
        assert time.monotonic() < deadline, f"nothing after {PATIENCE_SECONDS} s"
        time.sleep(0.05)
    return found


def wait_for_issue(shop: Shop, title: str) -> dict[str, Any]:
    return shop.wait_for_issue(title, time.monotonic() + PATIENCE_SECONDS - VISIBLE_SECONDS)


def feedback_of(shop: Shop) -> list[dict[str, Any]]:
    answer = shop.api.get(f"/api/0/projects/{shop.organization}/{shop.slug}/user-feedback/?status=")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def files_of(shop: Shop, event_id: str) -> list[dict[str, Any]]:
    answer = shop.api.get(f"/api/0/projects/{shop.organization}/{shop.slug}/events/{event_id}/attachments/")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def open_dialog(page: Page, address: str) -> Any:
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]")
    page.click("#help")
    dialog = page.locator("[data-crash-report-dialog] dialog")
    dialog.wait_for()
    return dialog


def test_the_dialog_of_the_browser_sdk_asks_and_sends(open_shop, chromium: Browser):
    shop: Shop = open_shop("dialog")
    complaints: list[str] = []

    with shop_page(shop.dsn) as address:
        page = chromium.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        dialog = open_dialog(page, address)
        assert dialog.get_by_role("heading").inner_text() == "Where is the basket?"
        assert dialog.get_by_label("Name").input_value() == "Kim"
        dialog.get_by_label("Email").fill("kim@example.org")
        dialog.get_by_label("What happened?").fill("I pressed “Buy” <twice>.")
        dialog.get_by_role("button", name="Submit crash report").click()
        dialog.get_by_text("Your feedback has been sent. Thank you!").wait_for()
        dialog.get_by_role("button", name="Close").click()
        page.wait_for_selector("body[data-dialog=closed]")
        assert page.locator("[data-crash-report-dialog]").count() == 0
        page.close()

    issue = wait_for_issue(shop, "Error: the basket is gone")
    [said] = eventually(lambda: [one for one in feedback_of(shop) if one["issue"]])
    assert (said["name"], said["email"], said["comments"]) == ("Kim", "kim@example.org", "I pressed “Buy” <twice>.")
    assert said["issue"]["id"] == issue["id"]
    assert said["eventID"] == shop.latest_event(issue)["eventID"]
    assert "I pressed “Buy” &lt;twice&gt;." in shop.issue_page(issue)
    listed = shop.pages.get(f"/organizations/{shop.organization}/feedback/?project={shop.slug}")
    assert "I pressed “Buy” &lt;twice&gt;." in listed.text
    assert complaints == []


def test_the_dialog_says_what_is_wrong_and_keeps_what_was_written(open_shop, chromium: Browser):
    shop: Shop = open_shop("dialog-wrong")

    with shop_page(shop.dsn) as address:
        page = chromium.new_page()
        dialog = open_dialog(page, address)
        dialog.get_by_label("Email").fill("kim@localhost")  # what a browser takes for an address
        dialog.get_by_label("What happened?").fill("it broke")
        dialog.get_by_role("button", name="Submit crash report").click()
        dialog.get_by_text("Some fields were invalid.").wait_for()

        assert dialog.get_by_text("Enter a valid email address.").is_visible()
        assert dialog.get_by_label("What happened?").input_value() == "it broke"
        page.keyboard.press("Escape")
        page.wait_for_selector("body[data-dialog=closed]")
        page.close()

    assert feedback_of(shop) == []


def test_feedback_of_the_browser_sdk_is_on_the_feedback_page(open_shop, chromium: Browser):
    shop: Shop = open_shop("feedback")

    with shop_page(shop.dsn) as address:
        page = chromium.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]")
        page.click("#tell")
        [said] = eventually(lambda: feedback_of(shop))
        page.close()

    assert (said["comments"], said["name"], said["email"]) == ("The lamps are lovely", "Ann", "ann@example.org")
    listed = shop.pages.get(f"/organizations/{shop.organization}/feedback/?project={shop.slug}")
    assert "The lamps are lovely" in listed.text


def test_files_of_the_python_sdk_come_with_their_event(open_shop):
    shop: Shop = open_shop("python-files")

    told = subprocess.run(
        [sys.executable, "with_files.py"],
        cwd=Path(__file__).parent / "apps",
        env={**os.environ, "SENTRY_DSN": shop.dsn},
        capture_output=True,
        text=True,
        check=True,
    )
    event_id = told.stdout.strip()
    issue = wait_for_issue(shop, "with files")

    files = {one["name"]: one for one in files_of(shop, event_id)}
    assert {name: (one["size"], one["mimetype"]) for name, one in files.items()} == {
        "shop.txt": (18, "text/plain"),
        "shot.png": (72, "image/png"),
    }
    path = f"/api/0/projects/{shop.organization}/{shop.slug}/events/{event_id}/attachments/{files['shop.txt']['id']}/"
    assert shop.api.get(f"{path}?download").body == b"line one\nline two\n"
    html = shop.issue_page(issue)
    assert "shop.txt" in html
    [source] = [part.split('"')[0] for part in html.split('<img src="')[1:]]
    shown = shop.pages.get(source)
    assert (shown.status, shown.headers["content-type"], len(shown.body)) == (200, "image/png", 72)
    [said] = eventually(lambda: feedback_of(shop))
    assert (said["comments"], said["email"], said["eventID"]) == ("The picture shows it.", "kim@example.com", event_id)
    assert said["issue"]["id"] == issue["id"]


@pytest.mark.skipif(not CURL, reason="there is no curl")
def test_a_crash_dump_from_curl_is_an_issue_with_its_dump(open_shop, tmp_path: Path):
    shop: Shop = open_shop("native")
    path = f"/api/0/projects/{shop.organization}/{shop.slug}/"
    changed = shop.api.request("PUT", path, b'{"storeCrashReports": 5}', {"Content-Type": "application/json"})
    assert changed.status == 200, changed.text
    (tmp_path / "crash.dmp").write_bytes(DUMP)
    (tmp_path / "game.log").write_bytes(b"last words")
    time.sleep(2.1)  # settings take hold within two seconds

    dsn = urlsplit(shop.dsn)
    answer = subprocess.run(
        [
            *(CURL, "--silent", "--show-error", "--fail-with-body"),
            *("--form", f"upload_file_minidump=@{tmp_path / 'crash.dmp'}"),
            *("--form", f"log=@{tmp_path / 'game.log'}"),
            *("--form", 'sentry={"release":"game@1.0"}', "--form", "sentry[user][id]=7", "--form", "level_number=3"),
            f"http://{dsn.hostname}:{dsn.port}/api/{shop.project_id}/minidump/?sentry_key={dsn.username}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    issue = wait_for_issue(shop, "Minidump: Invalid Minidump")

    event = shop.latest_event(issue)
    assert event["eventID"] == answer.stdout.replace("-", "")
    assert (issue["level"], issue["platform"], issue["isUnhandled"]) == ("fatal", "native", True)
    assert (event["release"]["version"], event["user"]["id"], event["context"]) == (
        "game@1.0",
        "7",
        {"level_number": "3"},
    )
    assert [(one["name"], one["type"], one["size"]) for one in files_of(shop, event["eventID"])] == [
        ("crash.dmp", "event.minidump", len(DUMP)),
        ("game.log", "event.attachment", 10),
    ]
