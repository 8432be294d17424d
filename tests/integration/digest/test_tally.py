"""Counting outcomes: reasons that clients make up are bounded, and nothing is lost by it."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import NOON
from vedette.core import sql
from vedette.digest import tally
from vedette.digest.models import OutcomeCount
from vedette.digest.tally import Tally
from vedette.digest.values import Reported
from vedette.wire.outcomes import Category, Count, Outcome

pytestmark = pytest.mark.django_db
LIMIT = 5


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(tally, "MADE_UP_REASONS", LIMIT)


def told(project: int, *reasons: str, outcome: Outcome = Outcome.CLIENT_DISCARD, hour: int = 0) -> None:
    counted = Tally()
    at = NOON.timestamp() + hour * 3600
    counts = tuple(Count(outcome, Category.ERROR, reason, 1, at) for reason in reasons)
    counted.reported(Reported(project, 1, 3, counts))
    counted.write()


def counts(project: int = 2) -> dict[str, int]:
    found: Counter[str] = Counter()
    for reason, quantity in OutcomeCount.objects.filter(project_id=project).values_list("reason", "quantity"):
        found[reason] += quantity
    return dict(found)


def test_beyond_the_bound_made_up_reasons_are_one_and_all_are_counted():
    told(2, *(f"mine-{number}" for number in range(4)))
    told(2, *(f"mine-{number}" for number in range(10)))
    told(2, *(f"mine-{number}" for number in range(10)))

    assert counts() == {**{f"mine-{number}": 3 for number in range(4)}, "mine-4": 2, "other": 10}


def test_known_reasons_are_never_folded():
    told(2, *(f"mine-{number}" for number in range(9)), "sample_rate", "network_error", "before_send")

    assert counts()["sample_rate"] == counts()["network_error"] == counts()["before_send"] == 1
    assert counts()["other"] == 9 - LIMIT


def test_each_project_and_each_hour_has_a_bound_of_its_own():
    told(2, *(f"mine-{number}" for number in range(LIMIT)))
    told(4, "fresh")
    told(2, "fresh", hour=1)
    told(2, "late")

    assert counts(4) == {"fresh": 1}
    assert counts(2) == {**{f"mine-{number}": 1 for number in range(LIMIT)}, "fresh": 1, "other": 1}


@pytest.mark.parametrize("outcome", [Outcome.FILTERED, Outcome.RATE_LIMITED, Outcome.CLIENT_DISCARD])
def test_every_list_that_a_client_sends_is_bounded(outcome):
    told(2, *(f"mine-{number}" for number in range(LIMIT + 3)), outcome=outcome)

    assert counts()["other"] == 3


def test_what_nobody_made_up_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(1):
        told(2, "sample_rate")


def test_a_reason_is_known_under_its_own_outcome_only():
    told(2, *(f"mine-{number}" for number in range(LIMIT)))
    told(2, "too_large", "spool_full", outcome=Outcome.CLIENT_DISCARD)
    told(2, "spool_full", outcome=Outcome.RATE_LIMITED)

    assert counts()["spool_full"] == 1
    assert counts()["other"] == 2


def test_each_category_of_a_made_up_reason_counts_towards_the_bound():
    counted = Tally()
    told_of = [category for category in Category if category is not Category.UNKNOWN][: LIMIT + 3]
    told_counts = tuple(Count(Outcome.CLIENT_DISCARD, one, "mine", 1, NOON.timestamp()) for one in told_of)
    counted.reported(Reported(2, 1, 3, told_counts))
    counted.write()

    assert counts() == {"mine": LIMIT, "other": 3}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="how SQLite plans")
def test_what_is_there_is_looked_up_by_the_hour_and_not_in_all_hours_of_the_project():
    with CaptureQueriesContext(connection) as asked:
        told(2, "mine")
    [look] = [one["sql"] for one in asked if one["sql"].startswith("SELECT")]
    plan = sql.run(f"EXPLAIN QUERY PLAN {look}", ())

    assert plan[-1][3] == "SEARCH digest_outcomecount USING INDEX digest_outcome_by_hour (organization_id=? AND hour=?)"
