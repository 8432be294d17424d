"""Many pipelines create one release at the same time."""

import dataclasses
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.support.factories import a_project, an_organization
from vedette.issues.models import Activity, ActivityType
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AnalyticsFact, AuditLogEntry
from vedette.releases.models import Release, ReleaseCommit, ReleaseProject, ReleaseStatus
from vedette.shipping.commits import CommitInput, CommitsBusy, UnknownRelease
from vedette.shipping.create import ReleaseSaid, create_release
from vedette.shipping.sender import Sender

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATORS = 50
PROJECTS = 10


def in_parallel(number, work):
    """Run `work(0)` to `work(number - 1)` at once; what they gave, and what they raised."""
    start, given, raised = threading.Barrier(number), {}, []

    def run(each):
        try:
            start.wait(timeout=60)
            given[each] = work(each)
        except Exception as error:  # noqa: BLE001 (the test says which there may be)
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return given, raised


@pytest.mark.django_db(transaction=True)
def test_of_fifty_who_create_a_version_one_makes_it_and_nothing_is_lost():
    acme = an_organization("acme")
    projects = [a_project(acme, f"p{number}") for number in range(PROJECTS)]
    reach = {project.pk for project in projects}
    released = NOON + timedelta(days=1)

    def create(number):
        mine = [projects[number % PROJECTS], projects[(number * 7 + 3) % PROJECTS]]
        said = ReleaseSaid({"date_released": released})
        now = NOON + timedelta(minutes=(number * 17) % CREATORS)  # the earliest is the first by chance only
        return create_release(acme, "web@1.0.0", said, mine, reach=reach, by=Sender(), now=now)

    given, raised = in_parallel(CREATORS, create)

    assert raised == []
    release = Release.objects.get()
    assert sum(shipped.is_new for shipped in given.values()) == 1
    assert release.date_added == NOON
    assert (release.package, release.major) == ("web", 1)
    assert ReleaseProject.objects.filter(release=release).count() == PROJECTS
    assert sum(len(shipped.linked) for shipped in given.values()) == PROJECTS
    told = Activity.objects.filter(type=ActivityType.RELEASE)
    assert sorted(told.values_list("project_id", flat=True)) == sorted(reach)
    assert AuditLogEntry.objects.filter(event=AuditEvent.RELEASE_CREATE).count() == 1


@pytest.mark.django_db(transaction=True)
def test_commits_of_many_who_create_a_version_are_all_there():
    acme = an_organization("acme")
    web = a_project(acme)

    def create(number):
        commit = CommitInput(f"{number:040x}", repository=f"acme/r{number}", timestamp=NOON)
        said = ReleaseSaid({}, commits=[commit], merge=True)
        while True:
            try:
                return create_release(acme, "1.0", said, [web], reach={web.pk}, by=Sender(), now=NOON)
            except CommitsBusy:  # as pipelines do
                continue

    given, raised = in_parallel(8, create)

    assert raised == []
    assert len(given) == 8
    release = Release.objects.get()
    assert ReleaseCommit.objects.filter(release=release).count() == release.commit_count == 8
    assert sorted(ReleaseCommit.objects.values_list("order", flat=True)) == list(range(8))


@pytest.mark.django_db
def test_a_release_that_is_not_there_is_not_archived():
    acme = an_organization("acme")

    with pytest.raises(UnknownRelease):
        create_release(acme, "1.0", ReleaseSaid({}, ReleaseStatus.ARCHIVED), [], reach=set(), by=Sender(), now=NOON)

    assert not Release.objects.exists()


@pytest.mark.django_db
def test_nobody_counts_where_counting_is_off(settings):
    settings.VEDETTE = dataclasses.replace(settings.VEDETTE, analytics=False)
    acme = an_organization("acme")

    create_release(acme, "1.0", ReleaseSaid({}), [], reach=set(), by=Sender(), now=NOON)

    assert not AnalyticsFact.objects.exists()
