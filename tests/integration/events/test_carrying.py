"""Events out of one store and into another."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.integration.events.factories import NOON, a_hash, a_transaction, a_window, an_error, some_spans
from vedette.events import queries
from vedette.events.carrying import (
    CARRIED,
    ERRORS,
    SESSIONS,
    SPANS,
    TRANSACTIONS,
    Carried,
    carried_minutes,
    count_rows,
    pages_of,
    present_of,
    write_carried,
)
from vedette.events.client import EventStore
from vedette.events.rows import SessionRow
from vedette.events.writer import write_errors, write_sessions, write_spans, write_transactions

LATER = NOON + timedelta(days=1)


def carry(store: EventStore, table: Carried, of: int, to: int, token: str, rows: int = 100) -> int:
    """Copy what one project has to another one, page by page; how many rows there were."""
    count = 0
    place = list(table.columns).index("project_id")
    for number, page in enumerate(pages_of(store, table, of, LATER, rows)):
        columns: list[Any] = [list(column) for column in zip(*map(orjson.loads, page), strict=True)]
        columns[place] = [to] * len(page)
        write_carried(store, table, columns, f"{token}-{number}")
        count += len(page)
    return count


def content(store: EventStore, table: Carried, project_id: int) -> list[tuple[Any, ...]]:
    names = [name for name in table.columns if name != "project_id"]
    told = ", ".join(f"toString({name})" for name in names)
    where = f"FROM {table.name} WHERE project_id = {project_id} ORDER BY ALL"
    return [tuple(row) for row in store.rows(f"SELECT {told} {where}")]


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_errors_arrive_as_they_were(store, token, rows):
    errors = [
        replace(
            an_error(
                group_id=number % 2,
                primary_hash=a_hash(number % 2),
                timestamp=NOON + timedelta(microseconds=number // 3),
                tags={"käse": "gut\t\"'\\\n", "empty": ""},
                payload='{"a":"ü\\u0000\\ud83d"}\n'.encode(),
                handled=(None, True, False)[number % 3],
                exception_values=("a\\b", "\t"),
            ),
            has_body=bool(number % 2),
        )
        for number in range(7)
    ]
    write_errors(store, errors, token())

    assert carry(store, ERRORS, 1, 2, token(), rows) == 7

    assert content(store, ERRORS, 2) == content(store, ERRORS, 1)
    assert count_rows(store, ERRORS, [1, 2, 3]) == {1: 7, 2: 7}


@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_transactions_and_their_spans_arrive_as_they_were(store, token, rows):
    transactions = [a_transaction(transaction="/käse' \\ " + "x" * (number % 2)) for number in range(5)]
    write_transactions(store, transactions, token())
    spans = [some_spans(one, ("a" * 16, "db", "SELECT 'x'", 3), ("b" * 16, "db", "\t", 4)) for one in transactions]
    write_spans(store, spans, token())

    assert carry(store, TRANSACTIONS, 1, 2, token(), rows) == 5
    assert carry(store, SPANS, 1, 2, token(), rows) == 15

    assert content(store, TRANSACTIONS, 2) == content(store, TRANSACTIONS, 1)
    assert content(store, SPANS, 2) == content(store, SPANS, 1)


def a_session(**given: Any) -> SessionRow:
    return replace(
        SessionRow(
            project_id=1,
            timestamp=NOON.replace(second=0, microsecond=0),
            environment="prod\t\\",
            release="shop@1.0.0",
            batch_id=7,
            sessions=10,
            crashed=2,
            abnormal=1,
            unhandled=1,
            errored_preaggr=3,
            duration_count=2,
            duration_sum=3.5,
            duration_max=2.25,
            errored_sid_ids=tuple(range(1, 40)),
            user_ids=tuple(range(2**63, 2**63 + 300)),
            user_errored_ids=(1,),
            user_crashed_ids=(1, 2),
            user_abnormal_ids=(),
            user_unhandled_ids=(9,),
            user_anr_ids=(),
            user_anr_fg_ids=(),
            duration_values=(1.25, 2.25),
        ),
        **given,
    )


def test_sessions_arrive_as_what_they_add_up_to(store, token):
    write_sessions(store, [a_session(), a_session(environment="")], token())
    write_sessions(store, [a_session(batch_id=8, user_ids=(5, 6), duration_values=(9.0,))], token())

    assert carry(store, SESSIONS, 1, 2, token(), 1) == 2

    ours, theirs = (queries.session_sums(store, a_window(number))[0].totals for number in (1, 2))
    assert theirs == ours
    assert theirs.users == 302
    minute = int(NOON.replace(second=0).timestamp())
    assert carried_minutes(store, [1, 2], minute, minute) == {
        (2, minute, "prod\t\\", "shop@1.0.0"),
        (2, minute, "", "shop@1.0.0"),
    }


def test_what_came_after_the_watermark_stays_behind(store, token):
    write_errors(store, [an_error(received_at=NOON), an_error(received_at=NOON + timedelta(microseconds=1))], token())

    assert sum(len(page) for page in pages_of(store, ERRORS, 1, NOON)) == 1


def test_no_page_holds_the_rows_of_another_project(store, token):
    write_errors(store, [an_error(project_id=2), an_error(project_id=10**18)], token())

    assert [list(pages_of(store, table, 1, LATER)) for table in CARRIED] == [[], [], [], []]


def test_events_that_are_there_are_told_with_their_day(store, token):
    one, other = an_error(), an_error()
    write_errors(store, [one], token())

    found = present_of(store, ERRORS, 1, [one.event_id, other.event_id])

    assert found == {(one.event_id, NOON.date().isoformat())}
    assert present_of(store, ERRORS, 2, [one.event_id]) == set()


def test_the_same_page_under_the_same_token_is_stored_once(store, token):
    write_errors(store, [an_error()], token())
    mine = token()

    carry(store, ERRORS, 1, 2, mine)
    carry(store, ERRORS, 1, 2, mine)

    assert count_rows(store, ERRORS, [2]) == {2: 1}


def test_pages_of_large_rows_are_short(store, token, monkeypatch):
    monkeypatch.setattr("vedette.events.carrying.PAGE_BYTES", 60_000)
    write_errors(store, [an_error(payload=b"x" * 2000) for _ in range(100)], token())

    pages = list(pages_of(store, ERRORS, 1, LATER))

    assert sum(map(len, pages)) == 100
    assert max(map(len, pages)) < 30


def test_a_page_is_of_one_week(store, token):
    write_errors(store, [an_error(timestamp=NOON - timedelta(days=days)) for days in (0, 10, 1)], token())

    assert [len(page) for page in pages_of(store, ERRORS, 1, LATER)] == [1, 2]
