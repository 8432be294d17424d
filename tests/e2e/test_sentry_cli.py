"""The real `sentry-cli`, both lines of it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Shop

MODULES = Path(__file__).parent / "clients" / "node_modules"


def _program(*places: str) -> str:
    """The binary that the package for this machine ships."""
    for place in places:
        for found in sorted((MODULES / place).glob("cli-*/bin/sentry-cli")):
            return str(found)
    return str(MODULES / "@sentry" / "cli" / "bin" / "sentry-cli")


PROGRAMS = {"3": _program("@sentry"), "2": _program("sentry-cli-2/node_modules/@sentry")}


@pytest.fixture(params=["3", "2"], scope="module")
def cli(request, open_shop):
    """`cli("info")` runs it against a project and gives what it printed."""
    shop: Shop = open_shop(f"cli-{request.param}")

    def run(*arguments: str, token: str | None = None, dsn: str = "") -> str:
        environment = {
            "SENTRY_URL": shop.server.url,
            "SENTRY_AUTH_TOKEN": token or shop.token,
            "SENTRY_NO_PROGRESS_BAR": "1",
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
            "HOME": str(shop.server.directory),
            "PATH": "/usr/bin:/bin",
            **({"SENTRY_DSN": dsn} if dsn else {}),
        }
        done = subprocess.run(
            [PROGRAMS[request.param], *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=shop.server.directory,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    return shop, run


def test_info_knows_the_server_and_the_user(cli):
    shop, run = cli

    told = json.loads(run("info", "--config-status-json"))

    assert told["auth"]["successful"] is True
    assert told["config"]["url"].rstrip("/") == shop.server.url
    assert "owner@example.com" in run("info", "--no-defaults")


def test_info_takes_an_organization_token(cli):
    shop, run = cli

    assert json.loads(run("info", "--config-status-json", token=shop.org_token))["auth"]["successful"] is True


def test_organizations_and_projects_are_listed(cli):
    shop, run = cli

    assert "acme" in run("organizations", "list")
    listed = run("projects", "list", "--org", "acme")
    assert shop.slug in listed
    assert shop.project_id in listed


def test_an_event_that_it_sends_is_an_issue_that_it_lists(cli):
    shop, run = cli

    run("send-event", "-m", "the lamp went out", "-r", "shop@9.9.9", "-E", "cellar", "--no-environ", dsn=shop.dsn)
    issue = shop.wait_for_issue("the lamp went out")
    listed = run("issues", "list", "--org", "acme", "--project", shop.slug)

    assert issue["shortId"] in listed
    assert "the lamp went out" in listed
    assert "shop@9.9.9" in {tag["value"] for tag in shop.latest_event(issue)["tags"]}


def test_events_are_listed(cli):
    shop, run = cli

    run("send-event", "-m", "listed too", dsn=shop.dsn)
    issue = shop.wait_for_issue("listed too")

    listed = run("events", "list", "--org", "acme", "--project", shop.slug)
    assert shop.latest_event(issue)["eventID"] in listed.replace("-", "")


def test_an_issue_is_resolved_by_its_id(cli):
    shop, run = cli
    run("send-event", "-m", "to be resolved", dsn=shop.dsn)
    issue = shop.wait_for_issue("to be resolved")

    run("issues", "resolve", "--org", "acme", "--project", shop.slug, "--id", issue["id"])

    assert issue["id"] not in {each["id"] for each in shop.issues("is:unresolved")}
    assert issue["id"] in {each["id"] for each in shop.issues("is:resolved")}
