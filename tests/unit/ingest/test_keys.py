"""The cache of keys."""

import asyncio
import threading
import time

import pytest

from vedette.ingest.errors import KeysUnavailable
from vedette.ingest.keys import KeyDirectory, KeyInfo

KEY = KeyInfo(1, 2, 3, "a" * 32)


class Database:
    """Knows one key, counts who asks, and can go away."""

    def __init__(self) -> None:
        self.known: dict[str, KeyInfo] = {KEY.public_key: KEY}
        self.asked: list[str] = []
        self.is_away = False
        self.gate = threading.Event()
        self.gate.set()

    def load(self, public_key: str) -> KeyInfo | None:
        self.asked.append(public_key)
        self.gate.wait(5)
        if self.is_away:
            raise ConnectionError("away")
        return self.known.get(public_key)


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keys(database, clock):
    directory = KeyDirectory(database.load, max_keys=3, clock=clock)
    yield directory
    directory.close()


def test_a_known_key_is_asked_for_once_in_two_seconds(keys, database, clock):
    async def ask() -> None:
        assert keys.fresh(KEY.public_key) is None
        for seconds in (0, 1.9, 0.2):
            clock.now += seconds
            assert await keys.get(KEY.public_key) == KEY
            assert keys.fresh(KEY.public_key) == KEY

    asyncio.run(ask())

    assert len(database.asked) == 2


def test_an_unknown_key_is_asked_for_once_in_a_second(keys, database, clock):
    async def ask() -> None:
        for seconds in (0, 0.9, 0.2):
            clock.now += seconds
            assert await keys.get("x") is None

    asyncio.run(ask())

    assert len(database.asked) == 2


def test_a_new_key_is_known_as_soon_as_the_old_answer_is_a_second_old(keys, database, clock):
    async def ask() -> None:
        assert await keys.get("b") is None
        database.known["b"] = KEY
        clock.now += 1.1
        assert await keys.get("b") == KEY

    asyncio.run(ask())


def test_many_who_ask_at_once_are_answered_by_one_look_up(keys, database):
    async def ask() -> list[KeyInfo | None]:
        database.gate.clear()
        asking = [asyncio.create_task(keys.get(KEY.public_key)) for _ in range(50)]
        await asyncio.sleep(0.05)
        asking[0].cancel()
        database.gate.set()
        return await asyncio.gather(*asking[1:])

    assert asyncio.run(ask()) == [KEY] * 49
    assert len(database.asked) == 1


def test_a_known_key_outlives_the_database_for_a_minute(keys, database, clock):
    async def ask() -> None:
        await keys.get(KEY.public_key)
        database.is_away = True
        clock.now += 59
        assert await keys.get(KEY.public_key) == KEY
        clock.now += 2.1
        with pytest.raises(KeysUnavailable) as caught:
            await keys.get(KEY.public_key)
        assert caught.value.status == 503
        database.is_away = False
        assert await keys.get(KEY.public_key) == KEY

    asyncio.run(ask())


def test_a_key_that_nobody_can_look_up_is_not_called_unknown(keys, database):
    database.is_away = True

    with pytest.raises(KeysUnavailable):
        asyncio.run(keys.get("x"))


def test_made_up_keys_do_not_push_out_real_ones(keys, database):
    async def ask() -> None:
        await keys.get(KEY.public_key)
        for number in range(20):
            await keys.get(f"made up {number}")
        await keys.get(KEY.public_key)

    asyncio.run(ask())

    assert database.asked.count(KEY.public_key) == 1


def test_looking_up_does_not_stop_the_event_loop(keys, database):
    async def ask() -> float:
        database.gate.clear()
        asking = asyncio.create_task(keys.get("x"))
        started = time.monotonic()
        await asyncio.sleep(0.01)
        waited = time.monotonic() - started
        database.gate.set()
        await asking
        return waited

    assert asyncio.run(ask()) < 1
