"""How much may be sent (ingest specification, 12), and counting together with other processes."""

import asyncio
from collections import Counter as Totals
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.counters import Increment
from vedette.ingest import quotas as module
from vedette.ingest.keys import KeyInfo
from vedette.ingest.quotas import MAX_RETRY_SECONDS, Quotas
from vedette.ingest.sharing import QuotaSharer
from vedette.wire.outcomes import Category
from vedette.wire.quotas import (
    ABUSE_SECONDS,
    ERRORS,
    KEY_QUOTA,
    ORG_QUOTA,
    PROJECT_QUOTA,
    Quota,
    abuse_quota,
    quota,
    shift_of,
)

ONE_ERROR = ((Category.ERROR, 1),)
NOW = 600.0


def a_quota(limit: int, seconds: int = 60, name: str = "key:3", **more: object) -> Quota:
    return Quota(name, "key", limit, seconds, "key_quota", **more)  # type: ignore[arg-type]


def a_key(*quotas: Quota) -> KeyInfo:
    return KeyInfo(0, 2, 3, "a" * 32, quotas=quotas)


def test_12_1_without_a_limit_everything_passes():
    assert Quotas().take(a_key(), ONE_ERROR, NOW) == ()


def test_12_1_a_window_takes_so_many_and_then_says_for_how_long():
    quotas, key = Quotas(), a_key(a_quota(2))

    answers = [quotas.take(key, ONE_ERROR, NOW + second) for second in (0, 10, 20, 59, 60, 61, 62)]

    assert [[limit.seconds for limit in limits] for limits in answers] == [[], [], [40.0], [1.0], [], [], [58.0]]
    (refused,) = answers[2]
    assert (refused.scope, refused.reason, refused.categories) == ("key", "key_quota", ERRORS)


def test_12_1_a_limit_of_nothing_refuses_everything():
    assert Quotas().take(a_key(a_quota(0)), ONE_ERROR, NOW) != ()


def test_12_1_quotas_are_counted_apart_and_shared_by_the_keys_of_a_project():
    quotas = Quotas()
    shared = a_quota(2, name="project:7")

    first, second = a_key(a_quota(1, name="key:1"), shared), a_key(a_quota(9, name="key:2"), shared)

    assert quotas.take(first, ONE_ERROR, NOW) == ()
    assert quotas.take(second, ONE_ERROR, NOW) == ()
    assert len(quotas.take(second, ONE_ERROR, NOW)) == 1


def test_12_1_when_one_quota_refuses_none_is_counted():
    quotas = Quotas()
    narrow, wide = a_quota(1, seconds=60, name="narrow"), a_quota(2, seconds=3600, name="wide")
    both, only_wide = a_key(narrow, wide), a_key(wide)

    assert quotas.take(both, ONE_ERROR, NOW) == ()
    assert [quotas.take(both, ONE_ERROR, NOW) != () for _ in range(5)] == [True] * 5
    assert quotas.take(only_wide, ONE_ERROR, NOW) == ()
    assert quotas.take(only_wide, ONE_ERROR, NOW) != ()


def test_12_1_only_its_categories_count_against_a_quota_and_no_category_is_all():
    quotas = Quotas()
    some = a_key(Quota("a", "key", 0, 60, "r", (Category.TRANSACTION,)))
    every = a_key(Quota("b", "key", 0, 60, "r", ()))

    assert quotas.take(some, ONE_ERROR, NOW) == ()
    assert quotas.take(some, ((Category.TRANSACTION, 1),), NOW) != ()
    assert quotas.take(every, ONE_ERROR, NOW) != ()


def test_12_1_an_amount_goes_in_as_a_whole_or_not_at_all():
    quotas, key = Quotas(), a_key(Quota("a", "project", 100, 60, "r", (Category.ATTACHMENT,)))

    assert quotas.take(key, ((Category.ATTACHMENT, 90),), NOW) == ()
    assert quotas.take(key, ((Category.ATTACHMENT, 11),), NOW) != ()
    assert quotas.take(key, ((Category.ATTACHMENT, 10),), NOW) == ()


def test_12_1_nobody_is_told_to_wait_longer_than_five_minutes():
    (limit,) = Quotas().take(a_key(a_quota(0, seconds=86_400)), ONE_ERROR, NOW)

    assert limit.seconds == MAX_RETRY_SECONDS


def test_a_changed_limit_counts_from_the_same_window_on():
    quotas = Quotas()
    for _ in range(3):
        quotas.take(a_key(a_quota(3)), ONE_ERROR, NOW)

    assert quotas.take(a_key(a_quota(3)), ONE_ERROR, NOW) != ()
    assert quotas.take(a_key(a_quota(4)), ONE_ERROR, NOW) == ()
    assert quotas.take(a_key(a_quota(2)), ONE_ERROR, NOW) != ()


def test_12_1_windows_of_organizations_begin_at_different_moments():
    shifts = {shift_of(organization, 3600) for organization in range(50)}

    assert len(shifts) > 40
    assert all(0 <= shift < 3600 for shift in shifts)
    moved = quota("key:1", "key", 1, 60, "key_quota", 7)
    assert (NOW + moved.left(NOW) - moved.shift) % 60 == 0


@pytest.mark.parametrize(
    ("scope", "reason"), [("key", "key_quota"), ("project", "project_quota"), ("organization", "org_quota")]
)
def test_12_2_a_limit_of_errors_names_whose_it_is(scope, reason):
    assert {"key": KEY_QUOTA, "project": PROJECT_QUOTA, "organization": ORG_QUOTA}[scope] == reason
    found = quota(f"{scope}:1", scope, 5, 60, reason, 1)

    (limit,) = Quotas().take(a_key(found), ((Category.SECURITY, 6),), NOW)
    assert (limit.scope, limit.reason) == (scope, reason)
    assert limit.categories == (Category.DEFAULT, Category.ERROR, Category.SECURITY)


@pytest.mark.parametrize(
    ("group", "category"),
    [
        ("errors", Category.ERROR),
        ("transactions", Category.TRANSACTION),
        ("attachments", Category.ATTACHMENT_ITEM),
        ("sessions", Category.SESSION),
    ],
)
@pytest.mark.parametrize(("scope", "reason"), [("project", "project_abuse_limit"), ("organization", "org_abuse_limit")])
def test_12_2_an_abuse_limit_counts_one_kind_of_items(scope, reason, group, category):
    quotas, key = Quotas(), a_key(abuse_quota(f"{scope}:1", scope, group, 1, 1))

    assert quotas.take(key, ((category, 10),), NOW) == ()
    (limit,) = quotas.take(key, ((category, 1),), NOW)
    assert (limit.scope, limit.reason) == (scope, reason)
    assert category in limit.categories
    assert quotas.take(key, ((Category.MONITOR, 1),), NOW) == ()


def test_12_2_an_abuse_limit_is_a_rate_taken_over_ten_seconds():
    found = abuse_quota("project:2", "project", "attachments", 3, 1)

    assert (found.limit, found.seconds, found.reason) == (30, ABUSE_SECONDS, "project_abuse_limit")
    assert found.categories == (Category.ATTACHMENT_ITEM,)
    assert abuse_quota("organization:1", "organization", "errors", 3, 1).reason == "org_abuse_limit"


def test_counters_of_the_past_make_room(monkeypatch):
    monkeypatch.setattr(module, "MAX_COUNTERS", 3)
    quotas = Quotas()
    for number in range(3):
        quotas.take(a_key(a_quota(1, name=f"old:{number}")), ONE_ERROR, NOW)
    quotas.take(a_key(a_quota(1, seconds=10_000, name="long")), ONE_ERROR, NOW + 60)

    assert len(quotas.untold(NOW + 60)) == 1
    for number in range(9):
        quotas.take(a_key(a_quota(1, name=f"new:{number}")), ONE_ERROR, NOW + 60)
    assert len(quotas.untold(NOW + 60)) <= 3


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 5)), max_size=60), st.integers(0, 20))
def test_no_window_ever_takes_more_than_its_limit(asked, limit):
    quotas, key = Quotas(), a_key(a_quota(limit))
    taken: Totals[int] = Totals()

    for second, amount in sorted(asked):
        if not quotas.take(key, ((Category.ERROR, amount),), NOW + second):
            taken[second // 60] += amount

    assert all(total <= limit for total in taken.values())


class Redis:
    """Counters that two fronts share; `away` makes it unreachable."""

    def __init__(self) -> None:
        self.totals: Totals[str] = Totals()
        self.away = False

    def __call__(self, increments: Sequence[Increment]) -> list[int]:
        if self.away:
            raise ConnectionError("refused")
        for one in increments:
            self.totals[one.name] += one.amount
        return [self.totals[one.name] for one in increments]


def fronts(redis: Redis) -> list[tuple[Quotas, QuotaSharer]]:
    made = [Quotas(), Quotas()]
    return [(one, QuotaSharer(one, redis, lambda: NOW)) for one in made]


def run(steps: object) -> None:
    asyncio.run(steps)  # type: ignore[arg-type]


def test_12_5_two_fronts_count_together():
    redis, key = Redis(), a_key(a_quota(5))

    async def steps() -> None:
        (first, tell_first), (second, tell_second) = fronts(redis)
        for _ in range(3):
            assert first.take(key, ONE_ERROR, NOW) == ()
        assert second.take(key, ONE_ERROR, NOW) == ()
        assert await tell_first.exchange()
        assert await tell_second.exchange()

        assert second.take(key, ONE_ERROR, NOW) == ()
        assert second.take(key, ONE_ERROR, NOW) != ()
        await tell_second.exchange()
        first.take(key, ONE_ERROR, NOW)
        await tell_first.exchange()
        assert first.take(key, ONE_ERROR, NOW) != ()
        await tell_first.stop()
        await tell_second.stop()

    run(steps())


def test_12_5_a_shared_limit_is_exceeded_by_no_more_than_what_was_not_told_yet():
    redis, key = Redis(), a_key(a_quota(100))

    async def steps() -> None:
        pair = fronts(redis)
        taken = 0
        for _ in range(50):
            for quotas, _ in pair:
                taken += sum(not quotas.take(key, ONE_ERROR, NOW) for _ in range(4))
            for _, sharer in pair:
                await sharer.exchange()
        for _, sharer in pair:
            await sharer.stop()
        assert 100 <= taken <= 104

    run(steps())


def test_12_5_without_redis_each_front_goes_on_alone_and_tells_later(caplog):
    redis, key = Redis(), a_key(a_quota(5))

    async def steps() -> None:
        (first, tell_first), (second, tell_second) = fronts(redis)
        redis.away = True
        for _ in range(4):
            assert first.take(key, ONE_ERROR, NOW) == ()
        assert [await tell_first.exchange(), await tell_first.exchange()] == [False, False]
        assert first.take(key, ONE_ERROR, NOW) == ()
        assert first.take(key, ONE_ERROR, NOW) != ()

        redis.away = False
        assert await tell_first.exchange()
        second.take(key, ONE_ERROR, NOW)
        await tell_second.exchange()
        assert second.take(key, ONE_ERROR, NOW) != ()
        await tell_first.stop()
        await tell_second.stop()

    run(steps())
    assert [record.message.partition(":")[0] for record in caplog.records if record.levelname == "WARNING"] == [
        "limits are counted by this process alone"
    ]


def test_12_5_the_last_counts_are_told_on_the_way_out():
    redis, key = Redis(), a_key(a_quota(5))

    async def steps() -> None:
        (first, sharer), _ = fronts(redis)
        sharer.start()
        first.take(key, ONE_ERROR, NOW)
        await sharer.stop()

    run(steps())
    assert redis.totals == {"key:3:10": 1}


@pytest.mark.parametrize("answer", [TimeoutError, ValueError])
def test_12_5_whatever_redis_does_nobody_is_refused_because_of_it(answer):
    def broken(_: Sequence[Increment]) -> list[int]:
        raise answer

    async def steps() -> None:
        quotas = Quotas()
        sharer = QuotaSharer(quotas, broken, lambda: NOW)
        for _ in range(9):
            assert quotas.take(a_key(a_quota(10)), ONE_ERROR, NOW) == ()
            assert not await sharer.exchange()
        await sharer.stop()

    run(steps())
