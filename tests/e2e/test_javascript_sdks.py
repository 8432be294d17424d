"""The real `@sentry/node` in Express, and the real `@sentry/browser` in Chromium."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Shop, frames_of, tags_of
from tests.support.apps import running_app
from tests.support.pages import shop_page

CLIENTS = Path(__file__).parent / "clients"
NODE = shutil.which("node") or ""


def _node_version() -> tuple[int, ...]:
    if not NODE:
        return (0,)
    text = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().removeprefix("v").split("."))


@pytest.mark.parametrize(
    "package",
    [
        pytest.param(
            "@sentry/node",
            id="11",
            marks=pytest.mark.skipif(_node_version() < (20, 19), reason="it wants Node.js 20.19"),
        ),
        pytest.param("sentry-node-10", id="10"),
    ],
)
def test_an_exception_in_express_is_an_issue_with_its_frames(open_shop, package):
    shop: Shop = open_shop(f"express-{package[-2:].strip('/de') or '11'}")
    environment = {"SENTRY_DSN": shop.dsn, "SENTRY_PACKAGE": package}

    with running_app(shop.server, [NODE, "express_app.js"], environment, CLIENTS) as app:
        raised = time.monotonic()
        assert app.get("/price/lamp").status == 500
        issue = shop.wait_for_issue("BasketError: no price for lamp", raised)

    assert issue["level"] == "error"
    assert issue["platform"] == "node"
    assert issue["culprit"] in ("GET /price/lamp", "GET /price/:article")  # the SDK names the route if it traces
    assert issue["metadata"]["function"] == "priceOf"
    event = shop.latest_event(issue)
    last = frames_of(event)[-1]
    assert (last["function"], last["inApp"], Path(last["filename"]).name) == ("priceOf", True, "express_app.js")
    assert "throw new BasketError(`no price for ${article}`);" in [line.strip() for _, line in last["context"]]
    assert any("node_modules" in frame["filename"] and not frame["inApp"] for frame in frames_of(event))
    tags = tags_of(event)
    assert (tags["release"], tags["environment"]) == ("shop@3.1.0", "canary")
    page = shop.issue_page(issue)
    assert "priceOf" in page
    assert "no price for lamp" in page


def test_an_exception_in_a_browser_is_an_issue_with_its_frames(open_shop, chromium: Browser):
    shop: Shop = open_shop("browser")
    complaints: list[str] = []

    with shop_page(shop.dsn) as address:
        page = chromium.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]")
        raised = time.monotonic()
        page.click("#buy")
        issue = shop.wait_for_issue("TypeError: Cannot read properties of undefined (reading 'length')", raised)
        page.close()

    assert not [line for line in complaints if "CORS" in line or "Failed to load" in line], complaints
    assert (issue["level"], issue["platform"]) == ("error", "javascript")
    assert issue["culprit"].startswith("totalOf(")
    assert issue["isUnhandled"] is True
    event = shop.latest_event(issue)
    last = frames_of(event)[-1]
    assert last["function"] == "totalOf"
    assert last["absPath"].endswith("/page.js")
    assert last["inApp"] is True
    tags = tags_of(event)
    assert (tags["release"], tags["environment"]) == ("shop@5.0.0", "preview")
    assert tags["browser.name"] == "HeadlessChrome" or "Chrome" in tags["browser.name"]
    assert tags["url"] == address
    assert "totalOf" in shop.issue_page(issue)
