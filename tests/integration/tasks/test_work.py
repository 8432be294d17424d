import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from vedette.tasks.models import ScheduledJob, Work
from vedette.tasks.schedule import Job, enrol
from vedette.tasks.work import finish, is_current, is_waiting, put, put_off, take

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = 10 * MINUTE


def ask(subject=1, at=NOON, kind="fetch", **payload):
    put(kind, subject, payload, organization_id=7, now=at)


@pytest.mark.django_db
def test_work_is_taken_once_and_with_what_it_needs_to_know():
    ask(1, commit="abc")

    work = take("fetch", NOON, LEASE)

    assert (work.subject, work.organization_id, work.payload, work.attempts) == (1, 7, {"commit": "abc"}, 1)
    assert take("fetch", NOON, LEASE) is None


@pytest.mark.django_db
def test_work_of_another_kind_is_left_to_others():
    ask(1, kind="other")

    assert take("fetch", NOON, LEASE) is None
    assert is_waiting("other", 1)
    assert not is_waiting("fetch", 1)


@pytest.mark.django_db
def test_the_work_that_is_due_for_longest_comes_first():
    ask(1, at=NOON)
    ask(2, at=NOON - MINUTE)

    assert [take("fetch", NOON, LEASE).subject for _ in range(2)] == [2, 1]


@pytest.mark.django_db
def test_work_whose_holder_died_is_taken_again_when_the_lease_is_over():
    ask(1)
    take("fetch", NOON, LEASE)

    assert take("fetch", NOON + LEASE - MINUTE, LEASE) is None
    again = take("fetch", NOON + LEASE, LEASE)

    assert (again.subject, again.attempts) == (1, 2)


@pytest.mark.django_db
def test_finished_work_is_gone():
    ask(1)

    assert finish(take("fetch", NOON, LEASE))

    assert not is_waiting("fetch", 1)


@pytest.mark.django_db
def test_work_that_is_put_off_waits_and_says_why():
    ask(1)
    put_off(take("fetch", NOON, LEASE), "nobody\0 answers" + "!" * 1000, NOON + 5 * MINUTE)

    assert take("fetch", NOON + 4 * MINUTE, LEASE) is None
    again = take("fetch", NOON + 5 * MINUTE, LEASE)

    assert again.attempts == 2
    assert again.error.startswith("nobody\ufffd answers!")
    assert len(again.error) == 500


@pytest.mark.django_db
def test_work_that_is_asked_for_anew_begins_again_and_whoever_did_the_old_one_cannot_take_it_away():
    ask(1, commit="old")
    old = take("fetch", NOON, LEASE)
    put_off(old, "away", NOON + MINUTE)
    ask(1, commit="new")

    assert not is_current(old)
    assert not finish(old)
    put_off(old, "away", NOON + 99 * MINUTE)
    new = take("fetch", NOON, LEASE)

    assert (new.payload, new.attempts, new.error) == ({"commit": "new"}, 1, "")
    assert is_current(new)
    assert Work.objects.count() == 1


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_keep_work_waiting():
    ask(1, at=NOON + timedelta(days=400))

    assert take("fetch", NOON, LEASE).subject == 1


@pytest.mark.django_db
def test_asking_for_work_makes_its_job_due():
    enrol([Job("fetch", 3600, print)], NOON)

    ask(1, at=NOON)

    assert ScheduledJob.objects.get().due_at == NOON


@pytest.mark.django_db(transaction=True)
def test_of_many_nodes_each_takes_other_work():
    for subject in range(3):
        ask(subject)
    taken, together = [], threading.Barrier(6)

    def node():
        try:
            together.wait()
            taken.append(take("fetch", NOON, LEASE))
        finally:
            connection.close()

    threads = [threading.Thread(target=node) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(work.subject for work in taken if work) == [0, 1, 2]
    assert taken.count(None) == 3
