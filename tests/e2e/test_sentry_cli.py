"""The real `sentry-cli`, both lines of it."""

import json


def test_info_knows_the_server_and_the_user(cli):
    shop, run = cli.shop, cli

    told = json.loads(run("info", "--config-status-json"))

    assert told["auth"]["successful"] is True
    assert told["config"]["url"].rstrip("/") == shop.server.url
    assert "owner@example.com" in run("info", "--no-defaults")


def test_info_takes_an_organization_token(cli):
    shop, run = cli.shop, cli

    assert json.loads(run("info", "--config-status-json", token=shop.org_token))["auth"]["successful"] is True


def test_organizations_and_projects_are_listed(cli):
    shop, run = cli.shop, cli

    assert "acme" in run("organizations", "list")
    listed = run("projects", "list", "--org", "acme")
    assert shop.slug in listed
    assert shop.project_id in listed


def test_an_event_that_it_sends_is_an_issue_that_it_lists(cli):
    shop, run = cli.shop, cli

    run("send-event", "-m", "the lamp went out", "-r", "shop@9.9.9", "-E", "cellar", "--no-environ", dsn=shop.dsn)
    issue = shop.wait_for_issue("the lamp went out")
    listed = run("issues", "list", "--org", "acme", "--project", shop.slug)

    assert issue["shortId"] in listed
    assert "the lamp went out" in listed
    assert "shop@9.9.9" in {tag["value"] for tag in shop.latest_event(issue)["tags"]}


def test_events_are_listed(cli):
    shop, run = cli.shop, cli

    run("send-event", "-m", "listed too", dsn=shop.dsn)
    issue = shop.wait_for_issue("listed too")

    listed = run("events", "list", "--org", "acme", "--project", shop.slug)
    assert shop.latest_event(issue)["eventID"] in listed.replace("-", "")


def test_an_issue_is_resolved_by_its_id(cli):
    shop, run = cli.shop, cli
    run("send-event", "-m", "to be resolved", dsn=shop.dsn)
    issue = shop.wait_for_issue("to be resolved")

    run("issues", "resolve", "--org", "acme", "--project", shop.slug, "--id", issue["id"])

    assert issue["id"] not in {each["id"] for each in shop.issues("is:unresolved")}
    assert issue["id"] in {each["id"] for each in shop.issues("is:resolved")}
