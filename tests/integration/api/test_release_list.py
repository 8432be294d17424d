"""Lists of releases: orders, searches, pages; versions with their dates; what is beside a release."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.cache import cache

from tests.integration.api.client import Api
from tests.support.factories import NOON, a_member, a_project, a_release, an_organization
from tests.support.sessions import hours_ago, some_sessions
from vedette.core import clock
from vedette.orgs.models import OrganizationFlags
from vedette.orgs.tokens import create_org_token
from vedette.projects.models import Environment, ProjectOption
from vedette.projects.options import RELEASE_ORDERING
from vedette.releases import conditions
from vedette.releases.models import ReleaseProjectEnvironment, ReleaseStatus

LIST = "/organizations/acme/releases/"
NO_SEMVER = 'Invalid format of semantic version. For searching non-semver releases, use "release:" instead.'


@pytest.fixture(autouse=True)
def _nobody_looked_yet():
    cache.clear()


@pytest.fixture
def versions(api, web):
    """The versions of a list, in order."""

    def _versions(**query):
        answer = api.get(address(**query))
        assert answer.status == 200, answer.body
        return [one["version"] for one in answer.body]

    return _versions


def address(path=LIST, **query):
    return f"{path}?{urlencode(query, doseq=True)}"


def in_turn(project, *versions, **fields):
    """Releases of these versions, each a minute younger than the one before."""
    return [
        a_release(version, project, **{"date_added": NOON + timedelta(minutes=place), **fields})
        for place, version in enumerate(versions)
    ]


def seen(release, project, environment, **fields):
    row, _ = Environment.objects.get_or_create(organization_id=project.organization_id, name=environment)
    return ReleaseProjectEnvironment.objects.create(
        release=release, project=project, environment=row, first_seen=NOON, last_seen=NOON, **fields
    )


class TestOrders:
    SEMVER = (
        "test@10.0+123",
        "test@10.0+122",
        "test@2.20.3.3",
        "test@2.20.3",
        "test@2.2.3",
        "test@2.2",
        "test@2.2-alpha",
        "random_junk",
        "test@some_thing",
    )

    @pytest.mark.parametrize("flatten", ["0", "1"])
    def test_by_version_the_greatest_comes_first_and_what_is_no_version_last(self, versions, web, flatten):
        in_turn(web, *reversed(self.SEMVER))

        assert versions(sort="semver", flatten=flatten) == list(self.SEMVER)

    def test_pre_releases_are_ordered_as_semver_says(self, versions, web):
        in_turn(web, "a@1.0", "a@1.0-rc.10", "a@1.0-rc.9", "a@1.0-beta", "a@1.0-9")

        assert versions(sort="semver") == ["a@1.0", "a@1.0-rc.10", "a@1.0-rc.9", "a@1.0-beta", "a@1.0-9"]

    @pytest.mark.parametrize("flatten", ["0", "1"])
    def test_by_build_those_without_a_number_are_left_out(self, versions, web, flatten):
        in_turn(web, "a@1+9", "a@2+10", "a@3+9", "a@4", "a@5+x1", "random")

        assert versions(sort="build", flatten=flatten) == ["a@2+10", "a@3+9", "a@1+9"]

    @pytest.mark.parametrize("flatten", ["0", "1"])
    def test_by_date_the_release_date_counts_before_the_first_sight(self, versions, web, flatten):
        in_turn(web, "a", "b", "c")
        a_release("released", web, date_added=NOON - timedelta(days=1), date_released=NOON + timedelta(days=1))
        a_release("same", web, date_added=NOON)

        assert versions(flatten=flatten) == ["released", "c", "b", "same", "a"]

    @pytest.mark.parametrize("flatten", ["0", "1"])
    def test_by_adoption_a_release_is_told_once_by_the_last_environment_that_took_it_up(self, versions, web, flatten):
        first, second, _ = in_turn(web, "a", "b", "never")
        seen(first, web, "dev", adopted=NOON)
        seen(first, web, "prod", adopted=NOON + timedelta(hours=3))
        seen(second, web, "prod", adopted=NOON + timedelta(hours=2))
        seen(second, web, "dev", adopted=NOON + timedelta(hours=1))

        assert versions(sort="adoption", flatten=flatten) == ["a", "b", "never"]
        assert versions(sort="adoption", flatten=flatten, environment="dev") == ["b", "a"]

    def test_health_is_told_first_and_then_the_newest_without(self, api, versions, web, digest):
        in_turn(web, "old", "new")
        digest(
            some_sessions(web, hours_ago(1), exited=3, release="busy"),
            some_sessions(web, hours_ago(1), exited=1, release="calm"),
        )
        query = {"sort": "sessions", "flatten": 1}

        assert versions(**query) == ["busy", "calm", "new", "old"]
        assert [versions(**query, per_page=1, cursor=f"1:{page}:0") for page in range(5)] == [
            ["busy"],
            ["calm"],
            ["new"],
            ["old"],
            [],
        ]
        assert versions(**query, query="!release:busy") == ["calm", "new", "old"]

    @pytest.mark.parametrize("sort", ["height", "-date", "releases"])
    def test_an_order_that_there_is_not_is_refused(self, api, web, sort):
        answer = api.get(address(sort=sort))

        assert (answer.status, answer.detail) == (400, "invalid sort")


class TestSearches:
    @pytest.fixture(autouse=True)
    def _releases(self, web, monkeypatch):
        monkeypatch.setattr(conditions, "FEW_LINKS", 0)  # as where there are many
        in_turn(web, "some.release", "test@1.2.3+123", "test@1.2.4+124", "test2@1.2.5+125")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("release.version:>1.2.3", ["test2@1.2.5+125", "test@1.2.4+124"]),
            ("release.version:>=1.2.4", ["test2@1.2.5+125", "test@1.2.4+124"]),
            ("release.version:<1.2.4", ["test@1.2.3+123"]),
            ("release.version:<=1.2.4", ["test@1.2.4+124", "test@1.2.3+123"]),
            ("release.version:1.2.3", ["test@1.2.3+123"]),
            ("release.version:1.2.*", ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123"]),
            ("release.version:test@1.2.*", ["test@1.2.4+124", "test@1.2.3+123"]),
            ("release.version:2.*", []),
            ("release.version:>test@1.2.3", ["test@1.2.4+124"]),
            ("!release.version:1.2.3", ["test2@1.2.5+125", "test@1.2.4+124", "some.release"]),
            ("!release.version:test@1.2.3", ["test2@1.2.5+125", "test@1.2.4+124", "some.release"]),
            ("!release.version:>1.2.3", ["test@1.2.3+123", "some.release"]),
            ("release.package:test2", ["test2@1.2.5+125"]),
            ("!release.package:test2", ["test@1.2.4+124", "test@1.2.3+123", "some.release"]),
            ("release.package:[test, test2]", ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123"]),
            ("release.build:<125", ["test@1.2.4+124", "test@1.2.3+123"]),
            ("release.build:124", ["test@1.2.4+124"]),
            ("release.build:0124", ["test@1.2.4+124"]),
            ("release.build:12*", ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123"]),
            ("!release.build:124", ["test2@1.2.5+125", "test@1.2.3+123", "some.release"]),
            ('release.build:""', ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123"]),
            ("release:test@1.2.4+124", ["test@1.2.4+124"]),
            ("!release:test@1.2.4+124", ["test2@1.2.5+125", "test@1.2.3+123", "some.release"]),
            ("release:[some.release, test@1.2.3+123]", ["test@1.2.3+123", "some.release"]),
            ("release:test@*", ["test@1.2.4+124", "test@1.2.3+123"]),
            ("release:*+125", ["test2@1.2.5+125"]),
            ("release:*@1.2*", ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123"]),
            ("release:*", ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123", "some.release"]),
            ("release:latest", ["test2@1.2.5+125"]),
            ("SOME.re", ["some.release"]),
            ("1.2.4 (124)", ["test@1.2.4+124"]),
            ("test release.build:124", ["test@1.2.4+124"]),
            ("100% _", []),
            ("", ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.3+123", "some.release"]),
        ],
    )
    def test_a_search_finds(self, versions, query, expected):
        assert versions(query=query) == expected

    def test_pre_releases_are_below_their_release(self, versions, web):
        in_turn(web, "test@1.2.3-beta", "test@1.2.4-alpha")

        found = versions(query="release.version:>=1.2.3", sort="semver")

        assert found == ["test2@1.2.5+125", "test@1.2.4+124", "test@1.2.4-alpha", "test@1.2.3+123"]

    def test_builds_that_are_words_are_found_whole_or_by_their_beginning(self, versions, web):
        in_turn(web, "a@1+abc", "a@2+abd")

        assert versions(query="release.build:abc") == ["a@1+abc"]
        assert versions(query="release.build:ab*") == ["a@2+abd", "a@1+abc"]

    def test_stages_are_those_of_one_environment(self, versions, web):
        adopted, replaced, low = in_turn(web, "new", "old", "tried")
        seen(adopted, web, "prod", adopted=NOON)
        seen(adopted, web, "dev", adopted=NOON, unadopted=NOON)
        seen(replaced, web, "prod", adopted=NOON, unadopted=NOON)
        seen(low, web, "prod")

        assert versions(query="release.stage:adopted", environment="prod") == ["new"]
        assert versions(query="release.stage:replaced", environment="dev") == ["new"]
        assert versions(query="release.stage:[replaced, low_adoption]", environment="prod") == ["tried", "old"]
        assert versions(query="!release.stage:replaced", environment="prod") == ["tried", "new"]

    def test_finalized_releases_have_a_release_date(self, versions, web):
        a_release("done", web, date_added=NOON, date_released=NOON)

        assert versions(query="finalized:true") == ["done"]
        assert versions(query="!finalized:false") == ["done"]
        assert "done" not in versions(query="finalized:false")

    def test_releases_are_found_by_their_age(self, versions, web):
        a_release("ancient", web, date_added=NOON - timedelta(days=20))
        a_release("fresh", web, date_added=clock.now() - timedelta(minutes=1))

        assert versions(query="release.created:-1h") == ["fresh"]
        assert versions(query="release.created:+7d") == ["ancient"]
        assert versions(query=f"release.created:{(NOON - timedelta(days=20)).date()}") == ["ancient"]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            (
                {"query": "a OR b"},
                'Boolean statements containing "OR" or "AND" are not supported in this search',
            ),
            ({"query": "height:3"}, "Invalid key for this search: height"),
            ({"query": "release.version:one"}, NO_SEMVER),
            ({"query": "release.version:[1, 2]"}, "Invalid operation 'IN' for semantic version filter."),
            ({"query": "release.stage:popular", "environment": "prod"}, "Unsupported release.stage value."),
            ({"query": "release.stage:adopted"}, "Choose a single environment to filter by release stage."),
            (
                {"query": "release.stage:adopted", "environment": ["prod", "dev"]},
                "Choose a single environment to filter by release stage.",
            ),
            ({"status": "gone"}, "invalid value for status"),
            ({"per_page": "101"}, "Invalid per_page value. Cannot exceed 100."),
            ({"per_page": "many"}, "Invalid per_page parameter."),
            ({"cursor": "here"}, "Invalid cursor parameter."),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, api, acme, query, sentence):
        for name in ("prod", "dev"):
            Environment.objects.create(organization_id=acme.pk, name=name)

        answer = api.get(address(**query))

        assert (answer.status, answer.detail) == (400, sentence)

    @pytest.mark.parametrize("query", ["release:%", "release:a_c", "' UNION --", 'x\\"y', "[", "release.build:%*"])
    def test_what_databases_mean_something_by_is_plain_text(self, versions, query):
        assert versions(query=query) == []


class TestWhich:
    def test_archived_releases_are_told_when_asked_for(self, versions, web):
        a_release("gone", web, date_added=NOON, status=ReleaseStatus.ARCHIVED)
        a_release("here", web, date_added=NOON)
        a_release("older", web, date_added=NOON - timedelta(days=1), status=None)

        assert versions() == ["here", "older"]
        assert versions(status="archived") == ["gone"]
        assert versions(status="") == ["here", "gone", "older"]

    def test_environments_keep_what_was_seen_there(self, api, versions, web, shop):
        release, _ = in_turn(web, "a", "b")
        seen(release, web, "prod")

        assert versions(environment="prod") == ["a"]
        assert versions(environment="prod", project=shop.pk) == []
        assert api.get(address(environment="nowhere")).status == 404

    def test_a_window_is_one_of_first_sights_and_there_is_none_by_default(self, versions, web):
        now = clock.now()
        a_release("fresh", web, date_added=now - timedelta(hours=1))
        a_release("ancient", web, date_added=now - timedelta(days=900), date_released=now)

        assert versions() == ["ancient", "fresh"]
        assert versions(statsPeriod="24h") == ["fresh"]
        assert versions(start=NOON - timedelta(days=1000), end=NOON - timedelta(days=800)) == ["ancient"]

    def test_the_edges_of_a_window_belong_to_it(self, versions, web):
        for version, minutes in (("a", 0), ("b", 5), ("c", 6)):
            a_release(version, web, date_added=NOON + timedelta(minutes=minutes))

        assert versions(start=NOON.isoformat(), end=(NOON + timedelta(minutes=5)).isoformat()) == ["b", "a"]

    def test_without_a_project_there_is_an_empty_list_without_links(self, acme, token_of):
        other = an_organization("other")
        answer = token_of(a_member(other, "eve@example.com", "owner")).get("/organizations/other/releases/")

        assert (answer.status, answer.body) == (200, [])
        assert "Link" not in answer.headers

    @pytest.mark.parametrize("few", [1000, 0], ids=["few releases", "many releases"])
    @pytest.mark.parametrize("path", ["", "stats/"])
    def test_other_organizations_releases_never_show(self, versions, api, web, monkeypatch, path, few):
        monkeypatch.setattr(conditions, "FEW_LINKS", few)
        other = an_organization("other")
        theirs = a_project(other, "theirs")
        a_release("secret@1.0", theirs, date_added=NOON)
        a_release("ours@1.0", web, date_added=NOON)

        for query in ("", "release:latest", "secret", "release.version:1.*", "!release:x"):
            found = {one["version"] for one in api.get(address(LIST + path, query=query)).body}
            assert found <= {"ours@1.0"}
        assert api.get(address(LIST + path, project=theirs.pk)).status == 403

    def test_members_see_the_releases_of_their_projects(self, acme, web, token_of):
        acme.flags &= ~OrganizationFlags.ALLOW_JOINLEAVE
        acme.save()
        a_release("ours@1.0", web, date_added=NOON)
        outsider = token_of(a_member(acme, "max@example.com"))

        assert outsider.get(LIST).body == []
        assert outsider.get(f"{LIST}stats/").body == []
        assert outsider.get(f"{LIST}ours@1.0/").status == 404


class TestPages:
    HOST = "http://127.0.0.1:9000/api/0/organizations/acme/releases/"

    def test_the_links_are_those_that_clients_know(self, api, web):
        in_turn(web, "a", "b", "c")

        assert api.get(f"{LIST}?per_page=2").headers["Link"] == (
            f'<{self.HOST}?per_page=2&cursor=2:-1:1>; rel="previous"; results="false"; cursor="2:-1:1", '
            f'<{self.HOST}?per_page=2&cursor=2:1:0>; rel="next"; results="true"; cursor="2:1:0"'
        )
        assert api.get(LIST).headers["Link"] == (
            f'<{self.HOST}?&cursor=100:-1:1>; rel="previous"; results="false"; cursor="100:-1:1", '
            f'<{self.HOST}?&cursor=100:1:0>; rel="next"; results="false"; cursor="100:1:0"'
        )

    @pytest.mark.parametrize(
        "query",
        ["sort=date", "sort=semver", "sort=date&flatten=1", "sort=adoption", "sort=sessions&flatten=1", "path=stats"],
    )
    def test_the_pages_tell_every_release_once(self, api, events, web, query):
        names = {one.version for one in in_turn(web, *(f"a@{number}.0" for number in range(7)), date_added=NOON)}
        path = f"{LIST}stats/" if query == "path=stats" else LIST
        told, cursor = [], ""

        while cursor is not None:
            answer = api.get(f"{path}?{query}&per_page=3&cursor={cursor}")
            told += [one["version"] for one in answer.body]
            following = re.search(r'rel="next"; results="true"; cursor="([^"]+)"', answer.headers["Link"])
            cursor = following and following[1]

        assert len(told) == 7
        assert set(told) == names

    def test_a_cursor_may_be_written_with_a_fraction(self, versions, web):
        in_turn(web, "a", "b", "c")

        assert versions(per_page=2, cursor="2.0:1:0") == ["a"]


class TestDates:
    def test_versions_are_told_with_their_dates_archived_ones_too(self, api, web):
        in_turn(web, "a", "b")
        a_release("gone", web, date_added=NOON - timedelta(days=1), date_released=NOON, status=ReleaseStatus.ARCHIVED)

        body = api.get(f"{LIST}stats/").body

        assert [one["version"] for one in body] == ["b", "a", "gone"]
        assert body[1] == {"version": "a", "date": NOON.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def test_they_can_be_searched_like_the_list(self, api, web, shop):
        in_turn(web, "a@1.0", "a@2.0")
        in_turn(shop, "b@1.0")

        def told(**query):
            return [one["version"] for one in api.get(address(f"{LIST}stats/", **query)).body]

        assert told(query="release.version:>1.0") == ["a@2.0"]
        assert told(project="shop") == ["b@1.0"]
        assert told(statsPeriod="1h") == []
        assert told(status="archived") == []

    def test_they_can_be_ordered_like_the_list(self, api, web):
        in_turn(web, "a@1.10", "a@1.9", "a@1.0")

        body = api.get(f"{LIST}stats/?sort=semver").body
        refused = api.get(f"{LIST}stats/?sort=sessions")

        assert [one["version"] for one in body] == ["a@1.10", "a@1.9", "a@1.0"]
        assert (refused.status, refused.detail) == (400, "invalid sort")

    def test_a_page_holds_up_to_a_thousand(self, api, web):
        answer = api.get(f"{LIST}stats/?per_page=1001")

        assert (answer.status, answer.detail) == (400, "Invalid per_page value. Cannot exceed 1000.")
        assert 'cursor="1000:1:0"' in api.get(f"{LIST}stats/?per_page=1000").headers["Link"]


class TestBeside:
    @pytest.fixture
    def meta(self, api):
        def _meta(version, **query):
            answer = api.get(address(f"{LIST}{version}/", **query))
            assert answer.status == 200, answer.body
            return answer.body["currentProjectMeta"]

        return _meta

    def test_a_release_of_one_project_has_neighbours(self, meta, events, web, shop):
        in_turn(web, "a", "b", "c")
        a_release("elsewhere", shop, date_added=NOON + timedelta(seconds=30))

        assert meta("b", project=web.pk) == {
            "sessionsLowerBound": None,
            "sessionsUpperBound": None,
            "nextReleaseVersion": "c",
            "prevReleaseVersion": "a",
            "firstReleaseVersion": "a",
            "lastReleaseVersion": "c",
        }
        assert meta("a", project="web")["prevReleaseVersion"] is None
        assert meta("c", project="web")["nextReleaseVersion"] is None

    def test_of_equal_age_the_one_that_was_made_later_is_newer(self, meta, events, web):
        in_turn(web, "x", "y", "z", date_added=NOON)

        beside = meta("y", project="web")

        assert (beside["prevReleaseVersion"], beside["nextReleaseVersion"]) == ("x", "z")

    def test_neighbours_meet_the_same_filters(self, meta, events, web):
        first, *_ = in_turn(web, "web@1", "web@2", "web@3", "api@4")
        a_release("gone", web, date_added=NOON - timedelta(days=1), status=ReleaseStatus.ARCHIVED)
        seen(first, web, "prod")

        assert meta("web@2", project="web", query="release.package:web")["lastReleaseVersion"] == "web@3"
        assert meta("web@2", project="web")["firstReleaseVersion"] == "web@1"
        assert meta("web@2", project="web", status="")["firstReleaseVersion"] == "gone"
        assert meta("web@2", project="web", environment="prod")["lastReleaseVersion"] == "web@1"
        assert meta("web@2", project="web", statsPeriod="1h")["firstReleaseVersion"] == "web@1"

    @pytest.mark.parametrize("query", [{}, {"project": "-1"}, {"project": ["web", "shop"]}])
    def test_without_a_single_project_nobody_knows_what_is_beside(self, meta, web, shop, query):
        in_turn(web, "a", "b")

        assert meta("a", **query) == {}

    @pytest.mark.parametrize(
        ("query", "status", "sentence"),
        [
            ({"sort": "semver"}, 400, "invalid sort"),
            ({"project": "nothing", "health": 1}, 400, "Invalid project"),
            ({"project": "nothing"}, 403, "You do not have permission to perform this action."),
            ({"project": "web", "query": "height:3"}, 400, "Invalid key for this search: height"),
            ({"project": "web", "status": "gone"}, 400, "invalid value for status"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, api, events, web, query, status, sentence):
        a_release("a", web, date_added=NOON)

        answer = api.get(address(f"{LIST}a/", **query))

        assert (answer.status, answer.detail) == (status, sentence)

    def test_while_the_event_store_is_away_the_hours_are_unknown(self, meta, web):
        in_turn(web, "a", "b")

        assert meta("a", project="web")["nextReleaseVersion"] == "b"


class TestLatest:
    def test_of_each_project_one_is_the_latest(self, versions, web, shop):
        in_turn(web, "web@2.0", "web@1.0")
        in_turn(shop, "first", "second")

        assert set(versions(query="release:latest")) == {"web@2.0", "second"}
        assert versions(query="release:latest", project="web") == ["web@2.0"]
        assert set(versions(query="!release:latest")) == {"web@1.0", "first"}

    def test_a_project_may_order_by_date(self, versions, web):
        in_turn(web, "web@2.0", "web@1.0")
        ProjectOption.objects.create(project=web, key=RELEASE_ORDERING.key, value="date")

        assert versions(query="release:latest") == ["web@1.0"]

    def test_with_environments_it_is_the_latest_there(self, versions, web):
        first, _ = in_turn(web, "web@1.0", "web@2.0")
        seen(first, web, "prod")

        assert versions(query="release:latest", environment="prod") == ["web@1.0"]

    def test_without_releases_there_is_none(self, versions, web):
        assert versions(query="release:latest") == []


def test_an_organization_token_reads_them(acme, owner, web):
    a_release("a", web, date_added=NOON)
    token = Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=owner)[1])

    assert [one["version"] for one in token.get(f"{LIST}stats/").body] == ["a"]
    assert [one["version"] for one in token.get(LIST).body] == ["a"]
