import threading
from datetime import UTC, datetime, timedelta

import pytest

from vedette.tasks.models import ScheduledJob
from vedette.tasks.runner import Runner, run_one
from vedette.tasks.schedule import FIRST_AFTER_SECONDS, RETRY_SECONDS, Job, claim, enrol, hasten, is_late

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_job(name="sweep", run=lambda context: None, every_seconds=3600):
    return Job(name, every_seconds, run)


def claimed(*jobs, at):
    return [job.name for job in claim(jobs, at)]


@pytest.mark.django_db
def test_a_new_job_is_due_soon_and_then_once_in_each_period():
    job = a_job()
    enrol([job], NOON)

    assert claimed(job, at=NOON) == []
    soon = NOON + timedelta(seconds=FIRST_AFTER_SECONDS)
    assert claimed(job, at=soon) == ["sweep"]
    assert claimed(job, at=soon + HOUR - timedelta(seconds=1)) == []
    assert claimed(job, at=soon + HOUR) == ["sweep"]


@pytest.mark.django_db
def test_enrolling_again_keeps_when_a_job_is_due_and_takes_its_new_period():
    enrol([a_job()], NOON)
    enrol([a_job(every_seconds=60)], NOON + HOUR)

    row = ScheduledJob.objects.get()
    assert row.due_at == NOON + timedelta(seconds=FIRST_AFTER_SECONDS)
    assert row.every_seconds == 60


@pytest.mark.django_db(transaction=True)
def test_of_many_nodes_one_takes_the_run():
    from django.db import connection

    job = a_job()
    enrol([job], NOON)
    taken, together = [], threading.Barrier(6)

    def node():
        try:
            together.wait()
            taken.extend(claim([job], NOON + HOUR))
        finally:
            connection.close()

    threads = [threading.Thread(target=node) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken == [job]


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_stop_the_schedule():
    job = a_job()
    enrol([job], NOON)
    claim([job], NOON + HOUR)

    assert claimed(job, at=NOON - 24 * HOUR) == ["sweep"]


@pytest.mark.django_db
def test_a_job_that_there_is_work_for_is_due_at_once():
    job = a_job()
    enrol([job], NOON)

    hasten("sweep", NOON)

    assert claimed(job, at=NOON) == ["sweep"]


@pytest.mark.django_db
def test_work_that_is_there_before_the_schedule_does_not_wait_for_a_period():
    job = a_job()

    hasten("sweep", NOON)
    enrol([job], NOON)

    assert claimed(job, at=NOON) == ["sweep"]
    assert ScheduledJob.objects.get().every_seconds == job.every_seconds


@pytest.mark.django_db(transaction=True)
def test_a_job_that_raises_is_kept_with_its_error_tried_again_soon_and_forgiven():
    def broken(context):
        raise ValueError(f"no {context}")

    enrol([a_job()], NOON)
    claim([a_job()], NOON + HOUR)

    assert not run_one(a_job(run=broken), "paper")
    assert not run_one(a_job(run=broken), "ink")
    row = ScheduledJob.objects.get()
    assert (row.error, row.failures) == ("ValueError: no ink", 2)
    assert row.due_at <= row.finished_at + timedelta(seconds=RETRY_SECONDS)

    assert run_one(a_job(), "paper")
    row.refresh_from_db()
    assert (row.error, row.failures) == ("", 0)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_raises_or_takes_long_holds_up_no_other():
    release, done = threading.Event(), []

    def slow(context):
        release.wait(10)
        done.append("slow")

    def broken(context):
        raise RuntimeError("a defect")

    jobs = [a_job("slow", slow), a_job("broken", broken), a_job("quick", lambda context: done.append("quick"))]
    runner = Runner(jobs, lambda: None)
    assert runner.look() == []
    ScheduledJob.objects.update(due_at=NOON)

    assert runner.look() == ["slow", "broken", "quick"]
    for name in ("broken", "quick"):
        runner.join(name, 10)
    ScheduledJob.objects.update(due_at=NOON)
    assert runner.look() == ["broken", "quick"]  # not the one that still runs
    release.set()
    for job in jobs:
        runner.join(job.name, 10)

    assert sorted(done) == ["quick", "quick", "slow"]
    assert {row.name: row.failures for row in ScheduledJob.objects.all()} == {"slow": 0, "broken": 2, "quick": 0}


@pytest.mark.django_db
def test_a_job_is_late_when_nobody_took_it_for_three_periods():
    enrol([a_job()], NOON)
    row = ScheduledJob.objects.get()

    assert not is_late(row, NOON + 3 * HOUR)
    assert is_late(row, NOON + 4 * HOUR)
