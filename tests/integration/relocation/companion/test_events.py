"""Events of an archive: those of the new projects and issues, each once, none that is too old."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.events.factories import a_transaction, an_error, some_spans
from tests.support.companion import Forger, rows_in
from tests.support.factories import NOON, a_project, a_release, an_organization
from tests.support.moving import wipe
from vedette.core import clock
from vedette.digest.recall import Recall
from vedette.events.carrying import ERRORS, SESSIONS, SPANS, TRANSACTIONS, count_rows
from vedette.events.client import StoreUnavailable
from vedette.events.rows import SessionRow
from vedette.events.writer import write_errors, write_sessions, write_spans, write_transactions
from vedette.issues.models import EventAttachment, Group, GroupRedirect
from vedette.orgs.models import Organization
from vedette.orgs.options import RETENTION_DAYS, set_option
from vedette.projects.models import Project
from vedette.relocation.companion import storing
from vedette.relocation.importing.failures import ImportFailed

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def project(db):
    return a_project(an_organization())


@pytest.fixture
def group(project):
    return Group.objects.create(project=project, short_id=7, title="ValueError: bad", times_seen=3)


def errors_of(group, count=3, **fields):
    return [
        an_error(
            project_id=group.project_id, group_id=group.pk, timestamp=NOON + number * HOUR, tags={"n": "ü"}, **fields
        )
        for number in range(count)
    ]


def a_session(project, **fields):
    counts = dict.fromkeys(("crashed", "abnormal", "unhandled", "errored_preaggr", "duration_count"), 1)
    sets = ("errored_sid_ids", "user_ids", "user_errored_ids", "user_crashed_ids", "user_abnormal_ids")
    more = ("user_unhandled_ids", "user_anr_ids", "user_anr_fg_ids")
    values = {"timestamp": NOON, "environment": "prod", "release": "shop@1.0", "batch_id": 9, "sessions": 5}
    values |= {"duration_sum": 1.5, "duration_max": 1.5, "duration_values": (1.5,), **counts}
    return SessionRow(project_id=project.pk, **{**values, **dict.fromkeys((*sets, *more), (1, 2)), **fields})


@pytest.fixture
def everything(events, project, group):
    """Errors, a transaction with its spans, and sessions; the carrier's store holds them."""
    write_errors(events, errors_of(group), "e")
    transaction = a_transaction(project_id=project.pk, timestamp=NOON, started_at=NOON, received_at=NOON)
    write_transactions(events, [transaction], "t")
    write_spans(events, [some_spans(transaction, ("a" * 16, "db", "SELECT 1", 3))], "s")
    write_sessions(events, [a_session(project)], "h")
    a_release("shop@1.0", project)


def move(carrier, **options):
    archive = carrier.exports(with_events=True)
    wipe()
    return archive, carrier.imports(archive, **options)


def numbers(store):
    """How many rows each project has in each table, smallest first."""
    projects = list(Project.objects.values_list("pk", flat=True))
    return {table.name: count_rows(store, table, projects) for table in (ERRORS, TRANSACTIONS, SPANS, SESSIONS)}


def test_events_belong_to_the_new_project_and_the_new_issue(event_carrier, everything, group, events):
    _, result = move(event_carrier)

    new = Group.objects.get()
    assert new.pk != group.pk
    assert numbers(events) == {
        "errors": {new.project_id: 3},
        "transactions": {new.project_id: 1},
        "spans": {new.project_id: 2},
        "sessions": {new.project_id: 1},
    }
    rows = events.rows(f"SELECT DISTINCT group_id, batch_id, tags['n'] FROM errors WHERE project_id = {new.project_id}")
    assert [tuple(row) for row in rows] == [(new.pk, 0, "ü")]
    assert {name: done["inserted"] for name, done in result.events.items()} == {
        "errors": 3,
        "transactions": 1,
        "spans": 2,
        "sessions": 1,
    }


def test_without_events_none_are_in_the_archive(event_carrier, everything):
    archive = event_carrier.exports()

    assert rows_in(archive, "events.errors") == []
    assert len(rows_in(archive, "issues.group")) == 1


def test_the_same_archive_again_adds_no_event(event_carrier, everything, events):
    archive, _ = move(event_carrier)
    before = numbers(events)

    result = event_carrier.imports(archive)

    assert numbers(events) == before
    assert {name: done["inserted"] for name, done in result.events.items()} == dict.fromkeys(before, 0)


def test_an_import_that_was_broken_off_in_its_events_is_completed(event_carrier, everything, events, monkeypatch):
    monkeypatch.setattr("vedette.relocation.companion.eventing.AT_ONCE", 2)
    archive = event_carrier.exports(with_events=True)
    wipe()
    written = storing.EventRows.write
    calls = Counter()

    def broken(self, batch):
        calls[self.table.name] += 1
        done = written(self, batch)
        if calls["errors"] == 2:  # what is written is not yet noted
            raise StoreUnavailable("away")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(storing.EventRows, "write", broken)
        with pytest.raises(StoreUnavailable):
            event_carrier.imports(archive)
    event_carrier.imports(archive)

    (new,) = Project.objects.values_list("pk", flat=True)
    assert numbers(events) == {
        "errors": {new: 3},
        "transactions": {new: 1},
        "spans": {new: 2},
        "sessions": {new: 1},
    }


def test_what_a_kill_lost_behind_its_token_is_written_again(event_carrier, everything, events, monkeypatch):
    archive = event_carrier.exports(with_events=True)
    wipe()
    with monkeypatch.context() as patched:
        patched.setattr(storing.EventRows, "write", broken_after_the_insert(events))
        with pytest.raises(StoreUnavailable):
            event_carrier.imports(archive)

    event_carrier.imports(archive)

    (new,) = Project.objects.values_list("pk", flat=True)
    assert numbers(events)["errors"] == {new: 3}


def broken_after_the_insert(store):
    """The token is noted, the rows are gone, and nothing is known of it."""
    written = storing.EventRows.write

    def write(self, batch):
        written(self, batch)
        (project,) = Project.objects.values_list("pk", flat=True)
        store.run(
            f"DELETE FROM errors WHERE project_id = {project}", None, {"lightweight_delete_mode": "lightweight_update"}
        )
        raise StoreUnavailable("killed")

    return write


def test_events_older_than_the_new_server_keeps_are_left_out_and_told_of(event_carrier, group, events):
    set_option(group.project.organization, RETENTION_DAYS, 10)
    fresh, old = errors_of(group, 2)
    write_errors(events, [fresh, replace(old, timestamp=NOON - timedelta(days=20))], "e")

    _, result = move(event_carrier)

    assert (result.events["errors"]["inserted"], result.events["errors"]["too_old"]) == (1, 1)
    assert "1 rows are older than is kept here, and were left out" in [one.reason for one in result.findings]


def test_events_of_issues_that_do_not_travel_stay(event_carrier, group, events):
    gone = Group.objects.create(project=group.project, short_id=8, status=3)
    write_errors(events, errors_of(group, 1) + errors_of(gone, 2), "e")

    _, result = move(event_carrier)

    assert (result.events["errors"]["inserted"], result.events["errors"]["homeless"]) == (1, 2)


def test_events_of_an_issue_that_is_being_merged_go_to_the_one_that_takes_it_in(event_carrier, group, events):
    child = Group.objects.create(project=group.project, short_id=8, status=5)
    GroupRedirect.objects.create(
        organization_id=group.project.organization_id,
        group=group,
        previous_group_id=child.pk,
        previous_short_id=8,
        previous_project_slug="web",
    )
    write_errors(events, errors_of(group, 1) + errors_of(child, 2), "e")

    move(event_carrier)

    home = Group.objects.get()
    assert (
        events.value(f"SELECT count() FROM errors WHERE group_id = {home.pk} AND project_id = {home.project_id}") == 3
    )
    assert GroupRedirect.objects.get().moved_at is not None


def test_attachments_come_with_their_files(event_carrier, group, events):
    name = event_carrier.files.put(b"a dump")
    event = errors_of(group, 1)[0]
    write_errors(events, [event], "e")
    EventAttachment.objects.create(
        project=group.project, group=group, event_id=event.event_id, name="dump", content_type="x/y", size=6, sha1=name
    )
    archive = event_carrier.exports(with_events=True)
    event_carrier.files.remove(name)
    wipe()

    event_carrier.imports(archive)

    row = EventAttachment.objects.get()
    assert (row.group_id, row.event_id) == (Group.objects.get().pk, event.event_id)
    assert event_carrier.files.path(row.sha1).read_bytes() == b"a dump"


def test_what_arrived_after_the_export_began_stays_behind(event_carrier, group, events):
    later = clock.now() + HOUR
    write_errors(events, [*errors_of(group, 1), *errors_of(group, 1, received_at=later)], "e")

    archive = event_carrier.exports(with_events=True)

    assert len(rows_in(archive, "events.errors")) == 1


def test_an_archive_with_events_needs_no_event_store_to_move_the_rest(event_carrier, everything):
    archive = event_carrier.exports(with_events=True)
    wipe()
    event_carrier.store = None

    result = event_carrier.imports(archive)

    assert Group.objects.count() == Organization.objects.count() == 1
    assert any("no event store" in finding.reason for finding in result.findings)


def forged(archive, tmp_path, table, change):
    """An archive whose rows of a table were changed."""
    forger = Forger(archive, tmp_path)
    forger.change_events(table, change)
    return forger.archive()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("errors", {"event_id": "x"}),
        ("sessions", {"users": "XYZ"}),
    ],
)
def test_a_line_of_events_that_is_none_ends_the_import_before_anything_is_written(
    event_carrier, everything, tmp_path, table, change
):
    archive = forged(event_carrier.exports(with_events=True), tmp_path, table, change)

    with pytest.raises(ImportFailed) as failed:
        event_carrier.imports(archive)

    assert (failed.value.finding.model, failed.value.finding.ordinal) == (f"events.{table}", 1)
    assert Organization.objects.count() == 1


def test_a_state_that_is_none_is_refused_by_the_store_and_reaches_no_other_row(
    event_carrier, everything, events, tmp_path
):
    archive = forged(event_carrier.exports(with_events=True), tmp_path, "sessions", {"users": "FF0D0A09"})
    before = count_rows(events, SESSIONS, [Project.objects.get().pk])

    with pytest.raises(ImportFailed) as failed:
        event_carrier.imports(archive)

    assert failed.value.finding.model == "events.sessions"
    assert numbers(events)["sessions"] == before


def test_events_cannot_be_given_to_anybody_elses_project_or_issue(event_carrier, everything, group, events, tmp_path):
    victim = Group.objects.create(project=a_project(an_organization("victim"), "theirs"), short_id=1)
    archive = event_carrier.exports(with_events=True, org_slugs=frozenset({"acme"}))
    archive = forged(archive, tmp_path, "errors", {"project_id": victim.project_id, "group_id": victim.pk})

    result = event_carrier.imports(archive)

    assert result.events["errors"]["homeless"] == 3
    assert count_rows(events, ERRORS, [victim.project_id]) == {}


def test_a_running_digest_knows_what_was_imported(event_carrier, everything, group, events):
    event_id = errors_of_the_store(events)[0]
    archive = event_carrier.exports(with_events=True)
    wipe()
    events.run("TRUNCATE TABLE errors")
    recall = Recall(events, "errors")
    assert recall.suspects([(1, "f" * 32, NOON)]) == []  # the day is read, and empty

    event_carrier.imports(archive)

    again = (Project.objects.get().pk, event_id, NOON)
    assert recall.suspects([again]) == [again]


def test_an_event_that_an_application_sends_while_its_archive_comes_is_stored_once(
    event_carrier, group, events, monkeypatch
):
    sent = replace(errors_of(group, 1)[0], timestamp=clock.now())
    write_errors(events, [sent], "e")
    archive = event_carrier.exports(with_events=True)
    wipe()
    batches = storing.EventRows.batches

    def after_a_report(self, archive, after):
        if self.table is ERRORS:
            new = Group.objects.get()
            write_errors(events, [replace(sent, project_id=new.project_id, group_id=new.pk)], "app")
        yield from batches(self, archive, after)

    monkeypatch.setattr(storing.EventRows, "batches", after_a_report)
    result = event_carrier.imports(archive)

    assert numbers(events)["errors"] == {Project.objects.get().pk: 1}
    assert (result.events["errors"]["inserted"], result.events["errors"]["existing"]) == (0, 1)


def errors_of_the_store(store):
    return [row[0].hex for row in store.rows("SELECT event_id FROM errors ORDER BY timestamp")]
