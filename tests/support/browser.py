"""Chromium as the tests start it: the distribution's, headless, asking nobody outside for anything."""

import os
import shutil

from playwright.sync_api import Browser, Playwright

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright: Playwright) -> Browser:
    """Start it; `VEDETTE_TEST_CHROMIUM` names another program than the one that is found."""
    program = os.environ.get("VEDETTE_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "these tests need Chromium (Debian and Ubuntu: apt-get install chromium)"
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return playwright.chromium.launch(executable_path=program, args=[*FLAGS, *sandbox])
