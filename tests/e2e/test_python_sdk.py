"""The real `sentry-sdk` in real web applications."""

import sys
import time
from html import escape
from pathlib import Path

import pytest

from tests.e2e.conftest import Shop, entry, frames_of, tags_of
from tests.support.apps import running_app

APPS = Path(__file__).parent / "apps"


def test_an_exception_in_flask_is_an_issue_with_its_frames(open_shop):
    shop: Shop = open_shop("flask")

    with running_app(shop.server, [sys.executable, "flask_app.py"], {"SENTRY_DSN": shop.dsn}, APPS) as app:
        raised = time.monotonic()
        assert app.get("/order/lamp?colour=red").status == 500
        issue = shop.wait_for_issue("OutOfStock: lamp: 3 wanted, 0 left", raised)

    assert (issue["culprit"], issue["level"], issue["count"], issue["userCount"]) == ("order", "error", "1", 1)
    assert issue["metadata"]["filename"] == "flask_app.py"
    assert issue["metadata"]["function"] == "reserve"
    assert issue["isUnhandled"] is True
    event = shop.latest_event(issue)
    frames = frames_of(event)
    assert [(frame["function"], frame["filename"], frame["inApp"]) for frame in frames[-2:]] == [
        ("order", "flask_app.py", True),
        ("reserve", "flask_app.py", True),
    ]
    assert [line.strip() for number, line in frames[-1]["context"] if number == frames[-1]["lineNo"]] == [
        'raise OutOfStock(f"{article}: {wanted} wanted, {left} left")'
    ]
    assert frames[-1]["vars"]["wanted"] == "3"
    assert any(frame["module"].startswith("flask.") and not frame["inApp"] for frame in frames)
    tags = tags_of(event)
    assert (tags["release"], tags["environment"], tags["level"]) == ("shop@1.4.0", "staging", "error")
    assert tags["warehouse"] == "north"
    assert event["user"]["id"] == "17"
    assert event["release"]["version"] == "shop@1.4.0"
    assert [crumb["message"] for crumb in entry(event, "breadcrumbs")["values"]] == ["one lamp added"]
    assert entry(event, "request")["url"].endswith("/order/lamp")
    assert entry(event, "request")["query"] == [["colour", "red"]]


def test_the_pages_show_what_broke_and_where(open_shop):
    shop: Shop = open_shop("flask-pages")
    title = "OutOfStock: lamp: 3 wanted, 0 left"

    with running_app(shop.server, [sys.executable, "flask_app.py"], {"SENTRY_DSN": shop.dsn}, APPS) as app:
        app.get("/order/lamp")
        issue = shop.wait_for_issue(title)
    stream, page = shop.stream_page(), shop.issue_page(issue)

    assert "OutOfStock" in stream
    assert escape("lamp: 3 wanted, 0 left") in stream
    assert issue["shortId"] in stream
    for shown in (
        "OutOfStock",
        "lamp: 3 wanted, 0 left",
        "flask_app.py",
        "reserve",
        "shop@1.4.0",
        "staging",
        "warehouse",
        "jane@example.com",
        "one lamp added",
        'raise OutOfStock(f"{article}: {wanted} wanted, {left} left")',
    ):
        assert escape(shown) in page or shown in _text(page), f"{shown} is not on the page"


def test_a_chain_of_exceptions_in_django_keeps_its_order(open_shop):
    shop: Shop = open_shop("django")

    with running_app(shop.server, [sys.executable, "django_app.py"], {"SENTRY_DSN": shop.dsn}, APPS) as app:
        raised = time.monotonic()
        assert app.get("/orders/12/pay").status == 500
        issue = shop.wait_for_issue("PaymentRefused: order 12 was not paid", raised)

    assert issue["culprit"] == "/orders/{order_id}/pay"
    assert issue["level"] == "error"
    event = shop.latest_event(issue)
    values = entry(event, "exception")["values"]
    assert [value["type"] for value in values] == ["ConnectionError", "PaymentRefused"]
    assert frames_of(event, 0)[-1]["function"] == "ask_bank"
    assert frames_of(event, 1)[-1]["function"] == "pay"
    assert tags_of(event)["release"] == "shop@2.0.1"
    assert tags_of(event)["environment"] == "production"
    page = shop.issue_page(issue)
    assert "bank.example.com does not answer for 4200" in page


def test_a_logged_error_is_grouped_by_its_template(open_shop):
    shop: Shop = open_shop("django-log")

    with running_app(shop.server, [sys.executable, "django_app.py"], {"SENTRY_DSN": shop.dsn}, APPS) as app:
        raised = time.monotonic()
        app.get("/count")
        app.get("/count")
        issue = shop.wait_for_issue("shelf A7 holds 3 lamps less than expected", raised)
        shop.server.flush()

    [issue] = shop.issues()
    assert issue["count"] == "2"
    assert issue["logger"] == "shop.stock"
    message = entry(shop.latest_event(issue), "message")
    assert message["formatted"] == "shelf A7 holds 3 lamps less than expected"
    assert message["message"] == "shelf %s holds %d lamps less than expected"


@pytest.mark.parametrize("path", ["/organizations/acme/issues/", "/api/0/organizations/acme/issues/"])
def test_nobody_sees_it_without_signing_in(open_shop, path):
    shop: Shop = open_shop("flask")

    answer = shop.server.client.get(path)

    assert answer.status in (302, 401)
    assert "OutOfStock" not in answer.text


def _text(page: str) -> str:
    """The page without its markup, for what is coloured word by word."""
    import re
    from html import unescape

    return unescape(re.sub(r"<[^>]+>", "", page))
