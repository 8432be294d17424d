"""Counters that processes share, on a real Redis where the tests have one."""

import pytest
import redis

from tests.support.databases import TEST_REDIS_URL, redis_url
from vedette.core.counters import Increment, add_up

pytestmark = pytest.mark.skipif(not TEST_REDIS_URL, reason="needs VEDETTE_TEST_REDIS_URL")


@pytest.fixture
def client():
    with redis.Redis.from_url(redis_url()) as client:
        yield client


def test_what_two_add_is_one_sum_that_both_learn(client):
    assert add_up(client, [Increment("a:1", 3, 60), Increment("b:1", 5, 60)]) == [3, 5]
    assert add_up(client, [Increment("a:1", 4, 60), Increment("b:1", 0, 60)]) == [7, 5]


def test_counters_are_forgotten(client):
    add_up(client, [Increment("a:1", 3, 60)])

    assert 0 < client.ttl("vedette:count:a:1") <= 60


def test_nobody_at_the_address_is_an_error_for_the_caller():
    with pytest.raises(redis.RedisError):
        add_up(redis.Redis(port=1), [Increment("a", 1, 60)])
