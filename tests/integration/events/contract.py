"""What every event store does, whatever is behind it. `test_contract.py` runs it; the `store` fixture chooses."""

from datetime import timedelta

import pytest

from tests.integration.events.factories import ALWAYS, DAY, NOON, a_hash, a_transaction, a_window, an_error
from vedette.events import queries
from vedette.events.deletion import delete_before, delete_groups, delete_project, drop_before
from vedette.events.filters import AggregateFilter, TagFilter
from vedette.events.queries import TransactionFilter
from vedette.events.queries import tags as tag_queries
from vedette.events.rows import KnownEvent, RankedIssue, Window
from vedette.events.tables import KEPT, TABLES
from vedette.events.writer import forget_replaced, write_errors, write_transactions

HOSTILE = (
    "it's",
    'say "hi"',
    "back\\slash \\' \\n",
    "nul\0inside",
    "tab\tnewline\nreturn\r",
    "{p0:String} {x} }} {{",
    "'; DROP TABLE errors; --",
    "$$heredoc$$ `tick`",
    "per%cent _under_ *star*",
    "[1,2] ('a','b')",
    "\\N",
    "NULL",
    "é ü 日本 🦊",
    "a=b",
    " leading and trailing ",
)


def counted(store, **window):
    return queries.project_counts(store, a_window(**window))[1]


class Writing:
    def test_a_row_comes_back_as_it_went_in(self, store, token):
        row = an_error(tags={"browser": "Firefox 1", "os": "Linux"}, payload='{"é": "\\u0000 ünï"}'.encode())

        write_errors(store, [row], token())

        stored = queries.get_event(store, [1], row.event_id)
        assert stored.payload == row.payload
        for name in stored.summary.__slots__:
            assert getattr(stored.summary, name) == getattr(row, name), name

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_stored_and_found_as_it_is(self, store, token, text):
        names = "environment release level title message transaction user user_email user_name culprit logger".split()
        row = an_error(
            **dict.fromkeys(names, text),
            tags={text: text, "plain": text},
            exception_types=(text,),
            exception_values=(text,),
        )
        write_errors(store, [row, an_error(group_id=2, tags={"plain": "other"})], token())
        exact = [TagFilter(key, "=", (text,)) for key in (text, "plain", "environment", "user.email", "error.type")]
        pattern = text.replace("\\", "\\\\").replace("*", "\\*")

        window = a_window(environments=(text,))
        assert queries.get_event(store, [1], row.event_id).summary.tags == row.tags
        assert [e.event_id for e in queries.list_events(store, window, tags=exact)] == [row.event_id]
        assert queries.list_events(store, window, text=pattern)[0].title == text
        assert queries.rank_issues(store, window, tags=[TagFilter("plain", "like", (pattern,))])[0].group_id == 1
        assert queries.rank_issues(store, a_window(), levels=[text], tags=exact)[0].group_id == 1
        assert queries.tag_values(store, window, text)[0].value == text
        assert queries.tag_values(store, window, "release", contains=pattern)[0].value == text
        assert {facet.key for facet in queries.facets(store, window)} == {text, "plain"}
        assert queries.facets(store, window, keys=[text])[0].top[0].value == text
        assert queries.count_issues(store, a_window(), tags=[TagFilter("plain", "!=", (text,))]) == 1

    def test_a_lone_surrogate_does_not_stop_a_batch(self, store, token):
        row = an_error(title="broken \ud800 text", tags={"k\udfff": "v"})

        write_errors(store, [row, an_error()], token())

        assert queries.get_event(store, [1], row.event_id).summary.title == "broken \ufffd text"
        assert counted(store) == 2

    def test_a_replay_with_the_same_token_adds_nothing(self, store, token):
        rows = [an_error(timestamp=NOON - n % 60 * 3 * DAY, payload=b"x" * 9000) for n in range(400)]
        once = token()

        for _ in range(3):
            write_errors(store, rows, once)

        assert counted(store) == 400
        write_errors(store, rows, token())
        assert counted(store) == 800

    def test_one_batch_may_span_more_weeks_than_the_server_likes(self, store, token):
        write_errors(store, [an_error(timestamp=NOON - n * 7 * DAY) for n in range(150)], token())

        assert counted(store, start=NOON - 5000 * DAY) == 150

    def test_a_replay_is_dropped_after_events_were_deleted(self, store, token):
        rows = [an_error(group_id=1), an_error(group_id=2)]
        once = token()
        write_errors(store, rows, once)
        delete_groups(store, 1, [1])

        write_errors(store, rows, once)

        assert counted(store) == 1

    def test_an_empty_batch_writes_nothing_and_a_missing_token_is_refused(self, store):
        write_errors(store, [], "token")

        with pytest.raises(ValueError, match="token"):
            write_errors(store, [an_error()], "")
        assert counted(store) == 0

    def test_transactions_are_written_listed_and_counted_once(self, store, token):
        first, second = a_transaction(), a_transaction(timestamp=NOON + DAY, transaction="/cart", status="")
        once = token()
        write_transactions(store, [first, second], once)
        write_transactions(store, [first, second], once)

        listed = queries.list_transactions(store, a_window())
        assert [t.event_id for t in listed] == [second.event_id, first.event_id]
        assert (listed[1].duration_ms, listed[1].started_at) == (250.0, first.started_at)
        assert (
            queries.list_transactions(store, a_window(), TransactionFilter(name="/cart"))[0].event_id == second.event_id
        )
        assert queries.count_transactions(store, a_window()) == 2
        assert queries.count_transactions(store, a_window(2)) == 0


class Changing:
    def test_a_replaced_event_is_forgotten_and_others_stay(self, store, token):
        event_id = a_hash("again")
        old = [an_error(event_id=event_id), an_error(event_id=event_id, timestamp=NOON + DAY), an_error()]
        elsewhere = an_error(event_id=event_id, project_id=2)
        write_errors(store, [*old, elsewhere], token())
        known = queries.known_events(store, [(1, event_id, NOON)])
        write_errors(store, [an_error(event_id=event_id, batch_id=2, title="newer")], token())

        forget_replaced(store, known, batch_id=2)
        forget_replaced(store, known, batch_id=2)

        assert counted(store) == 3
        assert counted(store, end=NOON.replace(hour=0) + DAY) == 2
        assert queries.get_event(store, [2], event_id).summary.project_id == 2

    def test_the_newest_batch_wins_until_the_old_row_is_forgotten(self, store, token):
        event_id = a_hash("twice")
        write_errors(store, [an_error(event_id=event_id, title="old")], token())
        write_errors(store, [an_error(event_id=event_id, title="new", batch_id=2, group_id=5)], token())

        assert queries.get_event(store, [1], event_id).summary.title == "new"
        assert queries.get_event(store, [1], event_id, group_id=1).summary.title == "old"
        assert queries.event_project(store, [1, 2], event_id) == (1, 5)

    def test_deleted_issues_vanish_from_indexed_answers_too(self, store, token):
        tags = {"browser": "Firefox"}
        write_errors(store, [an_error(group_id=n, tags=tags) for n in (1, 2, 3)], token())

        assert delete_groups(store, 1, [1, 2], dry_run=True) == 2
        assert delete_groups(store, 1, [1, 2]) == 2
        assert delete_groups(store, 1, [1, 2]) == 0
        assert delete_groups(store, 1, []) == 0

        only = [TagFilter("browser", "=", ("Firefox",))]
        assert queries.rank_issues(store, a_window(), "count", tags=only) == [RankedIssue(3, 1)]
        assert queries.count_issues(store, a_window(), tags=only) == 1
        assert len(queries.list_events(store, a_window(), text="cart")) == 1

    def test_a_deleted_project_leaves_nothing(self, store, token):
        write_errors(store, [an_error(), an_error(project_id=2)], token())
        write_transactions(store, [a_transaction(), a_transaction(project_id=2)], token())

        delete_project(store, 1)

        assert queries.project_counts(store, a_window(1, 2)) == {1: 0, 2: 1}
        assert queries.count_transactions(store, a_window(1)) == 0
        assert queries.count_transactions(store, a_window(2)) == 1

    def test_what_one_project_no_longer_keeps_goes_and_what_others_keep_stays(self, store, token):
        days = [NOON - 2 * DAY, NOON]
        write_errors(store, [an_error(project_id=n, timestamp=at) for n in (1, 2) for at in days], token())
        write_transactions(store, [a_transaction(project_id=n, timestamp=at) for n in (1, 2) for at in days], token())

        dry = delete_before(store, [1], NOON - DAY, dry_run=True)
        deleted = delete_before(store, [1], NOON - DAY)

        assert dry == deleted
        assert (deleted["errors"], deleted["transactions"]) == (1, 1)
        assert queries.project_counts(store, a_window(1, 2)) == {1: 1, 2: 2}
        assert not any(delete_before(store, [1], NOON - DAY).values())
        assert delete_before(store, [], NOON) == {}

    def test_the_list_of_what_is_kept_names_every_table_of_projects(self, store):
        columns = store.rows("SELECT table, name FROM system.columns WHERE database = currentDatabase()")

        of_projects = {table for table, name in columns if name == "project_id"}
        assert of_projects == set(TABLES)
        assert all((table.name, table.moment) in columns for table in KEPT)

    def test_retention_drops_whole_weeks_that_are_over(self, store, token):
        weeks = [an_error(timestamp=NOON + n * 7 * DAY) for n in range(3)]
        write_errors(store, [*weeks, an_error(group_id=9, timestamp=NOON)], token())
        delete_groups(store, 1, [9])  # leaves patches, which are partitions of their own

        assert drop_before(store, NOON + 7 * DAY, dry_run=True) == ["errors/20260112"]
        assert counted(store) == 3
        assert drop_before(store, NOON + 7 * DAY) == ["errors/20260112"]
        assert counted(store) == 2
        assert drop_before(store, NOON + 7 * DAY) == []


class Issues:
    @pytest.fixture
    def some_issues(self, store, token):
        """Issue 1: three events of two users; 2: one late event; 3: two early ones of a warning."""
        rows = [an_error(group_id=1, timestamp=NOON + timedelta(hours=n), user=f"id:{n % 2}") for n in range(3)]
        rows += [an_error(group_id=2, timestamp=NOON + DAY, environment="", user="")]
        rows += [
            an_error(group_id=3, timestamp=NOON - n * DAY, level="warning", title="Slow", message="") for n in (1, 2)
        ]
        rows += [an_error(group_id=4, project_id=2)]
        write_errors(store, rows, token())
        return store

    def test_stats_count_events_users_and_edges(self, some_issues):
        stats = queries.issue_stats(some_issues, a_window(), [1, 2, 99])

        assert stats.keys() == {1, 2}
        one = stats[1]
        assert (one.count, one.users, one.first_seen, one.last_seen) == (3, 2, NOON, NOON + timedelta(hours=2))
        assert stats[2].users == 0
        assert queries.issue_stats(some_issues, a_window(), []) == {}

    def test_the_numbers_of_a_list_are_those_that_each_question_gives(self, some_issues, store, token):
        write_errors(store, [an_error(group_id=3, timestamp=NOON, handled=False, user="id:9")], token())
        noon, ever = a_window(start=NOON, end=NOON + timedelta(hours=2)), a_window()

        numbers = queries.issue_numbers(store, noon, [1, 2, 3, 99], ever=ever)

        assert {pk: one.stats for pk, one in numbers.items() if one.stats} == queries.issue_stats(
            store, noon, [1, 2, 3, 99]
        )
        assert {pk: one.ever for pk, one in numbers.items() if one.ever} == queries.issue_stats(
            store, ever, [1, 2, 3, 99]
        )
        assert [pk for pk, one in numbers.items() if one.unhandled] == [3]
        assert {one.series for one in numbers.values()} == {()}
        before = a_window(start=NOON - 3 * DAY, end=NOON)
        assert not queries.issue_numbers(store, before, [3])[3].unhandled
        assert queries.issue_numbers(store, noon, []) == {}

    def test_frequent_issues_are_counted_in_the_window(self, some_issues):
        assert queries.frequent_issues(some_issues, a_window(), 2, 10) == {3: 2, 1: 3}
        assert queries.frequent_issues(some_issues, a_window(start=NOON, end=NOON + timedelta(hours=1)), 3, 10) == {}
        assert len(queries.frequent_issues(some_issues, a_window(), 1, 1)) == 1

    @pytest.mark.parametrize(
        ("by", "expected"),
        [
            ("last_seen", [2, 1, 3]),
            ("new", [2, 1, 3]),
            ("first_seen", [2, 1, 3]),
            ("count", [1, 3, 2]),
            ("users", [1, 3, 2]),
        ],
    )
    def test_issues_are_ranked(self, some_issues, by, expected):
        assert [issue.group_id for issue in queries.rank_issues(some_issues, a_window(), by)] == expected

    def test_moments_score_in_milliseconds(self, some_issues):
        (latest, *_) = queries.rank_issues(some_issues, a_window())

        assert latest == RankedIssue(2, int((NOON + DAY).timestamp() * 1000))

    def test_a_cursor_walks_ties_in_both_directions(self, store, token):
        write_errors(store, [an_error(group_id=n) for n in range(1, 8)], token())
        window = a_window()
        first = queries.rank_issues(store, window, "count", limit=3)
        second = queries.rank_issues(store, window, "count", limit=3, before=(1, 3))
        third = queries.rank_issues(store, window, "count", limit=3, before=(1, 6))
        back = queries.rank_issues(store, window, "count", limit=3, after=(1, 1))

        assert [[i.group_id for i in page] for page in (first, second, third)] == [[7, 6, 5], [4, 3, 2], [1]]
        assert [i.group_id for i in back] == [4, 3, 2]
        with pytest.raises(ValueError, match="not both"):
            queries.rank_issues(store, window, before=(1, 0), after=(1, 0))

    def test_a_cursor_continues_below_a_score(self, some_issues):
        page = queries.rank_issues(some_issues, a_window(), "count", before=(2, 0))

        assert page == [RankedIssue(3, 2), RankedIssue(2, 1)]
        assert queries.rank_issues(some_issues, a_window(), "count", after=(2, 0)) == [
            RankedIssue(1, 3),
            RankedIssue(3, 2),
        ]

    @pytest.mark.parametrize(
        ("conditions", "expected"),
        [
            ({"candidates": [1, 3]}, {1, 3}),
            ({"candidates": []}, set()),
            ({"levels": ["warning"]}, {3}),
            ({"text": "NO SUCH"}, {1, 2}),
            ({"text": "no*cart"}, {1, 2}),
            ({"text": "100%"}, set()),
            ({"tags": [TagFilter("environment", "=", ("",))]}, {2}),
            ({"tags": [TagFilter("environment", "!has")]}, {2}),
            ({"tags": [TagFilter("environment", "has"), TagFilter("level", "!=", ("warning",))]}, {1}),
            ({"tags": [TagFilter("title", "like", ("value*",))]}, {1, 2}),
            ({"aggregates": [AggregateFilter("times_seen", ">=", 2)]}, {1, 3}),
            ({"aggregates": [AggregateFilter("last_seen", "<", int(NOON.timestamp() * 1000))]}, {3}),
        ],
        ids=str,
    )
    def test_filters_choose_issues_and_their_count(self, some_issues, conditions, expected):
        ranked = queries.rank_issues(some_issues, a_window(), **conditions)

        assert {issue.group_id for issue in ranked} == expected
        assert queries.count_issues(some_issues, a_window(), **conditions) == len(expected)

    def test_a_window_means_its_projects_times_and_environments(self, some_issues):
        def chosen(*projects, **window):
            return {issue.group_id for issue in queries.rank_issues(some_issues, a_window(*projects, **window))}

        assert chosen(1, 2) == {1, 2, 3, 4}
        assert chosen(2) == {4}
        assert chosen(start=NOON, end=NOON + DAY) == {1}
        assert chosen(environments=("",)) == {2}
        assert chosen(environments=("", "production")) == {1, 2, 3}
        with pytest.raises(ValueError, match="projects"):
            queries.rank_issues(some_issues, Window((), *ALWAYS))

    def test_series_are_aligned_and_filled_with_zeros(self, some_issues):
        window = a_window(start=NOON - timedelta(hours=1), end=NOON + timedelta(hours=2, minutes=30))

        starts = queries.bucket_starts(window, 3600)
        assert len(starts) == 4
        assert starts[0] == int(NOON.replace(hour=11, minute=0, second=0, microsecond=0).timestamp())
        assert queries.series(some_issues, window, 3600) == [0, 1, 1, 1]
        assert queries.series(some_issues, window, 3600, 2) == [0, 0, 0, 0]
        listed = queries.issue_numbers(some_issues, a_window(), [1, 3], series=(window, 3600))
        assert {pk: numbers.series for pk, numbers in listed.items()} == {1: (0, 1, 1, 1), 3: (0, 0, 0, 0)}
        part = a_window(start=window.start, end=NOON + timedelta(minutes=30))
        cut = queries.issue_numbers(some_issues, a_window(), [1, 99], series=(part, 3600))
        assert {pk: numbers.series for pk, numbers in cut.items()} == {1: (0, 1), 99: (0, 0)}
        both = a_window(1, 2, start=window.start, end=window.end)
        assert queries.project_series(some_issues, both, 3600) == {1: [0, 1, 1, 1], 2: [0, 1, 0, 0]}
        with pytest.raises(ValueError, match="limit"):
            queries.series(some_issues, a_window(), 1)

    def test_a_list_of_thousands_of_candidates_is_no_problem(self, some_issues):
        ranked = queries.rank_issues(some_issues, a_window(), candidates=list(range(1, 5001)))

        assert len(ranked) == 3


class Tags:
    @pytest.fixture
    def tagged(self, store, token):
        rows = [
            an_error(group_id=1, tags={"browser": b, "os": "Linux"}, handled=False)
            for b in ("Firefox", "Firefox", "Chrome")
        ]
        rows += [an_error(group_id=2, tags={"browser": "Chrome", "a": "b=c"}, handled=True)]
        rows += [an_error(group_id=3, tags={"a=b": "c", "level": "odd"}, level="info")]
        write_errors(store, rows, token())
        return store

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (TagFilter("browser", "=", ("Firefox",)), {1}),
            (TagFilter("browser", "=", ("firefox",)), set()),
            (TagFilter("browser", "=", ("Firefox", "Chrome")), {1, 2}),
            (TagFilter("browser", "=", ("",)), {3}),
            (TagFilter("browser", "=", ("Firefox", "")), {1, 3}),
            (TagFilter("browser", "=", ()), set()),
            (TagFilter("browser", "!=", ("Firefox",)), {1, 2, 3}),
            (TagFilter("browser", "!=", ("Chrome", "Firefox")), {3}),
            (TagFilter("browser", "has"), {1, 2}),
            (TagFilter("browser", "!has"), {3}),
            (TagFilter("browser", "like", ("*FOX",)), {1}),
            (TagFilter("browser", "like", ("fox",)), set()),
            (TagFilter("browser", "!like", ("*o*",)), {3}),
            (TagFilter("a", "=", ("b=c",)), {2}),
            (TagFilter("a=b", "=", ("c",)), {3}),
            (TagFilter("level", "=", ("error",)), {1, 2}),
            (TagFilter("tags[level]", "=", ("odd",)), {3}),
            (TagFilter("user.email", "=", ("a@example.com",)), {1, 2, 3}),
            (TagFilter("error.type", "=", ("ValueError",)), {1, 2, 3}),
            (TagFilter("error.type", "!=", ("ValueError",)), set()),
            (TagFilter("stack.filename", "like", ("*/VIEWS.py",)), {1, 2, 3}),
            (TagFilter("error.unhandled", "=", ("true",)), {1}),
            (TagFilter("error.unhandled", "!=", ("true",)), {2, 3}),
            (TagFilter("error.handled", "=", ("1",)), {2, 3}),
            (TagFilter("error.handled", "has"), {1, 2}),
            (TagFilter("id", "=", ("nonsense",)), set()),
            (TagFilter("message", "=", ("SUCH",)), {1, 2, 3}),
        ],
        ids=str,
    )
    def test_a_condition_selects_events(self, tagged, condition, expected):
        assert {i.group_id for i in queries.rank_issues(tagged, a_window(), tags=[condition])} == expected

    def test_an_event_must_pass_all_conditions_itself(self, tagged):
        both = [TagFilter("browser", "=", ("Chrome",)), TagFilter("os", "=", ("Linux",))]

        assert [i.group_id for i in queries.rank_issues(tagged, a_window(), tags=both)] == [1]

    def test_facets_count_keys_values_and_moments(self, tagged):
        browser, os_ = queries.facets(tagged, a_window(), 1)

        assert (browser.key, browser.total, browser.unique, os_.key) == ("browser", 3, 2, "os")
        assert [(v.value, v.count) for v in browser.top] == [("Firefox", 2), ("Chrome", 1)]
        assert browser.top[0].first_seen == NOON
        (only,) = queries.facets(tagged, a_window(), 1, top=1, keys=["browser"])
        assert [v.value for v in only.top] == ["Firefox"]

    def test_of_too_many_keys_those_that_most_events_carry_are_listed(self, tagged, monkeypatch):
        monkeypatch.setattr(tag_queries, "MAX_KEYS", 2)

        assert queries.tag_keys(tagged, a_window()) == {"browser": 4, "os": 3}
        assert [facet.key for facet in queries.facets(tagged, a_window())] == ["browser", "os"]
        assert [facet.key for facet in queries.facets(tagged, a_window(), keys=["a"])] == ["a"]

    def test_values_and_keys_are_listed(self, tagged):
        values = queries.tag_values(tagged, a_window(), "browser")
        assert sorted((v.value, v.count) for v in values) == [("Chrome", 2), ("Firefox", 2)]
        assert [
            v.value for v in queries.tag_values(tagged, a_window(), "browser", sort="value", limit=1, offset=1)
        ] == ["Firefox"]
        assert [v.value for v in queries.tag_values(tagged, a_window(), "browser", contains="fIRE")] == ["Firefox"]
        assert [v.value for v in queries.tag_values(tagged, a_window(), "browser", 2)] == ["Chrome"]
        assert [v.value for v in queries.tag_values(tagged, a_window(), "level", sort="value")] == ["error", "info"]
        assert queries.tag_keys(tagged, a_window()) == {"browser": 4, "os": 3, "a": 1, "a=b": 1, "level": 1}


class Events:
    @pytest.fixture
    def five(self, store, token):
        """Five events of an issue, two of them at the same moment, and strangers around them."""
        ids = [f"{n:032x}" for n in range(1, 6)]
        moments = [NOON, NOON + DAY, NOON + DAY, NOON + 10 * DAY, NOON + 11 * DAY]
        rows = [
            an_error(event_id=i, timestamp=m, environment="dev" if n == 3 else "production")
            for n, (i, m) in enumerate(zip(ids, moments, strict=True))
        ]
        write_errors(store, [*rows, an_error(group_id=2, timestamp=NOON + 2 * DAY), an_error(project_id=2)], token())
        return ids

    def test_neighbours_walk_an_issue_end_to_end(self, store, five):
        found = []
        event = queries.edge_event(store, [1], 1, "oldest")
        while event:
            found.append(event.summary.event_id)
            older, newer = queries.neighbours(store, event.summary)
            assert older == (found[-2] if len(found) > 1 else None)
            event = queries.get_event(store, [1], newer, 1) if newer else None

        assert sorted(found) == sorted(five)
        assert found[0] == five[0]
        assert found[-1] == queries.edge_event(store, [1], 1).summary.event_id

    def test_edges_and_neighbours_keep_to_the_environment(self, store, five):
        last = queries.edge_event(store, a_window(environments=("production",)), 1)
        assert last.summary.event_id == five[4]
        older, newer = queries.neighbours(store, last.summary, ["production"])
        assert older in (five[1], five[2])
        assert newer is None
        assert queries.edge_event(store, [1], 1, "oldest", ["dev"]).summary.event_id == five[3]
        assert queries.edge_event(store, a_window(end=NOON), 1) is None

    def test_a_list_is_newest_first_and_pages(self, store, five):
        page = queries.list_events(store, a_window(), 1, limit=2)
        rest = queries.list_events(store, a_window(), 1, limit=9, offset=2)

        assert [e.event_id for e in page] == [five[4], five[3]]
        assert {e.event_id for e in rest} == set(five[:3])

    def test_an_unknown_event_is_none(self, store, five):
        assert queries.get_event(store, [1], a_hash("never")) is None
        assert queries.get_event(store, [1], "' OR 1") is None
        assert queries.get_event(store, [2], five[0]) is None
        assert queries.get_event(store, [1], five[0], group_id=2) is None
        assert queries.event_project(store, [1], a_hash("never")) is None

    def test_known_events_mean_the_same_project_and_day(self, store, five):
        midnight = NOON.replace(hour=0, minute=0, second=0, microsecond=0)
        asked = [
            (1, five[0], midnight + DAY - timedelta(microseconds=1)),
            (1, five[1], midnight),
            (2, five[0], NOON),
            (1, five[3].upper(), NOON + 10 * DAY),
            (1, a_hash("never"), NOON),
        ]

        assert queries.known_events(store, asked) == [
            KnownEvent(1, five[0], "2026-01-14", 1, 1),
            KnownEvent(1, five[3], "2026-01-24", 1, 1),
        ]
        assert queries.known_events(store, []) == []

    def test_the_facts_tell_sizes(self, store, five):
        facts = queries.store_facts(store)

        errors = next(table for table in facts.tables if table.table == "errors")
        assert (errors.rows, errors.partitions, errors.oldest) == (7, 2, NOON)
        assert errors.bytes_on_disk > 1000
        assert facts.schema_version >= 2
        assert next(table for table in facts.tables if table.table == "transactions").oldest is None
