import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from tests.support.factories import a_project, an_organization
from vedette.core import clock
from vedette.orgs.models import Organization
from vedette.releases.age import plausible, witness
from vedette.releases.creation import get_or_create
from vedette.releases.models import Release
from vedette.releases.sightings import Sighting, record

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENING = datetime(2026, 3, 1, 20, tzinfo=UTC)


@pytest.fixture
def a_release():
    def make(date_added):
        organization = Organization.objects.create(name="Acme", slug="acme")
        return Release.objects.create(organization=organization, version="web@1.0", date_added=date_added)

    return make


@pytest.mark.django_db
def test_an_earlier_event_moves_the_release_back(a_release):
    release = a_release(date_added=NOON)

    moved = witness(release, seen_at=MORNING)

    release.refresh_from_db()
    assert moved
    assert release.date_added == MORNING


@pytest.mark.django_db
def test_a_later_event_moves_nothing(a_release):
    release = a_release(date_added=NOON)

    moved = witness(release, seen_at=EVENING)

    release.refresh_from_db()
    assert not moved
    assert release.date_added == NOON


@pytest.mark.django_db
def test_a_stale_copy_moves_nothing_forward(a_release):
    stale = a_release(date_added=EVENING)
    Release.objects.filter(pk=stale.pk).update(date_added=MORNING)

    moved = witness(stale, seen_at=NOON)

    assert not moved
    assert Release.objects.get(pk=stale.pk).date_added == MORNING


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", [(MORNING, NOON), (NOON, MORNING)], ids=["earlier first", "later first"])
def test_of_two_writers_that_race_the_earlier_moment_wins(a_release, order):
    release = a_release(date_added=EVENING)
    start = threading.Barrier(2)

    def write(seen_at):
        copy = Release.objects.get(pk=release.pk)
        start.wait(timeout=10)
        witness(copy, seen_at)
        connection.close()

    threads = [threading.Thread(target=write, args=(seen_at,)) for seen_at in order]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert Release.objects.get(pk=release.pk).date_added == MORNING


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("earlier", ["pipeline", "event"])
def test_a_pipeline_and_an_event_that_race_to_make_a_release_leave_the_earlier_moment(earlier):
    project = a_project(an_organization("acme"))
    now = clock.now()
    said = {"pipeline": now - timedelta(hours=2), "event": now - timedelta(hours=1)}
    if earlier == "event":
        said = {"pipeline": said["event"], "event": said["pipeline"]}
    start, raised = threading.Barrier(2), []

    def make_it():
        with transaction.atomic():
            get_or_create(project.organization, "web@1.0", now=said["pipeline"], defaults={})

    def see_it():
        seen = Sighting(project.organization_id, project.pk, "web@1.0", "", "production", said["event"])
        with transaction.atomic():
            record([seen])

    def run(work):
        try:
            start.wait(timeout=10)
            work()
        except Exception as error:  # noqa: BLE001 (the test says that there may be none)
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in (make_it, see_it)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert raised == []
    assert Release.objects.get().date_added == min(said.values())


def test_only_a_plausible_moment_is_evidence():
    now = NOON

    assert plausible(now + timedelta(days=3), now, 90) == now
    assert plausible(now - timedelta(days=400), now, 90) == now - timedelta(days=90)
    assert plausible(MORNING, now, 90) == MORNING
