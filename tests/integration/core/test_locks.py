"""Locks that all nodes know: in Redis where the tests have one, in the database otherwise."""

import threading
from dataclasses import replace

import pytest
import redis
from django.db import connection

from vedette.core import locks
from vedette.core.clock import EPOCH
from vedette.core.locks import LockHeld, LocksAway, held
from vedette.core.models import Lock


def run_out(name):
    """Let the lease of a lock end, as time would."""
    if locks.settings.VEDETTE.redis_url:
        locks.redis_client().delete(locks._PREFIX + name)
    else:
        assert Lock.objects.filter(name=name).update(ends_at=EPOCH)


@pytest.mark.django_db
def test_a_lock_that_is_held_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: pytest.fail("it waits"))

    with held("a", 60), pytest.raises(LockHeld, match="a is being worked on"), held("a", 60):
        pytest.fail("two hold it")


@pytest.mark.django_db
def test_another_name_is_another_lock():
    with held("a", 60), held("b", 60):
        pass


@pytest.mark.django_db
def test_a_lock_is_given_back_even_by_work_that_fails():
    with pytest.raises(ZeroDivisionError), held("a", 60):
        1 / 0  # noqa: B018

    with held("a", 60):
        pass


@pytest.mark.django_db
def test_a_lock_ends_by_itself_and_then_belongs_to_the_next():
    with held("a", 60):
        run_out("a")
        with held("a", 60):
            pass
        second = held("a", 60)
        second.__enter__()

    with pytest.raises(LockHeld), held("a", 60):  # the first, which gave back late, did not take it from the second
        pass
    second.__exit__(None, None, None)


@pytest.mark.django_db(transaction=True)
def test_who_waits_gets_it_when_it_is_given_back(monkeypatch):
    taken, done = threading.Event(), threading.Event()

    def work():
        with held("a", 60):
            taken.set()
            assert done.wait(30)
        connection.close()

    holder = threading.Thread(target=work)
    holder.start()
    assert taken.wait(30)

    def pause(seconds):
        done.set()
        holder.join()

    monkeypatch.setattr(locks.time, "sleep", pause)

    with held("a", 60, wait_seconds=30):
        assert done.is_set()


@pytest.mark.django_db
def test_who_waits_too_long_is_refused(monkeypatch):
    moments = iter(range(0, 100, 4))
    pauses = []
    monkeypatch.setattr(locks.clock, "monotonic", lambda: next(moments))
    monkeypatch.setattr(locks.time, "sleep", pauses.append)

    with held("a", 60), pytest.raises(LockHeld), held("a", 60, wait_seconds=10):
        pass

    assert pauses == [locks.PAUSE_SECONDS] * 2


@pytest.mark.django_db
def test_only_so_many_wait(monkeypatch):
    monkeypatch.setattr(locks, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: pytest.fail("it waits"))

    with held("a", 60), locks._places, pytest.raises(LockHeld), held("a", 60, wait_seconds=10):
        pass


@pytest.mark.django_db(transaction=True)
def test_of_those_that_race_one_has_it_at_a_time():
    inside, most, rounds = 0, 0, 0
    guard = threading.Lock()

    def work():
        nonlocal inside, most, rounds
        for _ in range(5):
            try:
                with held("race", 60, wait_seconds=30):
                    with guard:
                        inside += 1
                        most = max(most, inside)
                        rounds += 1
                    with guard:
                        inside -= 1
            finally:
                connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (most, rounds) == (1, 20)


def test_a_redis_that_is_away_is_told_as_something_that_passes(settings, monkeypatch):
    settings.VEDETTE = replace(settings.VEDETTE, redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(locks, "redis_client", lambda: redis.Redis(port=1, socket_timeout=0.1))

    with pytest.raises(LocksAway, match="try again"), held("a", 60):
        pytest.fail("nobody could give it")


def test_a_redis_that_goes_away_while_the_work_is_done_does_not_undo_it(settings, monkeypatch, caplog):
    class Going:
        def set(self, *args, **options):
            return True

        def eval(self, *args):
            raise redis.ConnectionError("gone")

    settings.VEDETTE = replace(settings.VEDETTE, redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(locks, "redis_client", Going)

    with held("a", 60):
        pass

    assert "lock a was not given back: gone" in caplog.text
