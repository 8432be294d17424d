"""Browsers for the journeys: Chromium at two sizes, in two colour schemes, with scripts or without."""

import re
from dataclasses import dataclass

import pytest
import sentry_sdk
from playwright.sync_api import expect, sync_playwright

from tests.support.browser import launch

EMAIL, PASSWORD = "ada@example.com", "correct horse battery 9"
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}
expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens a page on a server. Errors of our scripts and breaches of our content policy fail the test."""
    contexts, complaints = [], []

    def _open(url, size="desktop", scheme="light", **options):
        context = chromium.new_context(base_url=url, viewport=SIZES[size], color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        return page

    yield _open
    for context in contexts:
        context.close()
    assert complaints == []


@dataclass(frozen=True)
class Installation:
    """A server on which ada owns acme and its project web."""

    url: str
    dsn: str
    flush: object


@pytest.fixture(scope="session")
def installation(shared_server):
    made = shared_server.bootstrap("browsers", "web", EMAIL, PASSWORD)
    return Installation(shared_server.url, made["dsn"], shared_server.flush)


class Boom(Exception):
    """What the example application raises."""


def checkout(cart, coupon):
    """Code of the example application, so that a real stack trace has our own frame in it."""
    total = sum(cart.values())
    raise Boom(f"no price for {coupon}, total {total}")


def raise_and_report(dsn, coupon="AUTUMN25", **scope):
    """Let the real SDK report one exception."""
    client = sentry_sdk.Client(
        dsn=dsn, release="shop@1.4.0", environment="production", default_integrations=False, in_app_include=["tests"]
    )
    with sentry_sdk.isolation_scope() as current:
        current.set_client(client)
        current.set_user({"id": "7", "email": "eve@example.com"})
        current.fingerprint = [coupon]
        current.add_breadcrumb(category="cart", message="two lamps added")
        try:
            checkout({"lamp": 40, "bulb": 3}, coupon)
        except Boom:
            sentry_sdk.capture_exception(scope=current)
    client.close(timeout=10)


def sign_in(page, path="/"):
    """Sign ada in and go to `path`."""
    page.goto("/auth/login/")
    page.get_by_label("E-mail address or user name").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(re.compile("/auth/login/"))
    page.wait_for_load_state()
    page.goto(path)


def press(page, *keys):
    """Press keys, once the script that listens to them is there."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def fits(page):
    """Whether nothing sticks out to the side, once the styles are there."""
    page.wait_for_load_state()
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
