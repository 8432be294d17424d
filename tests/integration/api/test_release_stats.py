"""A release's sessions over time, how far a project has come with its releases; thresholds, of which there are none."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from tests.support.factories import NOON, a_member, a_project, a_release, an_organization
from tests.support.sessions import a_session, hours_ago, some_sessions
from vedette.core import clock
from vedette.issues.models import Group
from vedette.orgs.models import OrganizationFlags
from vedette.projects.models import Environment
from vedette.releases.models import Deploy, Release, Repository
from vedette.shipping.commits import CommitInput, set_commits

STATS = "/projects/acme/web/releases/shop@1.0/stats/"
SETUP = "/projects/acme/web/releases/completion/"


@pytest.fixture(autouse=True)
def _nobody_looked_yet():
    cache.clear()


class TestStats:
    @pytest.fixture(autouse=True)
    def _sessions(self, web, digest):
        a_release("shop@1.0", web, date_added=NOON)
        digest(
            some_sessions(web, hours_ago(1), exited=90, errored=4, crashed=3, abnormal=2, unhandled=1),
            a_session(web, hours_ago(50), did="ann", status="exited", duration=4),
            a_session(web, hours_ago(50), did="bob", status="crashed", errors=1, environment="dev"),
            some_sessions(web, hours_ago(1), exited=7, release="shop@2.0"),
        )

    def test_sessions_are_told_by_the_day_and_altogether(self, api):
        body = api.get(f"{STATS}?statsPeriod=7d").body

        assert body["statTotals"] == {
            "sessions": 102,
            "sessions_healthy": 91,
            "sessions_errored": 4,
            "sessions_crashed": 4,
            "sessions_abnormal": 2,
            "sessions_unhandled": 1,
        }
        assert all(at % 86_400 == 0 for at, _ in body["stats"])
        assert len(body["stats"]) in (7, 8)
        assert sum(point["sessions"] for _, point in body["stats"]) == 102
        (early,) = [point for _, point in body["stats"] if point["duration_p50"]]
        assert (early["sessions"], early["duration_p50"], early["duration_p90"]) == (2, 4, 4)

    def test_users_are_told_by_the_hour(self, api):
        body = api.get(f"{STATS}?type=users&interval=1h&statsPeriod=3d").body

        assert body["statTotals"]["users"] == 2
        assert body["statTotals"]["users_crashed"] == 1
        busy = {at: point["users"] for at, point in body["stats"] if point["users"]}
        assert busy == {int(hours_ago(50).timestamp()) // 3600 * 3600: 2}
        assert len(body["stats"]) in (72, 73)

    def test_what_had_come_of_it_is_told_by_milestones(self, api):
        (day, *_, now) = api.get(STATS).body["usersBreakdown"]

        assert day == {
            "date": (hours_ago(50) + timedelta(days=1)).strftime("%Y-%m-%dT%H:00:00Z"),
            "totalUsers": 2,
            "crashFreeUsers": 50,
            "totalSessions": 2,
            "crashFreeSessions": 50,
        }
        assert now["totalSessions"] == 102

    def test_environments_narrow_it(self, api, acme):
        Environment.objects.create(organization_id=acme.pk, name="dev")

        assert api.get(f"{STATS}?environment=dev").body["statTotals"]["sessions"] == 1
        assert api.get(f"{STATS}?environment=nowhere").status == 404

    def test_a_release_that_only_sessions_know_is_made(self, api, web):
        assert api.get(STATS.replace("1.0", "2.0")).body["statTotals"]["sessions"] == 7
        assert Release.objects.get(version="shop@2.0").project_links.get().project == web
        assert api.get(STATS.replace("1.0", "3.0")).status == 404

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("type=crashes", "invalid stat"),
            ("interval=soon", "Invalid interval: 'soon'"),
            ("interval=1h", "That would be more than 1000 points: ask for a larger interval or less time."),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, api, query, sentence):
        answer = api.get(f"{STATS}?{query}")

        assert (answer.status, answer.detail) == (400, sentence)

    def test_less_than_an_hour_is_an_hour(self, api):
        stats = api.get(f"{STATS}?interval=1m&statsPeriod=1d").body["stats"]

        assert stats[1][0] - stats[0][0] == 3600


class TestSetup:
    def steps(self, api):
        return {one["step"]: one["complete"] for one in api.get(SETUP).body}

    def test_nothing_is_done_at_first(self, api, web):
        assert api.get(SETUP).body == [
            {"step": "tag", "complete": False},
            {"step": "repo", "complete": False},
            {"step": "commit", "complete": False},
            {"step": "deploy", "complete": False},
        ]

    def test_each_step_is_done_by_itself(self, api, acme, web, shop):
        release = a_release("web@1.0", web, date_added=NOON)
        elsewhere = a_release("shop@1.0", shop, date_added=NOON)
        set_commits(elsewhere, [CommitInput("a")], now=NOON)
        Group.objects.create(project=shop, short_id=1, first_release=elsewhere)
        assert self.steps(api) == {"tag": False, "repo": True, "commit": False, "deploy": False}

        cache.clear()
        set_commits(release, [CommitInput("b")], now=NOON)
        Group.objects.create(project=web, short_id=1, first_release=release)
        assert self.steps(api) == {"tag": True, "repo": True, "commit": True, "deploy": False}

        cache.clear()
        environment = Environment.objects.create(organization_id=acme.pk, name="prod")
        Deploy.objects.create(organization=acme, release=release, environment=environment)
        assert self.steps(api)["deploy"]

    def test_what_is_not_done_is_asked_again_after_a_minute(self, api, acme, web, monkeypatch):
        asked = []
        monkeypatch.setattr(cache, "set", lambda key, value, seconds: asked.append((key.rpartition(":")[2], seconds)))
        Repository.objects.create(organization=acme, name="acme/web")

        self.steps(api)

        assert asked == [("tag", 60), ("repo", 3600), ("commit", 60), ("deploy", 60)]


def test_no_release_has_thresholds(api, web):
    answer = api.get("/organizations/acme/release-threshold-statuses/?start=2026-01-01T00:00:00&project=1")

    assert (answer.status, answer.body) == (200, {})


@pytest.mark.parametrize("path", [STATS, SETUP])
def test_who_does_not_reach_the_project_finds_nothing(acme, web, token_of, path):
    acme.flags &= ~OrganizationFlags.ALLOW_JOINLEAVE
    acme.save()
    a_release("shop@1.0", web, date_added=clock.now())
    other = an_organization("other")
    a_project(other, "web")
    stranger = token_of(a_member(other, "eve@example.com", "owner"))

    assert token_of(a_member(acme, "max@example.com")).get(path).status == 404
    assert stranger.get(path).status == 404
    assert stranger.get(path.replace("acme", "other")).status in (200, 404)
    assert stranger.get("/organizations/acme/release-threshold-statuses/").status == 404
