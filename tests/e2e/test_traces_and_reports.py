"""Programs with the real SDKs: traces, errors without their secrets, client reports, and what a customer said."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import VISIBLE_SECONDS, Shop, frames_of
from tests.support.machine import busy_seconds

APPS, CLIENTS = Path(__file__).parent / "apps", Path(__file__).parent / "clients"
NODE = shutil.which("node") or ""
SECRETS = ("hunter2-very-secret", "sk-9f8e7d6c5b4a", "4111 1111 1111 1111")


@pytest.fixture(
    params=[
        pytest.param(([sys.executable, "checkout.py"], APPS, {}), id="python"),
        pytest.param(([NODE, "checkout.js"], CLIENTS, {"SENTRY_PACKAGE": "sentry-node-10"}), id="node"),
    ]
)
def program(request):
    """How to run it: a command, where, and with what in its environment."""
    return request.param


def test_a_program_s_trace_its_error_and_what_it_kept_to_itself(open_shop, program):
    command, directory, environment = program
    shop: Shop = open_shop(f"checkout-{Path(command[1]).suffix[1:]}")

    done = subprocess.run(
        command,
        cwd=directory,
        env={**shop.server.environment, **environment, "SENTRY_DSN": shop.dsn},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    shop.server.flush()
    trace_id = done.stdout.split()[-1]

    [issue] = shop.issues()
    event = shop.latest_event(issue)
    assert issue["count"] == "1"
    assert "jane may not buy" in issue["title"]
    _check_trace(shop, trace_id, event["eventID"])
    _check_secrets(shop, event)
    _wait_for_outcomes(shop, {"accepted": 1, "client_discard": 3})


def test_what_a_customer_said_to_the_node_sdk_is_with_its_issue(open_shop):
    shop: Shop = open_shop("checkout-feedback")

    subprocess.run(
        [NODE, "checkout.js"],
        cwd=CLIENTS,
        env={**shop.server.environment, "SENTRY_PACKAGE": "sentry-node-10", "SENTRY_DSN": shop.dsn},
        capture_output=True,
        check=True,
        timeout=60,
    )
    shop.server.flush()

    answer = shop.api.get(f"/api/0/projects/{shop.organization}/{shop.slug}/user-feedback/?status=")
    [said] = answer.json()
    assert (said["name"], said["email"], said["comments"]) == ("Jane", "jane@example.com", "I cannot pay")
    [issue] = [one for one in shop.issues() if "jane may not buy" in one["title"]]
    assert said["issue"]["id"] == issue["id"]


def _check_trace(shop: Shop, trace_id: str, event_id: str) -> None:
    """The transaction, with its spans below it and the error that happened in it."""
    answer = shop.api.get(f"/api/0/organizations/{shop.organization}/trace/{trace_id}/?project=-1")
    assert answer.status == 200, answer.text
    [root] = answer.json()
    assert (root["is_transaction"], root["transaction"], root["op"]) == (True, "checkout", "task")
    below = root["children"]
    assert "db" in {span["op"] for span in below}
    assert any(span["description"] == "SELECT price FROM articles" for span in below)
    assert event_id in answer.text


def _check_secrets(shop: Shop, event: dict) -> None:
    """No secret is in what was stored; other variables are."""
    stored = shop.api.get(
        f"/api/0/projects/{shop.organization}/{shop.slug}/events/{event['eventID']}/json/"
    ).text + str(event)
    assert not [secret for secret in SECRETS if secret in stored]
    if variables := frames_of(event)[-1].get("vars"):
        assert variables["password"] == "[Filtered]"
        assert "jane" in str(variables["name"])


def _wait_for_outcomes(shop: Shop, expected: dict[str, int]) -> None:
    """Clients report what they dropped when they are closed, in a request of its own."""
    deadline = time.monotonic() + VISIBLE_SECONDS + busy_seconds()
    while True:
        answer = shop.api.get(
            f"/api/0/organizations/{shop.organization}/stats_v2/?project={shop.project_id}&field=sum(quantity)"
            "&groupBy=outcome&category=error&interval=1h&statsPeriod=1d"
        ).json()
        found = {group["by"]["outcome"]: group["totals"]["sum(quantity)"] for group in answer["groups"]}
        if found == expected:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
