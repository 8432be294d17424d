"""The gate over the API: a release held against bounds."""

from datetime import timedelta

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, a_release, an_event, an_organization
from tests.support.sessions import a_session, hours_ago, some_sessions
from vedette.core import clock
from vedette.events.client import StoreUnavailable
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam
from vedette.orgs.tokens import create_org_token

GATE = "/organizations/acme/releases/shop@1.0/gate/"
EVERYTHING = "maxNewIssues=0&maxRegressedIssues=0&minCrashFreeSessions=95&minCrashFreeUsers=60&minAdoption=50"


@pytest.fixture
def release(web, events):
    return a_release("shop@1.0", web)


@pytest.fixture
def lived(release, web, digest):
    """Two releases with sessions and events in `prod`."""
    digest(
        some_sessions(web, hours_ago(1), exited=95, crashed=3),
        a_session(web, hours_ago(1), did="ann", status="exited"),
        a_session(web, hours_ago(1), did="bob", status="crashed", errors=1),
        a_session(web, hours_ago(1), did="cem", status="exited", release="shop@0.9"),
        an_event(web, "New: here", release="shop@1.0", environment="prod", timestamp=clock.now()),
        an_event(web, "Old: there", release="shop@0.9", environment="prod", timestamp=clock.now() - timedelta(hours=2)),
    )
    return release


def checks(answer):
    assert answer.status == 200, answer.body
    return {check["check"]: check for check in answer.body["checks"]}


def test_every_bound_is_answered_with_its_measure_its_reason_and_links(api, lived, web):
    answer = api.get(f"{GATE}?{EVERYTHING}&project=web&environment=prod")

    found = checks(answer)
    group = web.groups.get(title="New: here")
    page = "/organizations/acme/releases/shop%401.0/?statsPeriod=14d&project=web&environment=prod"
    assert (answer.body["passed"], answer.body["final"], answer.body["observed"]) == (False, True, True)
    assert (answer.body["version"], answer.body["projects"]) == ("shop@1.0", ["web"])
    assert answer.body["url"].endswith(page)
    assert {name: (check["measured"], check["passed"], check["canRecover"]) for name, check in found.items()} == {
        "new-issues": (1, False, False),
        "regressed-issues": (0, True, False),
        "crash-free-sessions": (96.0, True, True),
        "crash-free-users": (50.0, False, True),
        "adoption": (pytest.approx(200 / 3), True, True),
    }
    assert found["new-issues"]["reason"] == "1 issue is new in this release; at most 0 may be."
    assert found["new-issues"]["issues"] == [
        {
            "id": str(group.pk),
            "shortId": group.qualified_short_id,
            "title": "New: here",
            "url": answer.body["url"].partition("/organizations/")[0] + f"/organizations/acme/issues/{group.pk}/",
        }
    ]
    assert found["crash-free-users"]["reason"] == "50% of users met no crash; at least 60% are asked for."
    assert found["adoption"]["reason"].startswith("66.666% of the users of the last 24 hours have this release;")


def test_a_release_that_meets_its_bounds_passes(api, lived):
    answer = api.get(f"{GATE}?maxNewIssues=1&minCrashFreeSessions=96&statsPeriod=24h")

    assert (answer.body["passed"], answer.body["final"], answer.body["statsPeriod"]) == (True, True, "24h")


def test_an_issue_that_comes_back_in_the_release_is_counted(api, lived, web, digest):
    old = web.groups.get(title="Old: there")
    api.put(f"/organizations/acme/issues/{old.pk}/", {"status": "resolved"})
    digest(an_event(web, "Old: there", release="shop@1.0", environment="prod", timestamp=clock.now()))

    found = checks(api.get(f"{GATE}?maxRegressedIssues=0&environment=prod"))["regressed-issues"]

    assert (found["measured"], found["passed"], found["canRecover"]) == (1, False, False)
    assert [issue["title"] for issue in found["issues"]] == ["Old: there"]


def test_without_sessions_rates_are_unknown_and_have_not_passed(api, release):
    answer = api.get(f"{GATE}?minCrashFreeSessions=0&minCrashFreeUsers=0&minAdoption=0")

    assert (answer.body["passed"], answer.body["final"], answer.body["observed"]) == (False, False, False)
    assert [(check["measured"], check["passed"], check["canRecover"]) for check in answer.body["checks"]] == [
        (None, False, True)
    ] * 3
    assert [check["reason"] for check in answer.body["checks"]] == [
        "No sessions of this release have arrived in the last 14d.",
        "No sessions of this release have arrived in the last 14d.",
        "No sessions of any release have arrived in the last 24 hours.",
    ]


def test_sessions_without_users_tell_no_rate_of_users_and_adoption_by_sessions(api, release, web, digest):
    digest(some_sessions(web, hours_ago(1), exited=3), some_sessions(web, hours_ago(1), exited=1, release="shop@0.9"))

    found = checks(api.get(f"{GATE}?minCrashFreeUsers=0&minAdoption=75&environment=prod"))

    assert found["crash-free-users"]["reason"] == "The sessions of this release name no users."
    assert found["adoption"]["reason"] == (
        "75% of the sessions of the last 24 hours have this release; at least 75% are asked for."
    )


def test_an_environment_known_by_its_sessions_alone_is_known(api, release, web, digest):
    digest(some_sessions(web, hours_ago(1), exited=3, environment="canary"))

    known = api.get(f"{GATE}?maxNewIssues=0&environment=canary")
    misspelt = api.get(f"{GATE}?maxNewIssues=0&environment=canari")

    assert known.body["passed"]
    assert (misspelt.body["passed"], misspelt.body["final"]) == (False, False)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "detail"),
        ("environment=prod", "detail"),
        ("maxNewIssues=few", "maxNewIssues"),
        ("maxNewIssues=-1", "maxNewIssues"),
        ("maxNewIssues=1.5", "maxNewIssues"),
        ("maxNewIssues=1000001", "maxNewIssues"),
        ("maxRegressedIssues=%D9%A3", "maxRegressedIssues"),
        ("minCrashFreeSessions=nan", "minCrashFreeSessions"),
        ("minCrashFreeUsers=100.1", "minCrashFreeUsers"),
        ("minAdoption=1e1", "minAdoption"),
        ("maxNewIssues=0&statsPeriod=3d", "statsPeriod"),
        ("maxNewIssues=0&environment=" + "e" * 65, "environment"),
        ("maxNewIssues=0&" + "&".join(f"environment=e{number}" for number in range(21)), "environment"),
    ],
)
def test_what_is_no_bound_is_refused(api, release, query, body):
    answer = api.get(f"{GATE}?{query}")

    assert (answer.status, list(answer.body)) == (400, [body])


def test_pipelines_of_the_organization_may_ask(acme, lived):
    token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]

    assert Api(token).get(f"{GATE}?maxNewIssues=1").body["passed"]


def test_a_release_or_a_project_that_is_not_the_caller_s_is_not_there(api, lived, acme, shop, token_of):
    stranger = token_of(a_member(an_organization("other"), "stranger@example.com", "owner"))
    rival = a_project(an_organization("rivals"), "secret")
    a_release("rival@1.0", rival)

    assert stranger.get(f"{GATE}?maxNewIssues=0").status == 404
    assert api.get("/organizations/acme/releases/rival@1.0/gate/?maxNewIssues=0").status == 404
    assert api.get(f"{GATE}?maxNewIssues=0&project={shop.slug}").status == 404
    assert api.get(f"{GATE}?maxNewIssues=0&project=secret").status == 403
    assert api.get(f"{GATE}?maxNewIssues=0&project={rival.pk}").status == 403


def test_of_a_release_of_several_projects_only_those_within_reach_count(lived, acme, team, token_of):
    acme.flags = 0
    acme.save()
    hidden = a_project(acme, "hidden")
    lived.project_links.create(project=hidden)
    hidden.groups.create(short_id=1, title="Secret: plan", first_release=lived)
    colleague = a_member(acme, "colleague@example.com")
    member = OrganizationMember.objects.get(user_id=colleague.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=member)

    answer = token_of(colleague).get(f"{GATE}?maxNewIssues=0")

    assert answer.body["projects"] == ["web"]
    assert [issue["title"] for issue in checks(answer)["new-issues"]["issues"]] == ["New: here"]
    assert b"hidden" not in answer.raw


def test_sessions_that_cannot_be_read_are_no_failure_of_the_release(api, lived, monkeypatch):
    monkeypatch.setattr("vedette.api.gate.event_store", lambda: Away())

    answer = api.get(f"{GATE}?minAdoption=1")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert api.get(f"{GATE}?maxNewIssues=1").body["passed"]


class Away:
    """An event store that does not answer."""

    def rows(self, *_):
        raise StoreUnavailable("away")
