"""The sessions API: fields, groups, filters, orders and refusals."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, an_organization
from tests.support.sessions import a_session, hours_ago, some_sessions
from vedette.accounts.tokens import create_user_token
from vedette.api import sessions as module
from vedette.core import clock
from vedette.releases.models import Release, ReleaseProject

SUM, USERS = "sum(session)", "count_unique(user)"


@pytest.fixture
def seen(web, shop, digest):
    """Sessions of two projects, three releases and two environments in the last hours."""
    digest(
        some_sessions(web, hours_ago(1), exited=90, errored=4, crashed=3, abnormal=2, unhandled=1),
        some_sessions(web, hours_ago(3), exited=10, release="shop@2.0", environment="dev"),
        a_session(web, hours_ago(1), did="ann", status="exited", duration=4),
        a_session(web, hours_ago(1), did="bob", status="crashed", errors=1),
        a_session(web, hours_ago(3), did="bob", status="exited", duration=8, release="shop@2.0", environment="dev"),
        some_sessions(shop, hours_ago(1), exited=5, release="api@1.0", environment="", did="ann"),
    )


@pytest.fixture
def ask(api):
    def _ask(*fields, status=200, by=(), **query):
        pairs = [("field", field) for field in fields] + [("groupBy", name) for name in by]
        pairs += list({"statsPeriod": "6h", **query}.items())
        answer = api.get("/organizations/acme/sessions/?" + urlencode([pair for pair in pairs if pair[1] is not None]))
        assert answer.status == status, answer.body
        return answer if status != 200 else answer.body

    return _ask


def totals(body, name=SUM):
    return [(*group["by"].values(), group["totals"][name]) for group in body["groups"]]


def test_without_groups_there_is_one_with_everything(ask, seen):
    body = ask(SUM, USERS, "crash_free_rate(session)", "crash_rate(user)")

    (group,) = body["groups"]
    assert group["by"] == {}
    assert group["totals"] == {
        SUM: 100 + 10 + 3 + 5,
        USERS: 3,  # ann and bob of one project, ann of the other
        "crash_free_rate(session)": pytest.approx(1 - 4 / 118),
        "crash_rate(user)": pytest.approx(1 / 3),
    }
    assert len(body["intervals"]) == len(group["series"][SUM]) == 7
    assert group["series"][SUM] == [0, 0, 0, 11, 0, 107, 0]
    assert group["series"][USERS] == [0, 0, 0, 1, 0, 3, 0]  # bob counts once in all
    assert group["series"]["crash_rate(user)"] == [None, None, None, 0, None, pytest.approx(1 / 3), None]
    assert (body["query"], body["intervals"][0]) == ("", body["start"])


def test_without_data_there_is_one_group_of_nothing(ask, web, events):
    body = ask(SUM, USERS, "avg(session.duration)", "crash_free_rate(user)", "anr_rate()", interval="2h")

    nothing = {SUM: 0, USERS: 0, "avg(session.duration)": None, "crash_free_rate(user)": None, "anr_rate()": None}
    (group,) = body["groups"]
    assert (group["by"], group["totals"]) == ({}, nothing)
    assert group["series"] == {name: [value] * len(body["intervals"]) for name, value in nothing.items()}
    assert ask(SUM, by=["project"])["groups"] == []


def test_every_status_is_a_group_also_without_sessions(ask, seen, web, shop):
    body = ask(SUM, USERS, "p50(session.duration)", by=["project", "session.status"])

    assert {(g["by"]["project"], g["by"]["session.status"]): g["totals"][SUM] for g in body["groups"]} == {
        (web.pk, "healthy"): 90 + 10 + 2,
        (web.pk, "errored"): 4,
        (web.pk, "crashed"): 4,
        (web.pk, "abnormal"): 2,
        (web.pk, "unhandled"): 1,
        (shop.pk, "healthy"): 5,
        **{(shop.pk, status): 0 for status in ("errored", "crashed", "abnormal", "unhandled")},
    }
    first, *rest = body["groups"]
    assert first["totals"] == {SUM: 102, USERS: 1, "p50(session.duration)": pytest.approx(6000, rel=0.4)}
    assert {group["totals"]["p50(session.duration)"] for group in rest} == {None}
    assert first["series"][SUM][5] == 91


def test_groups_come_with_what_they_are(ask, seen, web, shop):
    body = ask(SUM, by=["release", "environment", "project"])

    assert list(body["groups"][0]["by"]) == ["release", "environment", "project"]
    assert totals(body) == [
        ("shop@1.0", "prod", web.pk, 102),
        ("shop@2.0", "dev", web.pk, 11),
        ("api@1.0", "", shop.pk, 5),
    ]
    assert body["groups"][1]["series"][SUM] == [0, 0, 0, 11, 0, 0, 0]


def test_durations_are_milliseconds_of_sessions_that_exited(ask, seen):
    names = [f"{name}(session.duration)" for name in ("avg", "p50", "p75", "p90", "p95", "p99", "max")]

    (group,) = ask(*names, project="web")["groups"]
    (filtered,) = ask(names[0], query="session.status:crashed")["groups"]

    assert (group["totals"][names[0]], group["totals"][names[-1]]) == (6000, 8000)
    assert all(4000 <= group["totals"][name] <= 8000 for name in names)
    assert filtered["totals"] == {names[0]: None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("release:shop@1.0", 102),
        ("!release:shop@1.0", 16),
        ("release:[shop@1.0, shop@2.0]", 113),
        ("release:shop@*", 113),
        ("!release:SHOP@*", 5),
        ('release:"shop@*"', 0),
        ("environment:prod", 102),
        ('environment:""', 5),
        ("!environment:[prod,dev]", 5),
        ("project:shop", 5),
        ("!project:shop", 113),
        ("release:shop@* environment:dev", 11),
        ("session.status:crashed", 4),
        ("session.status:[crashed,abnormal]", 6),
        ("!session.status:healthy", 11),
        ("session.status:[crashed,abnormal] !session.status:crashed", 2),
        ("session.status:crashed session.status:abnormal", 0),
        ("", 118),
    ],
)
def test_a_query_chooses_sessions(ask, seen, query, expected):
    body = ask(SUM, query=query)

    assert [group["totals"][SUM] for group in body["groups"]] == [expected]
    assert sum(body["groups"][0]["series"][SUM]) == expected
    assert body["query"] == query


def test_a_filter_on_statuses_leaves_their_groups(ask, seen):
    body = ask(SUM, USERS, by=["session.status"], query="session.status:[crashed, abnormal]")

    assert totals(body) == [("crashed", 4), ("abnormal", 2)]
    assert totals(body, USERS) == [("crashed", 1), ("abnormal", 0)]
    assert ask(USERS, query="session.status:crashed")["groups"][0]["totals"][USERS] == 1


def test_parameters_choose_projects_environments_and_time(ask, seen, web):
    assert ask(SUM, project=web.pk)["groups"][0]["totals"][SUM] == 113
    assert ask(SUM, project="-1")["groups"][0]["totals"][SUM] == 118
    assert ask(SUM, environment="")["groups"][0]["totals"][SUM] == 5
    end = hours_ago(2).replace(minute=0)
    body = ask(SUM, statsPeriod=None, start=(end - timedelta(hours=2)).isoformat(), end=end.isoformat())
    assert (len(body["intervals"]), body["groups"][0]["totals"][SUM]) == (2, 11)


def test_start_and_end_are_rounded_out_to_the_interval(ask, seen):
    start = hours_ago(5).replace(hour=0, minute=10)
    body = ask(SUM, interval="6h", statsPeriod=None, start=start.isoformat(), end=(start + timedelta(1)).isoformat())

    assert (body["start"][11:], body["end"][11:], len(body["intervals"])) == ("00:00:00Z", "06:00:00Z", 5)
    assert body["start"][:10] == start.date().isoformat()


def test_minutes_are_told_of_the_last_30_days(ask, seen):
    body = ask(SUM, interval="1m", statsPeriod="2h")

    at = hours_ago(1).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert body["groups"][0]["series"][SUM][body["intervals"].index(at)] == 107


def test_the_default_window_is_told_by_the_day(ask, seen):
    body = ask(SUM, statsPeriod=None)

    assert len(body["intervals"]) in (91, 92)
    assert body["groups"][0]["totals"][SUM] == 118


def test_groups_are_ordered_by_the_first_field_or_by_what_is_asked(ask, seen):
    def order(*fields, **query):
        return [group["by"]["release"] for group in ask(*fields, by=["release"], **query)["groups"]]

    assert order(SUM) == ["shop@1.0", "shop@2.0", "api@1.0"]
    assert order(SUM, orderBy=SUM) == ["api@1.0", "shop@2.0", "shop@1.0"]
    assert order(SUM, "crash_rate(session)", orderBy="-crash_rate(session)")[0] == "shop@1.0"
    assert order(SUM, "max(session.duration)", orderBy="-max(session.duration)") == ["shop@2.0", "shop@1.0", "api@1.0"]
    assert order(SUM, "max(session.duration)", orderBy="max(session.duration)") == ["shop@1.0", "shop@2.0", "api@1.0"]


def test_pages_of_groups_follow_each_other(ask, api, seen):
    first = ask(SUM, by=["release"], per_page=2)
    answer = api.get("/organizations/acme/sessions/?field=sum(session)&groupBy=release&per_page=2&statsPeriod=6h")

    assert 'rel="next"; results="true"; cursor="0:2:0"' in answer.headers["Link"]
    assert [group["by"]["release"] for group in first["groups"]] == ["shop@1.0", "shop@2.0"]
    rest = ask(SUM, by=["release"], per_page=2, cursor="0:2:0")
    assert [group["by"]["release"] for group in rest["groups"]] == ["api@1.0"]


def test_there_are_no_more_groups_than_an_answer_holds(ask, seen, monkeypatch):
    monkeypatch.setattr(module, "MAX_CELLS", 16)

    assert len(ask(SUM, by=["release"])["groups"]) == 2  # 16 // (7 intervals + 1)


def test_totals_and_series_can_be_left_out(ask, seen):
    assert ask(SUM, includeSeries="0")["groups"] == [{"by": {}, "totals": {SUM: 118}}]
    (group,) = ask(SUM, includeTotals="0")["groups"]
    assert list(group) == ["by", "series"]


class TestReleaseDates:
    @pytest.fixture
    def releases(self, acme, web, shop, seen):
        now = clock.now()
        for days, version, project in ((1, "shop@2.0", web), (2, "shop@9.9", web), (3, "api@1.0", shop)):
            release = Release.objects.create(
                organization=acme, version=version, date_added=now - timedelta(days=30), date_released=None
            )
            Release.objects.filter(pk=release.pk).update(date_released=now - timedelta(days=days))
            ReleaseProject.objects.create(project=project, release=release)
        release = Release.objects.create(organization=acme, version="shop@1.0", date_added=now - timedelta(days=9))
        ReleaseProject.objects.create(project=web, release=release)

    def test_releases_without_data_are_told_too(self, ask, releases):
        body = ask(SUM, "crash_rate(session)", by=["release"], orderBy="-release.timestamp")

        assert totals(body) == [("shop@2.0", 11), ("shop@9.9", 0), ("api@1.0", 5), ("shop@1.0", 102)]
        assert body["groups"][1]["totals"]["crash_rate(session)"] is None
        assert body["groups"][1]["series"][SUM] == [0] * 7

    def test_the_oldest_come_first_without_the_sign(self, ask, releases):
        body = ask(SUM, by=["release", "session.status"], orderBy="release.timestamp", query="release:shop*")

        assert totals(body)[0] == ("shop@1.0", "healthy", 91)
        assert [group["by"]["release"] for group in body["groups"][::5]] == ["shop@1.0", "shop@9.9", "shop@2.0"]

    def test_with_projects_each_release_stands_under_its_own(self, ask, releases, web, shop):
        body = ask(SUM, by=["project", "release"], orderBy="-release.timestamp", per_page=3)

        assert totals(body) == [(web.pk, "shop@2.0", 11), (web.pk, "shop@9.9", 0), (shop.pk, "api@1.0", 5)]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"by": ["project"]}, "To sort by release.timestamp, tag release must be in the groupBy"),
            ({"by": ["release"], "cursor": "0:5:0"}, "Passing an offset value greater than 0"),
            ({"by": ["release"], "per_page": 101}, "at most 100 groups"),
        ],
    )
    def test_it_refuses_what_it_cannot_order(self, ask, releases, query, sentence):
        answer = ask(SUM, orderBy="-release.timestamp", status=400, **query)

        assert sentence in answer.detail

    def test_no_pattern_takes_long(self, ask, acme, web):
        release = Release.objects.create(organization=acme, version="a" * 200)
        ReleaseProject.objects.create(release=release, project=web)

        body = ask(SUM, by=["release"], orderBy="-release.timestamp", query="release:*a*a*a*a*a*a*a*a*a~")

        assert body["groups"] == []


@pytest.mark.parametrize(
    ("fields", "query", "sentence"),
    [
        ((), {}, 'Request is missing a "field"'),
        (("sum(errors)",), {}, 'Invalid field: "sum(errors)"'),
        ((SUM,), {"by": ["device"]}, 'Invalid groupBy: "device"'),
        ((SUM,), {"interval": "10s"}, "has to be a multiple of the minimum interval of one minute"),
        ((SUM,), {"interval": "30m", "statsPeriod": "40d"}, "multiple of the minimum interval of one hour"),
        ((SUM,), {"interval": "2d"}, "has to be at most one day"),
        ((SUM,), {"interval": "5h"}, "should divide one day cleanly"),
        ((SUM,), {"interval": "soon"}, "Invalid interval"),
        ((SUM,), {"interval": "0h"}, "Invalid interval"),
        ((SUM,), {"interval": "1h", "statsPeriod": "60d"}, "Use a larger interval, or a smaller date range"),
        (("crash_rate(session)",), {"by": ["session.status"]}, "Cannot group field crash_rate(session) by"),
        (("anr_rate()",), {"query": "session.status:crashed"}, "Cannot filter field anr_rate() by session.status"),
        ((USERS,), {"query": "session.status:[crashed,abnormal]"}, "by multiple session.status"),
        ((SUM,), {"orderBy": USERS}, "'orderBy' must be one of the provided 'fields'"),
        (
            (SUM, "avg(session.duration)"),
            {"orderBy": "avg(session.duration)", "query": "session.status:crashed"},
            "Cannot order by avg(session.duration) with the current filters",
        ),
        ((SUM,), {"query": "browser:firefox"}, "Invalid key for this search: browser"),
        ((SUM,), {"query": "release:shop OR nothing"}, "is no filter"),
        ((SUM,), {"query": "session.status:fine"}, "Invalid value for session.status"),
        ((SUM,), {"query": "project:nobodys"}, "does not exist or is not actively selected"),
        ((SUM,), {"query": "release:a " * 21}, "more than 20 filters"),
        ((SUM,), {"query": "release:" + "*a" * 11}, "at most 10 stars and 256 characters"),
        ((SUM,), {"query": f"release:{'a' * 256}*"}, "at most 10 stars and 256 characters"),
        ((SUM,), {"query": f"release:[{'a*,' * 21}]"}, "more than 20 values with a star"),
        *(
            ((SUM,), {"query": query}, "is no filter")
            for query in (
                "release:[" + '"\\' * 2000,
                'release:"' + "\\a" * 2000,
                'release:"' + "\\" * 4001,
                "release:[" * 400 + '"',
                "!" * 4096,
                "a." * 2048,
                "release:" + "a" * 4087 + '"',
            )
        ),
        ((SUM,), {"query": "a" * 4097}, "longer than 4096 characters"),
        ((SUM,), {"per_page": "many"}, "Invalid per_page parameter"),
        ((SUM,), {"statsPeriod": "soon"}, "Invalid statsPeriod"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(ask, seen, fields, query, sentence):
    assert sentence in ask(*fields, status=400, **query).detail


def test_too_many_groups_for_the_store_are_refused(ask, seen, monkeypatch):
    monkeypatch.setattr(module, "MAX_ROWS", 3)

    assert "too many groups" in ask(SUM, by=["release"], status=400).detail


def test_nobody_without_projects_gets_an_answer(acme, token_of, events):
    lonely = token_of(a_member(acme, "lonely@example.com"), "org:read")

    answer = lonely.get("/organizations/acme/sessions/?field=sum(session)")

    assert (answer.status, answer.detail) == (400, "No projects available")


def test_projects_out_of_reach_are_not_counted(acme, web, seen, token_of, ask):
    other = an_organization("other")
    theirs = a_project(other, "theirs")
    stranger = Api(create_user_token(a_member(other, "eve@example.com", "owner"), frozenset({"org:read"}))[1])

    assert stranger.get("/organizations/acme/sessions/?field=sum(session)").status == 404
    mine = stranger.get("/organizations/other/sessions/?field=sum(session)&statsPeriod=6h")
    assert mine.body["groups"][0]["totals"] == {SUM: 0}
    assert stranger.get(f"/organizations/other/sessions/?field=sum(session)&project={web.pk}").status == 403
    assert "is not actively selected" in ask(SUM, query=f"project:{theirs.pk}", status=400).detail


def test_the_scope_is_needed(acme, web, owner, token_of, events):
    path = "/organizations/acme/sessions/?field=sum(session)"

    assert token_of(owner, "event:read").get(path).status == 403
    assert Api().get(path).status == 401
    assert token_of(owner, "org:read").get(path).status == 200
