import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session

from tests.integration.events.engine_process import running_engine
from tests.support.factories import a_project, an_organization
from vedette.cli.retention import sweep
from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.migrate import migrate
from vedette.events.queries import store_facts
from vedette.events.rows import TransactionRow
from vedette.events.writer import write_transactions
from vedette.issues.models import EventAttachment, Group, UserReport
from vedette.orgs.models import Organization, OrganizationStatus
from vedette.projects.models import ObjectStatus, Project

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OLD = NOON - timedelta(days=100)
YOUNG = NOON - timedelta(days=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with running_engine(tmp_path_factory.mktemp("events")) as engine:
        store = engine.store()
        migrate(store)
        yield store
        store.close()


@pytest.fixture
def files(tmp_path):
    return FileStore(tmp_path / "files")


def attach(project, files, content, date_added, *, settled=True):
    name = files.put(content)
    if settled:
        os.utime(files.path(name), (time.time() - 86_400,) * 2)
    EventAttachment.objects.create(
        project=project,
        event_id=uuid4().hex,
        name="log.txt",
        content_type="text/plain",
        size=len(content),
        sha1=name,
        date_added=date_added,
    )
    return files.path(name)


def a_transaction(at):
    words = dict.fromkeys(
        """transaction op status source trace_id span_id parent_span_id platform environment release dist user sdk_name
        sdk_version""".split(),
        "",
    )
    return TransactionRow(
        project_id=1,
        event_id=uuid4().hex,
        batch_id=1,
        started_at=at,
        timestamp=at,
        received_at=at,
        duration_ms=1.0,
        span_count=0,
        tags=(),
        measurements=(),
        payload=b"{}",
        **words,
    )


def everything(project, files):
    attach(project, files, b"old", OLD)
    for at in (OLD, YOUNG):
        UserReport.objects.create(project=project, event_id=uuid4().hex, date_added=at)
    OutcomeCount.objects.create(organization_id=1, project_id=1, outcome=0, category=1, hour=OLD, quantity=1)
    OutcomeCount.objects.create(organization_id=1, project_id=1, outcome=0, category=1, hour=YOUNG, quantity=1)
    Session.objects.create(session_key="old", session_data="", expire_date=NOON - timedelta(minutes=1))
    Session.objects.create(session_key="new", session_data="", expire_date=NOON + timedelta(days=1))


@pytest.mark.django_db
def test_what_is_old_goes_and_what_is_young_stays(store, files):
    everything(a_project(), files)
    write_transactions(store, [a_transaction(OLD), a_transaction(YOUNG)], uuid4().hex)

    swept = sweep(store, files, NOON, 90)

    assert (len(swept.weeks), swept.attachments, swept.files, swept.outcomes, swept.sessions) == (1, 1, 1, 1, 1)
    assert {table.table: table.rows for table in store_facts(store).tables}["transactions"] == 1
    assert swept.reports == 1
    assert UserReport.objects.get().date_added == YOUNG
    assert OutcomeCount.objects.get().hour == YOUNG
    assert Session.objects.get().session_key == "new"
    assert not sweep(store, files, NOON, 90)


@pytest.mark.django_db
def test_a_dry_run_counts_the_same_and_deletes_nothing(store, files):
    everything(a_project(), files)
    a_project(an_organization("gone", status=OrganizationStatus.PENDING_DELETION))
    a_project(an_organization("kept"), status=ObjectStatus.PENDING_DELETION)
    write_transactions(store, [a_transaction(OLD)], uuid4().hex)

    dry = sweep(store, files, NOON, 90, dry_run=True)
    again = sweep(store, files, NOON, 90, dry_run=True)

    assert dry == again
    assert (dry.projects, dry.organizations) == (2, 1)
    assert Project.objects.count() == 3
    assert sweep(store, files, NOON, 90) == dry


@pytest.mark.django_db
def test_a_file_that_a_young_attachment_names_stays(store, files):
    project = a_project()
    path = attach(project, files, b"the same", OLD)
    attach(project, files, b"the same", YOUNG)

    swept = sweep(store, files, NOON, 90)

    assert (swept.attachments, swept.files) == (1, 0)
    assert path.exists()


@pytest.mark.django_db
def test_a_file_that_was_just_written_again_stays(store, files):
    path = attach(a_project(), files, b"again", OLD, settled=False)

    swept = sweep(store, files, NOON, 90)

    assert (swept.attachments, swept.files) == (1, 0)
    assert path.exists()


def transactions_of(store, project):
    return store.value("SELECT count() FROM transactions WHERE project_id = {p:UInt64}", {"p": project.pk})


@pytest.mark.django_db
def test_a_project_that_was_given_up_goes_with_all_that_it_sent(store, files):
    gone, stays = a_project(slug="gone", status=ObjectStatus.PENDING_DELETION), a_project(an_organization("other"))
    own, shared = attach(gone, files, b"own", YOUNG), attach(gone, files, b"shared", YOUNG)
    attach(stays, files, b"shared", YOUNG)
    Group.objects.create(project=gone, short_id=1)
    for project in (gone, stays):
        OutcomeCount.objects.create(
            organization_id=1, project_id=project.pk, outcome=0, category=1, hour=YOUNG, quantity=1
        )
        write_transactions(store, [replace(a_transaction(YOUNG), project_id=project.pk)], uuid4().hex)

    swept = sweep(store, files, NOON, 90)

    assert (swept.projects, swept.organizations, swept.attachments) == (1, 0, 0)
    assert Project.objects.get() == stays
    assert (own.exists(), shared.exists()) == (False, True)
    assert OutcomeCount.objects.get().project_id == stays.pk
    assert (transactions_of(store, gone), transactions_of(store, stays)) == (0, 1)
    assert not sweep(store, files, NOON, 90)


@pytest.mark.django_db
def test_a_deletion_that_was_interrupted_is_finished_by_the_next_sweep(store, files, monkeypatch):
    project = a_project(status=ObjectStatus.PENDING_DELETION)

    def away(*_):
        raise OSError("the event store is away")

    with monkeypatch.context() as patch:
        patch.setattr("vedette.cli.retention.delete_project", away)
        with pytest.raises(OSError, match="away"):
            sweep(store, files, NOON, 90)
    project.refresh_from_db()

    assert project.status == ObjectStatus.DELETION_IN_PROGRESS
    assert sweep(store, files, NOON, 90).projects == 1
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_a_project_with_a_file_that_is_too_new_waits(store, files):
    project = a_project(status=ObjectStatus.PENDING_DELETION)
    path = attach(project, files, b"just now", YOUNG, settled=False)

    assert sweep(store, files, NOON, 90).projects == 0
    os.utime(path, (time.time() - 86_400,) * 2)
    assert sweep(store, files, NOON, 90).projects == 1
    assert not path.exists()


@pytest.mark.django_db
def test_an_organization_that_was_given_up_goes_with_its_projects(store, files):
    organization = an_organization("gone", status=OrganizationStatus.PENDING_DELETION)
    a_project(organization)

    swept = sweep(store, files, NOON, 90)

    assert (swept.projects, swept.organizations) == (1, 1)
    assert not Organization.objects.exists()
