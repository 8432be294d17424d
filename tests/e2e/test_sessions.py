"""Sessions of the real SDKs, counted exactly."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.test_javascript_sdks import CLIENTS, NODE, _node_version
from tests.support.apps import running_app

APPS = Path(__file__).parent / "apps"
COUNTED_SECONDS = 10.0  # the machine may be busy; what is held against the clock is elsewhere


def counts(shop: Shop, *fields: str, **query: str) -> dict[str, dict[str, Any]]:
    """The numbers of the project's sessions by status."""
    pairs = [("field", field) for field in fields] + [("groupBy", "session.status"), ("project", shop.project_id)]
    pairs += list({"statsPeriod": "1h", "interval": "1m", **query}.items())
    answer = shop.api.get(f"/api/0/organizations/{shop.organization}/sessions/?{urlencode(pairs)}")
    assert answer.status == 200, answer.text
    return {group["by"]["session.status"]: group["totals"] for group in answer.json()["groups"]}


def wait_for(shop: Shop, expected: dict[str, int], **query: str) -> None:
    """Wait until there are as many sessions as expected, and hold them against it; no other status has any."""
    deadline = time.monotonic() + COUNTED_SECONDS
    while True:
        found = {status: totals["sum(session)"] for status, totals in counts(shop, "sum(session)", **query).items()}
        found = {status: count for status, count in found.items() if count}
        if found == expected:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_requests_of_flask_are_sessions(open_shop):
    shop: Shop = open_shop("flask-sessions")

    with running_app(shop.server, [sys.executable, "flask_app.py"], {"SENTRY_DSN": shop.dsn}, APPS) as app:
        for _ in range(3):
            assert app.get("/").status == 200
        for _ in range(2):
            assert app.get("/order/lamp").status == 500
        assert app.get("/flush").status == 200
        # Three and the one that showed that the application answers; the request that flushes is not over yet.
        wait_for(shop, {"healthy": 4, "crashed": 2}, query="release:shop@1.4.0 environment:staging")


def test_a_program_in_sessions_of_its_own_tells_its_users(open_shop):
    shop: Shop = open_shop("program-sessions")

    subprocess.run(
        [sys.executable, "program.py"], env={**shop.server.environment, "SENTRY_DSN": shop.dsn}, cwd=APPS, check=True
    )

    wait_for(shop, {"healthy": 1, "errored": 1, "crashed": 1}, query="release:till@7")
    users = {status: totals["count_unique(user)"] for status, totals in counts(shop, "count_unique(user)").items()}
    assert users == {"healthy": 0, "errored": 1, "crashed": 1, "abnormal": 0, "unhandled": 0}


@pytest.mark.parametrize(
    ("package", "processes"),
    [
        pytest.param(
            "@sentry/node",
            0,
            id="11",
            marks=pytest.mark.skipif(_node_version() < (20, 19), reason="it wants Node.js 20.19"),
        ),
        pytest.param("sentry-node-10", 1, id="10"),
    ],
)
def test_requests_of_express_are_sessions(open_shop, package, processes):
    """Version 10 counts the process as a session, too, and takes it for crashed at the first unhandled error."""
    shop: Shop = open_shop(f"express-sessions-{package[-2:].strip('/de') or '11'}")

    with running_app(
        shop.server, [NODE, "express_app.js"], {"SENTRY_DSN": shop.dsn, "SENTRY_PACKAGE": package}, CLIENTS
    ) as app:
        for _ in range(3):
            assert app.get("/").status == 200
        for _ in range(2):
            assert app.get("/price/lamp").status == 500
        assert app.get("/flush").status == 200
        wait_for(shop, {"healthy": 4, "crashed": 2 + processes}, query="release:shop@3.1.0 environment:canary")
