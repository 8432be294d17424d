import os
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session

from tests.integration.events.engine_process import running_engine
from tests.support.factories import a_project
from vedette.cli.retention import sweep
from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.migrate import migrate
from vedette.events.queries import store_facts
from vedette.events.rows import TransactionRow
from vedette.events.writer import write_transactions
from vedette.issues.models import EventAttachment

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
    assert OutcomeCount.objects.get().hour == YOUNG
    assert Session.objects.get().session_key == "new"
    assert not sweep(store, files, NOON, 90)


@pytest.mark.django_db
def test_a_dry_run_counts_the_same_and_deletes_nothing(store, files):
    everything(a_project(), files)
    write_transactions(store, [a_transaction(OLD)], uuid4().hex)

    dry = sweep(store, files, NOON, 90, dry_run=True)
    again = sweep(store, files, NOON, 90, dry_run=True)

    assert dry == again
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
