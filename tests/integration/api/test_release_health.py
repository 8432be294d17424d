"""Releases with their health: what lists and details tell, in which orders."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from tests.support.factories import a_member, a_project, an_event, an_organization
from tests.support.sessions import a_session, hours_ago, some_sessions
from vedette.core import clock
from vedette.projects.models import Environment, ProjectOption
from vedette.projects.options import AUTO_RELEASE_CREATION
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment

CHOICES = "Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', '14d', '30d', '90d'"
LIST = "/organizations/acme/releases/"


@pytest.fixture(autouse=True)
def _nobody_looked_yet():
    cache.clear()


@pytest.fixture
def seen(web, shop, digest):
    """Three releases with sessions, the last of another project; one older than a day."""
    digest(
        some_sessions(web, hours_ago(1), exited=90, errored=4, crashed=3, abnormal=2, unhandled=1),
        a_session(web, hours_ago(2), did="ann", status="exited", duration=4),
        a_session(web, hours_ago(2), did="bob", status="crashed", errors=1),
        a_session(web, hours_ago(2), did="cem", status="exited", duration=8, release="shop@2.0", environment="dev"),
        some_sessions(web, hours_ago(2), exited=99, release="shop@2.0", environment="dev"),
        some_sessions(web, hours_ago(60), exited=500, crashed=500, release="shop@2.0"),
        some_sessions(shop, hours_ago(1), exited=5, release="api@1.0"),
    )


@pytest.fixture
def listed(api, seen):
    def _listed(**query):
        text = "&".join(f"{name}={value}" for name, value in query.items())
        answer = api.get(f"{LIST}?{text}")
        assert answer.status == 200, answer.body
        return answer.body

    return _listed


def health_of(body, version="shop@1.0", slug="web"):
    (release,) = [one for one in body if one["version"] == version]
    (project,) = [one for one in release["projects"] if one["slug"] == slug]
    return project


def test_health_is_told_by_project(listed):
    project = health_of(listed(health=1))

    health = project["healthData"]
    stats = health.pop("stats")
    assert project["hasHealthData"]
    assert health == {
        "durationP50": 4,
        "durationP90": 4,
        "crashFreeSessions": pytest.approx(100 - 4 / 102 * 100),
        "crashFreeUsers": 50,
        "sessionsCrashed": 4,
        "sessionsErrored": 4,
        "totalUsers": 2,
        "totalUsers24h": 2,
        "totalProjectUsers24h": 3,
        "totalSessions": 102,
        "totalSessions24h": 102,
        "totalProjectSessions24h": 202,
        "adoption": pytest.approx(200 / 3),
        "sessionsAdoption": pytest.approx(102 / 202 * 100),
        "hasHealthData": True,
    }
    assert list(stats) == ["24h"]
    assert len(stats["24h"]) == 24
    assert [count for _, count in stats["24h"][-3:]] == [2, 100, 0]
    assert stats["24h"][-1][0] == int(clock.now().timestamp()) // 3600 * 3600


def test_periods_bound_totals_and_series(listed):
    day = health_of(listed(health=1, summaryStatsPeriod="24h"), "shop@2.0")["healthData"]
    days = health_of(listed(health=1, healthStatsPeriod="7d", healthStat="users"), "shop@2.0")["healthData"]

    assert (day["totalSessions"], day["crashFreeSessions"], day["durationP90"]) == (100, 100, 8)
    assert (days["totalSessions"], days["totalSessions24h"]) == (1100, 100)
    assert list(days["stats"]) == ["7d"]
    assert [count for _, count in days["stats"]["7d"]].count(1) == 1


def test_environments_bound_all_of_it(api, seen, web, digest):
    digest(an_event(web, release="shop@2.0", environment="dev", timestamp=clock.now()))

    body = api.get(f"{LIST}?health=1&environment=dev").body

    health = health_of(body, "shop@2.0")["healthData"]
    assert (health["totalSessions"], health["totalProjectSessions24h"], health["adoption"]) == (100, 100, 100)


def test_without_asking_there_is_no_health(listed):
    project = health_of(listed())

    assert project["hasHealthData"] is False
    assert "healthData" not in project


def test_a_release_without_sessions_says_so(api, web, digest, acme):
    release = Release.objects.create(organization=acme, version="quiet@1")
    ReleaseProject.objects.create(project=web, release=release)

    project = health_of(api.get(f"{LIST}?health=1").body, "quiet@1")

    assert project["hasHealthData"] is False
    assert {project["healthData"][name] for name in ("crashFreeSessions", "adoption", "durationP50")} == {None}
    assert project["healthData"]["totalSessions"] == 0


def test_sessions_before_the_period_are_still_health_data(api, acme, web, digest):
    digest(some_sessions(web, hours_ago(24 * 20), exited=1, release="old@1"))
    ReleaseProject.objects.create(project=web, release=Release.objects.create(organization=acme, version="old@1"))

    project = health_of(api.get(f"{LIST}?health=1").body, "old@1")

    assert project["hasHealthData"]
    assert project["healthData"]["totalSessions"] == 0


class TestBackfill:
    def test_releases_of_sessions_are_made_when_somebody_looks(self, listed, acme):
        assert not Release.objects.exists()

        assert {one["version"] for one in listed()} == {"shop@1.0", "shop@2.0", "api@1.0"}
        added = Release.objects.get(version="shop@2.0").date_added
        assert added == hours_ago(60).replace(minute=0)  # as old as its oldest session, to the hour
        assert not ReleaseProjectEnvironment.objects.exists()

    def test_it_is_done_once_a_minute(self, listed, web, digest):
        listed()
        digest(some_sessions(web, hours_ago(1), exited=1, release="later@1"))

        assert "later@1" not in {one["version"] for one in listed()}
        cache.clear()
        assert "later@1" in {one["version"] for one in listed()}

    def test_invalid_versions_and_other_projects_make_none(self, api, seen, acme):
        theirs = a_project(an_organization("other"), "theirs")
        api.get(f"{LIST}?project=shop")

        assert set(Release.objects.values_list("version", flat=True)) == {"api@1.0"}
        assert not ReleaseProject.objects.filter(project=theirs).exists()

    def test_a_project_that_makes_no_releases_of_telemetry_makes_none(self, api, seen, web):
        ProjectOption.objects.create(project=web, key=AUTO_RELEASE_CREATION.key, value=False)
        api.get(LIST)

        assert set(Release.objects.values_list("version", flat=True)) == {"api@1.0"}

    def test_without_the_event_store_the_list_does_without(self, api, acme, web):
        web.flags |= 16
        web.save()

        assert api.get(LIST).status == 200


class TestOrders:
    @pytest.mark.parametrize(
        ("sort", "versions"),
        [
            ("sessions", ["shop@2.0", "shop@1.0", "api@1.0", "quiet@2", "quiet@1"]),
            ("sessions_24h", ["shop@1.0", "shop@2.0", "api@1.0", "quiet@2", "quiet@1"]),
            ("-sessions_24h", ["api@1.0", "shop@2.0", "shop@1.0", "quiet@2", "quiet@1"]),
            ("users", ["shop@1.0", "shop@2.0"]),
            ("crash_free_sessions", ["shop@2.0", "shop@1.0", "api@1.0", "quiet@2", "quiet@1"]),
            ("-crash_free_sessions", ["api@1.0", "shop@1.0", "shop@2.0", "quiet@2", "quiet@1"]),
            ("crash_free_sessions_24h", ["shop@1.0"]),
            ("crash_free_users", ["shop@1.0", "shop@2.0"]),
        ],
    )
    def test_flat_lists_are_ordered_by_health_and_end_with_those_without(self, listed, acme, web, sort, versions):
        for days, version in ((40, "quiet@1"), (30, "quiet@2")):
            release = Release.objects.create(
                organization=acme, version=version, date_added=clock.now() - timedelta(days=days)
            )
            ReleaseProject.objects.create(project=web, release=release)

        body = listed(sort=sort, flatten=1, summaryStatsPeriod="14d")

        assert [one["version"] for one in body][: len(versions)] == versions
        assert len(body) == 5
        assert all(len(one["projects"]) == 1 for one in body)

    def test_a_flat_list_tells_a_release_once_for_each_project(self, listed, shop, digest):
        digest(some_sessions(shop, hours_ago(1), exited=7, release="shop@1.0"))

        body = listed(flatten=1, health=1, sort="sessions")

        told = [(one["version"], one["projects"][0]["slug"]) for one in body]
        assert told == [("shop@2.0", "web"), ("shop@1.0", "web"), ("shop@1.0", "shop"), ("api@1.0", "shop")]
        assert body[2]["projects"][0]["healthData"]["totalSessions"] == 7
        assert {one["version"] for one in listed(flatten=1)} == {"shop@1.0", "shop@2.0", "api@1.0"}

    def test_a_flat_list_has_pages(self, api, listed):
        first = api.get(f"{LIST}?flatten=1&sort=sessions&per_page=2")

        assert [one["version"] for one in first.body] == ["shop@2.0", "shop@1.0"]
        assert [one["version"] for one in listed(flatten=1, sort="sessions", per_page=2, cursor="2:1:0")] == ["api@1.0"]
        assert 'rel="next"; results="true"; cursor="2:1:0"' in first.headers["Link"]

    def test_the_last_adopted_come_first(self, api, acme, web):
        for version, days in (("a", None), ("b", 3), ("c", 1)):
            release = Release.objects.create(organization=acme, version=version)
            ReleaseProject.objects.create(project=web, release=release)
            if days:
                adopt(release, web, clock.now() - timedelta(days=days))

        assert [one["version"] for one in api.get(f"{LIST}?sort=adoption").body] == ["c", "b", "a"]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("sort=sessions", "sorting by crash statistics requires flattening (flatten=1)"),
            ("sort=height", "invalid sort"),
            ("healthStat=crashes", "invalid healthStat"),
            ("summaryStatsPeriod=3d", f"Invalid summaryStatsPeriod. {CHOICES}"),
            ("healthStatsPeriod=x", f"Invalid healthStatsPeriod. {CHOICES}"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, api, web, query, sentence):
        answer = api.get(f"{LIST}?{query}")

        assert (answer.status, answer.detail) == (400, sentence)


def adopt(release, project, adopted, unadopted=None, environment="prod"):
    row, _ = Environment.objects.get_or_create(organization_id=project.organization_id, name=environment)
    now = clock.now()
    ReleaseProjectEnvironment.objects.create(
        release=release,
        project=project,
        environment=row,
        adopted=adopted,
        unadopted=unadopted,
        first_seen=now,
        last_seen=now,
    )


class TestStages:
    def test_they_are_told_by_project(self, api, acme, web, shop):
        now = clock.now().replace(microsecond=0)
        release = Release.objects.create(organization=acme, version="shop@1.0")
        for project in (web, shop):
            ReleaseProject.objects.create(project=project, release=release)
        adopt(release, web, now, environment="prod")
        adopt(release, web, now, now, environment="dev")
        adopt(release, shop, now, now)

        (one,) = api.get(f"{LIST}?adoptionStages=1").body
        (in_dev,) = api.get(f"{LIST}?adoptionStages=1&environment=dev").body
        item = api.get(f"{LIST}shop@1.0/?adoptionStages=1").body

        at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert one["adoptionStages"] == item["adoptionStages"]
        assert one["adoptionStages"] == {
            "web": {"stage": "adopted", "adopted": at, "unadopted": None},
            "shop": {"stage": "replaced", "adopted": at, "unadopted": at},
        }
        assert in_dev["adoptionStages"]["web"]["stage"] == "replaced"
        assert "adoptionStages" not in api.get(LIST).body[0]


class TestOne:
    def test_one_release_with_the_hours_of_its_sessions(self, api, listed):
        listed()
        body = api.get(f"{LIST}shop@2.0/?health=1&project=web").body

        assert body["projects"][0]["healthData"]["totalSessions"] == 1100
        assert body["currentProjectMeta"] == {
            "sessionsLowerBound": hours_ago(60).strftime("%Y-%m-%dT%H:00:00Z"),
            "sessionsUpperBound": hours_ago(2).strftime("%Y-%m-%dT%H:00:00Z"),
            "nextReleaseVersion": "shop@1.0",
            "prevReleaseVersion": None,
            "firstReleaseVersion": "shop@2.0",
            "lastReleaseVersion": "shop@1.0",
        }
        assert api.get(f"{LIST}shop@2.0/?health=1").body["currentProjectMeta"] == {}
        assert "healthData" not in api.get(f"{LIST}shop@2.0/").body["projects"][0]

    def test_strangers_see_nothing(self, api, listed, token_of):
        listed()
        other = an_organization("other")
        stranger = token_of(a_member(other, "eve@example.com", "owner"))

        assert stranger.get(f"{LIST}?health=1").status == 404
        assert stranger.get("/organizations/other/releases/shop@1.0/?health=1").status == 404
        assert stranger.get("/organizations/other/releases/?health=1").body == []
