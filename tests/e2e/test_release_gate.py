"""The gate as a pipeline meets it: `vedette releases gate` in a directory of its own, and a live server elsewhere."""

import os
import subprocess
import sys
import time
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.e2e.conftest import Shop
from tests.support.server import ROOT
from vedette.core import clock, json
from vedette.wire.envelope import write_envelope


@pytest.fixture(scope="module")
def shop(open_shop):
    return open_shop("gate", "gated")


@pytest.fixture
def start(shop, tmp_path):
    """Starts the command as a pipeline does, with nothing but variables."""
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SENTRY_URL": shop.server.url,
        "SENTRY_AUTH_TOKEN": shop.org_token,
        "SENTRY_ORG": shop.organization,
        "SENTRY_PROJECT": shop.slug,
    }

    def _start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "vedette", "releases", *arguments],
            env=variables,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return _start


@pytest.fixture
def run(start):
    def _run(*arguments: str) -> tuple[int, str, str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    return _run


def send(shop: Shop, kind: str, payload: dict) -> None:
    """One item in an envelope."""
    address = urlsplit(shop.dsn)
    answer = shop.server.client.request(
        "POST",
        f"/api{address.path}/envelope/",
        write_envelope({}, [({"type": kind}, json.dumps(payload))]),
        {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={address.username}"},
    )
    assert answer.status == 200, answer.text


def an_event(message: str, release: str) -> dict:
    return {"event_id": uuid4().hex, "message": message, "release": release, "environment": "production"}


def test_a_new_issue_stops_a_release_until_somebody_settles_it(shop, run):
    send(shop, "event", an_event("the roof leaks", "gate@1.0"))
    issue = shop.wait_for_issue("the roof leaks")
    gate = ("gate", "gate@1.0", "--environment", "production", "--max-new-issues", "0", "--max-regressed-issues", "0")

    failed = run(*gate)
    shop.api.post_json(f"/api/0/organizations/{shop.organization}/issues/{issue['id']}/", {"status": "ignored"}, "PUT")
    settled = run(*gate)

    assert failed[0] == 1, failed[2]
    assert "FAILED   new-issues: 1 issue is new in this release; at most 0 may be." in failed[1]
    assert f"{issue['shortId']}  the roof leaks  " in failed[1]
    assert settled[0] == 0
    assert "Not counted: 1 archived." in settled[1]
    page = next(line for line in failed[1].splitlines() if "/releases/gate%401.0/" in line).strip()
    assert "gate@1.0" in shop.page(page.removeprefix(shop.server.url))


def test_an_issue_that_comes_back_stops_a_release(shop, run):
    send(shop, "event", an_event("the door jams", "gate@2.0"))
    issue = shop.wait_for_issue("the door jams")
    path = f"/api/0/organizations/{shop.organization}/issues/{issue['id']}/"
    shop.api.post_json(path, {"status": "resolved", "statusDetails": {"inRelease": "gate@2.0"}}, "PUT")
    send(shop, "event", an_event("the door jams", "gate@2.1"))
    shop.server.flush()

    status, out, _ = run("gate", "gate@2.1", "--max-regressed-issues", "0", "--json")

    (check,) = json.loads(out.encode())["checks"]
    assert status == 1
    assert check["reason"] == "1 issue is back in this release; at most 0 may be."
    assert check["issues"][0]["shortId"] == issue["shortId"]


def test_waiting_ends_when_sessions_arrive(shop, start):
    shop.api.post_json(
        f"/api/0/organizations/{shop.organization}/releases/", {"version": "gate@3.0", "projects": [shop.slug]}
    )
    process = start("gate", "gate@3.0", "--min-crash-free-sessions", "99", "--min-adoption", "1", "--wait", "2")
    assert "No sessions of this release have arrived" in process.stderr.readline()
    began = time.monotonic()

    started = clock.as_z(clock.now())
    send(
        shop,
        "sessions",
        {
            "aggregates": [{"started": started, "exited": 200, "crashed": 1}],
            "attrs": {"release": "gate@3.0", "environment": "production"},
        },
    )
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert "99.502% of sessions did not crash; at least 99% are asked for." in out
    assert time.monotonic() - began < 60


def test_what_cannot_be_asked_ends_with_two(shop, run):
    missing = run("gate", "nowhere@1.0", "--max-new-issues", "0")
    foreign = run("gate", "gate@1.0", "--max-new-issues", "0", "--org", "acme")

    assert (missing[0], foreign[0]) == (2, 2)
    assert "there is no release nowhere@1.0" in missing[2]
    assert "Unauthorized organization access" in foreign[2]


def test_releases_are_listed_and_told_about(shop, run):
    shop.api.post_json(
        f"/api/0/organizations/{shop.organization}/releases/", {"version": "gate@9.0", "projects": [shop.slug]}
    )

    assert "gate@9.0" in run("list")[1]
    assert f"projects     {shop.slug}" in run("info", "gate@9.0")[1]
