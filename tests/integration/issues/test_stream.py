"""The stream, on the real databases: what a search shows, in which order, page by page."""

from datetime import timedelta

import pytest

from tests.integration.events.engine_process import running_engine
from tests.support.factories import NOON, a_member, a_project, an_event, an_organization
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.files import FileStore
from vedette.core.paging import Cursor
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.events.client import StoreUnavailable
from vedette.events.migrate import migrate
from vedette.events.tables import TABLES
from vedette.issues import stream as stream_module
from vedette.issues.actions import assign
from vedette.issues.assignees import of_user
from vedette.issues.marks import set_bookmarked
from vedette.issues.models import Group, GroupLink, LinkedType
from vedette.issues.resolve import resolve
from vedette.issues.stream import StreamRequest, paginate, read_stream
from vedette.issues.subscriptions import set_subscribed

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with running_engine(tmp_path_factory.mktemp("stream")) as engine:
        migrate(engine.store())
        yield engine


@pytest.fixture
def events(engine):
    """An empty event store."""
    events = engine.store()
    for table in TABLES:
        events.run(f"TRUNCATE TABLE {table}")
    return events


@pytest.fixture
def take(events, tmp_path):
    """Digest prepared events in one batch."""

    def _take(*values):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out(values)
        groups = relate(mark, batch, [], {}, FileStore(tmp_path))
        store(events, mark, batch, groups, [], pytest.fail)
        return groups

    return _take


def ask(events, project, query="is:unresolved", **fields):
    request = StreamRequest(
        organization=project.organization,
        projects=(project,),
        start=NOON - timedelta(days=30),
        end=NOON + timedelta(days=30),
        query=query,
        **fields,
    )
    return read_stream(request, events)


def titles(page):
    return [row.group.title for row in page.rows]


@pytest.fixture
def shop(take):
    """Three issues: A seen thrice by two users, B once in staging, C once and resolved."""
    project = a_project()
    user = {"user": an_event(project).user}
    take(
        *[
            an_event(
                project,
                "A: payment",
                timestamp=NOON + timedelta(minutes=n),
                user=type(user["user"])(identity=f"id:{n % 2}", id=str(n % 2)),
                tags=(("level", "error"), ("browser", "Chrome 126")),
            )
            for n in range(3)
        ],
        an_event(
            project,
            "B: cart",
            timestamp=NOON + timedelta(hours=1),
            environment="staging",
            level="warning",
            tags=(("level", "warning"), ("browser", "Firefox 1")),
        ),
        an_event(project, "C: done", timestamp=NOON + timedelta(hours=2)),
    )
    resolve(list(Group.objects.filter(title="C: done")), None, now=NOON + timedelta(hours=3))
    return project


def test_a_search_knows_what_people_and_histories_say(shop, events, take):
    ann = a_member(shop.organization, "ann@example.com")
    a, b, c = Group.objects.select_related("project").order_by("title")
    set_bookmarked([a], ann, wanted=True)
    set_subscribed([a, b], ann, NOON, wanted=True)
    set_subscribed([b], ann, NOON, wanted=False)
    take(an_event(shop, "C: done", release="web@7", timestamp=NOON + timedelta(hours=4)))
    GroupLink.objects.create(project=shop, group=b, linked_type=LinkedType.TRACKER_ISSUE, linked_id=1)

    for query, expected in {
        "bookmarks:me": [a],
        "bookmarked_by:ann@example.com": [a],
        "bookmarks:nobody@example.com": [],
        "!bookmarks:me": [c, b],
        "subscribed:me": [a],
        "regressed_in_release:web@7": [c],
        "regressed_in_release:web@8": [],
        "is:linked": [b],
        "is:unlinked": [c, a],
    }.items():
        assert titles(ask(events, shop, query, viewer=ann)) == [group.title for group in expected], query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("is:unresolved", ["B: cart", "A: payment"], id="unresolved"),
        pytest.param("is:resolved", ["C: done"], id="resolved"),
        pytest.param("!is:resolved", ["B: cart", "A: payment"], id="not resolved"),
        pytest.param("", ["C: done", "B: cart", "A: payment"], id="everything"),
        pytest.param("browser:*chrome*", ["A: payment"], id="tag with a wildcard"),
        pytest.param('browser:"Chrome 126"', ["A: payment"], id="tag"),
        pytest.param("!browser:*chrome*", ["C: done", "B: cart"], id="tag negated"),
        pytest.param("has:browser is:unresolved", ["B: cart", "A: payment"], id="tag present"),
        pytest.param("level:warning", ["B: cart"], id="level"),
        pytest.param("environment:staging", ["B: cart"], id="environment"),
        pytest.param("PAYMENT", ["A: payment"], id="free text whatever the case"),
        pytest.param("is:unassigned is:unresolved", ["B: cart", "A: payment"], id="unassigned"),
        pytest.param("is:new", ["B: cart", "A: payment"], id="substatus"),
        pytest.param("project:web is:resolved", ["C: done"], id="project"),
        pytest.param("project:other", [], id="project elsewhere"),
        pytest.param("issue:WEB-1", ["A: payment"], id="short id"),
        pytest.param("assigned:nobody@example.com", [], id="unknown assignee"),
        pytest.param("x:it's\\'; DROP", [], id="hostile value"),
    ],
)
def test_a_search_shows_the_issues_that_it_means(events, shop, query, expected):
    assert titles(ask(events, shop, query)) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("date", ["C: done", "B: cart", "A: payment"]),
        ("new", ["C: done", "B: cart", "A: payment"]),
        ("freq", ["A: payment"]),
        ("user", ["A: payment"]),
    ],
)
def test_sorting_puts_the_right_issue_first(events, shop, sort, expected):
    assert titles(ask(events, shop, "", sort=sort))[: len(expected)] == expected


def test_rows_carry_the_numbers_of_the_window(events, shop):
    page = ask(events, shop, "payment", series="14d")

    [row] = page.rows
    assert (row.count, row.users, page.hits) == (3, 2, 1)
    assert len(row.series) == 14
    assert (row.first_seen, row.last_seen) == (NOON, NOON + timedelta(minutes=2))


def test_an_environment_narrows_issues_and_numbers(events, shop):
    assert titles(ask(events, shop, "", environments=("staging",))) == ["B: cart"]
    assert titles(ask(events, shop, "", environments=("",))) == ["C: done", "A: payment"]
    assert titles(ask(events, shop, "", environments=("nowhere",))) == []


def test_assigned_issues_are_found_by_me_and_by_name(events, shop):
    ann = a_member(shop.organization)
    assign(list(Group.objects.filter(title="B: cart")), of_user(ann), ann)

    for query in ("assigned:me", "assigned:ann@example.com", "is:assigned", "assigned:[me, #none]"):
        assert titles(ask(events, shop, query, viewer=ann)) == ["B: cart"], query
    assert titles(ask(events, shop, "!assigned:me is:unresolved", viewer=ann)) == ["A: payment"]


def test_another_organizations_issues_never_show(events, take, shop):
    foreign = a_project(an_organization("other"), "web")
    take(an_event(foreign, "Secret: plan"))

    assert "Secret: plan" not in titles(ask(events, shop, ""))
    assert titles(ask(events, foreign, "")) == ["Secret: plan"]


def test_no_project_and_no_time_show_nothing(events, shop):
    request = StreamRequest(shop.organization, (), NOON, NOON + timedelta(days=1))
    backwards = StreamRequest(shop.organization, (shop,), NOON, NOON)

    assert read_stream(request).rows == read_stream(backwards).rows == ()


@pytest.mark.parametrize(("field", "value", "sentence"), [("sort", "x", "Sort key"), ("series", "1y", "stats_period")])
def test_a_sort_or_period_that_is_none_is_refused(shop, field, value, sentence):
    request = StreamRequest(shop.organization, (shop,), NOON, NOON + timedelta(days=1), **{field: value})

    with pytest.raises(RuleBroken, match=sentence):
        read_stream(request)


@pytest.mark.parametrize("query", ["", "level:error"], ids=["relational", "events"])
def test_pages_show_every_issue_once_forwards_and_backwards(events, take, query):
    project = a_project()
    take(*[an_event(project, f"E: {n}", timestamp=NOON + timedelta(seconds=n // 3)) for n in range(23)])
    seen, cursor, pages = [], None, []
    while True:
        page = ask(events, project, query, limit=5, cursor=cursor)
        seen += titles(page)
        pages.append(titles(page))
        if not page.has_next:
            break
        cursor = page.next
    assert len(seen) == len(set(seen)) == 23
    assert pages[0] != pages[1]

    back = []
    while page.has_previous:
        page = ask(events, project, query, limit=5, cursor=page.previous)
        back.append(titles(page))
    assert back == pages[-2::-1]


def test_more_candidates_than_may_be_sent_give_the_same_list(events, shop, monkeypatch):
    expected = titles(ask(events, shop, "has:level is:unresolved"))

    monkeypatch.setattr(stream_module, "CANDIDATES", 1)

    page = ask(events, shop, "has:level is:unresolved")
    assert titles(page) == expected == ["B: cart", "A: payment"]
    assert page.hits is None


def test_without_the_event_store_the_relational_stream_still_stands(shop, monkeypatch):
    def away():
        raise StoreUnavailable("gone")

    class Away:
        def __getattr__(self, name):
            return lambda *a, **k: away()

    page = ask(Away(), shop, "is:unresolved")

    assert titles(page) == ["B: cart", "A: payment"]
    assert page.degraded
    assert [row.count for row in page.rows] == [1, 3]
    with pytest.raises(StoreUnavailable):
        ask(Away(), shop, "level:error")


def test_a_page_costs_a_bounded_number_of_statements(events, take, django_assert_max_num_queries):
    project = a_project()
    take(*[an_event(project, f"E: {n}") for n in range(60)])

    with django_assert_max_num_queries(6):
        assert len(ask(events, project, "", limit=50).rows) == 50


def test_a_keyset_page_skips_nothing_when_rows_arrive_meanwhile():
    rows = [(n, n // 4) for n in range(20, 0, -1)]

    def fetch(bound, backwards, skip, limit):
        found = [row for row in rows if bound is None or (row[1] >= bound if backwards else row[1] <= bound)]
        return (found[::-1] if backwards else found)[skip : skip + limit]

    first = paginate(fetch, None, 7)
    rows.insert(0, (99, 50))
    second = paginate(fetch, first.next, 7)
    third = paginate(fetch, second.next, 7)

    assert [pk for pk, _ in (*first.rows, *second.rows, *third.rows)] == list(range(20, 0, -1))
    assert paginate(fetch, second.previous, 7).rows == first.rows
    assert paginate(fetch, Cursor(-1, 0), 5).rows == ()
