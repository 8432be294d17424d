import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis
from django.db import IntegrityError, connection

from vedette.core import snowflake
from vedette.core.models import IdSequence
from vedette.core.snowflake import NoIdAvailable, SequenceAway, compose, ids_of_the_past, next_id
from vedette.orgs.models import Organization, Team


def test_the_segments_stand_where_the_format_says():
    assert compose(0, 0, 0) == 16 << 48
    assert compose(1, 2, 3) == (16 << 48) | (1 << 16) | (2 << 4) | 3
    assert compose(2**32 - 1, 4095, 15) < 2**53


@pytest.mark.parametrize("segments", [(-1, 0, 0), (2**32, 0, 0), (0, 4096, 0), (0, 0, 16)])
def test_a_segment_that_does_not_fit_is_refused(segments):
    with pytest.raises(ValueError, match="do not fit"):
        compose(*segments)


@pytest.mark.django_db
def test_more_than_sixteen_ids_a_second_borrow_from_the_seconds_before(monkeypatch):
    monkeypatch.setattr(snowflake.time, "time", lambda: snowflake.EPOCH_SECONDS + 1000)

    ids = [next_id("a") for _ in range(40)]

    assert len(set(ids)) == 40
    assert {number >> 16 & 0xFFFFFFFF for number in ids} == {1000, 999, 998}


@pytest.mark.django_db
def test_a_clock_that_jumps_back_makes_no_duplicate(monkeypatch):
    now = [snowflake.EPOCH_SECONDS + 5000]
    monkeypatch.setattr(snowflake.time, "time", lambda: now[0])
    before = [next_id("a") for _ in range(20)]

    now[0] -= 250
    after = [next_id("a") for _ in range(20)]
    now[0] += 250

    assert len({*before, *after, *(next_id("a") for _ in range(20))}) == 60


@pytest.mark.django_db
def test_used_up_ids_are_an_error_and_not_a_duplicate(monkeypatch):
    monkeypatch.setattr(snowflake.time, "time", lambda: snowflake.EPOCH_SECONDS + 3)

    for _ in range(48):
        next_id("a")

    with pytest.raises(NoIdAvailable, match="Max allowed ID retry reached"):
        next_id("a")


@pytest.mark.django_db
def test_models_have_sequences_of_their_own_and_old_ones_are_forgotten(monkeypatch):
    now = [snowflake.EPOCH_SECONDS + 5000]
    monkeypatch.setattr(snowflake.time, "time", lambda: now[0])

    assert next_id("a") == next_id("b")
    now[0] += 3600
    next_id("a")

    if IdSequence.objects.exists():  # with Redis the counters expire there
        assert IdSequence.objects.count() == 1


@pytest.mark.django_db
def test_a_broken_rule_is_not_mistaken_for_a_taken_id():
    organization = Organization.objects.create(name="Acme", slug="acme")
    Team.objects.create(organization=organization, slug="core", name="Core")

    with pytest.raises(IntegrityError):
        Team.objects.create(organization=organization, slug="core", name="Core again")


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_never_draw_the_same_id():
    drawn: list[int] = []
    lock = threading.Lock()

    def draw():
        mine = [next_id("parallel") for _ in range(25)]
        connection.close()
        with lock:
            drawn.extend(mine)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(drawn) == len(set(drawn)) == 100


def test_a_redis_that_is_away_is_told_as_something_that_passes(settings, monkeypatch):
    settings.VEDETTE = replace(settings.VEDETTE, redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr("vedette.core.shared.redis_client", lambda: redis.Redis(port=1, socket_timeout=0.1))

    with pytest.raises(SequenceAway, match="try again"):
        next_id("a")


def test_ids_of_the_past_are_as_old_as_their_things_and_no_two_alike():
    moment = datetime(2023, 5, 1, 12, tzinfo=UTC)

    ids = ids_of_the_past([moment, *[datetime(2015, 1, 1, tzinfo=UTC)] * 5000], lambda ids: set())

    assert (ids[0] >> 16 & 0xFFFFFFFF) + snowflake.EPOCH_SECONDS == moment.timestamp()
    assert len(set(ids)) == 5001
    assert not any(snowflake.is_of_the_future(number) for number in ids)


def test_a_thing_whose_second_is_taken_gets_an_id_of_another_second():
    moment = datetime(2023, 5, 1, 12, tzinfo=UTC)
    seconds = int(moment.timestamp()) - snowflake.EPOCH_SECONDS
    asked: list[int] = []

    def taken(ids: Collection[int]) -> set[int]:
        asked.append(len(ids))
        return {number for number in ids if number >> 16 & 0xFFFFFFFF == seconds}

    [number] = ids_of_the_past([moment], taken)

    assert number >> 16 & 0xFFFFFFFF != seconds
    assert asked == [1, 1]


def test_ids_are_not_to_be_had_where_everything_is_taken():
    with pytest.raises(NoIdAvailable):
        ids_of_the_past([datetime(2023, 5, 1, tzinfo=UTC)], set().union)
