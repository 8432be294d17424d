"""Files and reports of a batch, on the real database (ingest specification, 14.12, 14.19, 14.20, 14.23)."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support import factories
from tests.support.factories import NOON, a_project, a_user_report, an_event
from vedette.core import clock, sql
from vedette.core import files as files_module
from vedette.core.files import FileStore
from vedette.core.pieces import pieces
from vedette.digest import belongings, linking
from vedette.digest import stream as stream_module
from vedette.digest.batch import sort_out
from vedette.digest.linking import link_late
from vedette.digest.models import DigestBatch, OutcomeCount
from vedette.digest.relate import relate
from vedette.events.rows import EventPlace
from vedette.issues import files as issue_files
from vedette.issues.models import EventAttachment, Group, GroupHash, UserReport
from vedette.orgs import options as org_options
from vedette.projects import options
from vedette.projects.models import Environment, ObjectStatus, Project
from vedette.wire.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    """Relate prepared values as one batch; gives the issues of its events."""

    def _take(*values, known=None):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        return relate(mark, sort_out(values), [], known or {}, FileStore(tmp_path))

    return _take


def counted(outcome, category):
    rows = OutcomeCount.objects.filter(outcome=outcome, category=category)
    total = Counter()
    for row in rows:
        total[row.reason] += row.quantity
    return total


def a_file(event, content=b"log line", kind="event.attachment"):
    made = factories.a_prepared_attachment(Project(pk=event.project_id, organization_id=1), event.event_id, content)
    return replace(made, organization_id=event.organization_id, attachment_type=kind)


def a_dump(event, content=b"MDMP"):
    return a_file(event, content, "event.minidump")


def limit(project, number):
    options.set_option(project, options.STORE_CRASH_REPORTS, number)


# ---------------------------------------------------------------- 14.19: crash reports


def test_an_issue_keeps_as_many_crash_reports_as_its_project_says(take, tmp_path):
    project = a_project()
    limit(project, 1)
    first, second = an_event(project), an_event(project)

    [group, _] = take(first, a_dump(first), second, a_dump(second, b"MDMP second"))

    assert [row.event_id for row in EventAttachment.objects.all()] == [first.event_id]
    assert counted(Outcome.FILTERED, Category.ATTACHMENT) == {"crash-report-limit": 11}
    assert Group.objects.get(pk=group).metadata["stripped_crash"] is True
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1  # what is not kept takes no space


def test_the_limit_counts_what_is_kept_from_before(take):
    project = a_project()
    limit(project, 1)
    first, second = an_event(project), an_event(project)

    take(first, a_dump(first))
    take(second, a_dump(second))

    assert EventAttachment.objects.count() == 1


def test_other_files_are_always_kept(take):
    project = a_project()
    event = an_event(project)

    take(event, a_dump(event), a_file(event))

    assert [row.type for row in EventAttachment.objects.all()] == ["event.attachment"]
    assert "stripped_crash" not in Group.objects.get().metadata  # nobody wanted them in the first place


@pytest.mark.parametrize(
    ("own", "shared", "kept"), [(None, 0, 0), (None, 1, 1), (0, 1, 0), (-1, 0, 2), (None, -1, 2)], ids=str
)
def test_the_project_s_limit_comes_before_the_organization_s(take, own, shared, kept):
    project = a_project()
    limit(project, own)
    org_options.set_option(project.organization, org_options.STORE_CRASH_REPORTS, shared)
    events = [an_event(project), an_event(project)]

    take(*events, *[a_dump(event) for event in events])

    assert EventAttachment.objects.count() == kept


# ---------------------------------------------------------------- 14.23 and 14.12: files


def test_a_file_that_comes_with_its_event_belongs_to_the_issue(take):
    event = an_event(a_project())

    [group] = take(event, a_file(event))

    assert EventAttachment.objects.get().group_id == group


def test_a_file_that_comes_before_its_event_learns_the_issue(take):
    event = an_event(a_project())

    take(a_file(event))
    [group] = take(event)

    assert EventAttachment.objects.get().group_id == group


def test_a_file_of_the_same_event_id_in_another_project_stays_there(take):
    mine = a_project()
    event, other = an_event(mine), an_event(a_project(mine.organization, "other"))
    foreign = replace(a_file(other), event_id=event.event_id)

    take(foreign)
    take(event)

    assert EventAttachment.objects.get().group_id is None


def test_files_of_a_discarded_event_are_discarded_with_it(take):
    project = a_project()
    event = an_event(project)
    GroupHash.objects.create(project=project, hash=event.hashes[0], group_tombstone_id=1)

    take(event, a_file(event, b"12345"))

    assert not EventAttachment.objects.exists()
    assert counted(Outcome.FILTERED, Category.ATTACHMENT) == {"discarded-hash": 5}


def test_files_of_a_project_that_is_gone_are_counted(take):
    project = a_project()
    event = an_event(project)
    project.status = ObjectStatus.PENDING_DELETION
    project.save()

    take(a_file(event, b"12345"))

    assert not EventAttachment.objects.exists()
    assert counted(Outcome.INVALID, Category.ATTACHMENT) == {"project_id": 5}


# ---------------------------------------------------------------- 14.20: what people say


def said(project, words, minutes=0, **more):
    return replace(a_user_report(project, "e" * 32, words), received_at=NOON + timedelta(minutes=minutes), **more)


@pytest.mark.parametrize(
    ("minutes", "overwrites", "words", "refused"),
    [
        (5, False, "second", {}),
        (6, False, "first", {"already_reported": 1}),
        (6, True, "second", {}),
        (60 * 24, True, "second", {}),
    ],
    ids=["within five minutes", "later", "the dialog later", "the dialog a day later"],
)
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_report_replaces_another_within_five_minutes(take, minutes, overwrites, words, refused, in_one_batch):
    project = a_project()
    reports = [said(project, "first"), said(project, "second", minutes, overwrites=overwrites)]

    for batch in [reports] if in_one_batch else [[one] for one in reports]:
        take(*batch)

    assert UserReport.objects.get().comments == words
    assert counted(Outcome.INVALID, Category.FEEDBACK) == refused
    assert counted(Outcome.ACCEPTED, Category.FEEDBACK) == {"": 2 - len(refused)}


def test_a_report_learns_issue_and_environment_of_an_event_that_comes_later(take):
    project = a_project()
    event = an_event(project, environment="production")

    take(a_user_report(project, event.event_id, "it broke"))
    [group] = take(event)

    report = UserReport.objects.get()
    assert report.group_id == group
    assert Environment.objects.get(pk=report.environment_id).name == "production"


def test_files_and_reports_that_come_after_their_event_learn_its_issue(accept, stream, project, events):
    digest = stream()
    event_id = "c" * 32
    accept(("event", {"message": "known already", "environment": "staging"}), event_id=event_id, at=clock.now())
    digest.digest()
    lost = "d" * 32
    for one in (event_id, lost):
        accept(("attachment", b"late"), ("user_report", {"event_id": one, "comments": "it broke"}), event_id=one)
    digest.digest()
    known_at_once = UserReport.objects.get(event_id=event_id)
    EventAttachment.objects.update(group=None, date_added=clock.now())
    UserReport.objects.update(group=None, environment_id=None, date_added=clock.now())

    assert link_late(events, clock.now()) == 2
    assert link_late(events, clock.now()) == 0

    group = Group.objects.get()
    for model in (EventAttachment, UserReport):
        assert dict(model.objects.values_list("event_id", "group_id")) == {event_id: group.pk, lost: None}
    staging = Environment.objects.get(name="staging").pk
    assert (known_at_once.group_id, known_at_once.environment_id) == (group.pk, staging)
    assert dict(UserReport.objects.values_list("event_id", "environment_id")) == {event_id: staging, lost: None}


def test_what_waits_for_longer_than_a_day_belongs_to_nothing(accept, stream, project, events):
    digest = stream()
    accept(("event", {"message": "x"}), event_id="c" * 32, at=clock.now())
    accept(("attachment", b"late"), event_id="c" * 32)
    digest.digest()
    EventAttachment.objects.update(group=None, date_added=clock.now() - timedelta(hours=25))

    assert link_late(events, clock.now()) == 0


# ---------------------------------------------------------------- what strangers send without end


def test_files_are_not_kept_while_the_disk_is_nearly_full(take, monkeypatch, tmp_path):
    monkeypatch.setattr(files_module, "LEAST_FREE_BYTES", 2**60)
    event = an_event(a_project())

    [group] = take(event, a_file(event))

    assert group is not None
    assert not EventAttachment.objects.exists()
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    assert counted(Outcome.RATE_LIMITED, Category.ATTACHMENT) == {"files_full": 8}


def test_an_event_has_so_many_files_and_no_more(take, monkeypatch):
    monkeypatch.setattr(belongings, "FILES_OF_EVENT", 3)
    event = an_event(a_project())

    take(*[a_file(event, b"%d" % number) for number in range(2)])
    take(*[a_file(event, b"%d" % number) for number in range(2, 4)])

    assert EventAttachment.objects.count() == 3
    assert counted(Outcome.INVALID, Category.ATTACHMENT) == {"too_many": 1}


def test_many_waiting_files_cost_no_statement_each(take):
    def waiting(number):
        event = an_event(project)
        take(*[a_file(event, b"%d" % one) for one in range(number)])
        with CaptureQueriesContext(connection) as asked:
            take(event)
        return len(asked)

    project = a_project()
    take(an_event(project))  # what is made once in a project's life

    assert waiting(40) == waiting(2)
    assert not EventAttachment.objects.filter(group=None).exists()


def test_a_flood_of_files_of_no_event_keeps_nobody_waiting_for_good(take, monkeypatch):
    monkeypatch.setattr(linking, "MOST_NEWEST", 1)
    monkeypatch.setattr(linking, "MOST_WAITING", 2)
    project = a_project()
    event = an_event(project)
    strays = [a_file(an_event(project)) for _ in range(9)]
    take(*strays[:4], a_file(event), *strays[4:])
    [group] = take(event)
    EventAttachment.objects.update(group=None)
    here = {(project.pk, event.event_id): EventPlace(group, "")}
    monkeypatch.setattr(
        linking.queries, "places_of_events", lambda _, keys: {key: here[key] for key in keys if key in here}
    )

    linked = [link_late(None, NOON) for _ in range(6)]

    assert sum(linked) == 1


def test_an_issue_s_deletion_looks_at_so_many_waiting_rows_only(take, monkeypatch):
    monkeypatch.setattr(issue_files, "MOST_UNLINKED", 3)
    project = a_project()
    events = [an_event(project) for _ in range(5)]
    take(*[a_file(event) for event in events])

    looked_at = {one for piece in issue_files.unlinked(EventAttachment, project.pk) for one in piece}

    assert looked_at == {event.event_id for event in events[2:]}


def test_a_batch_of_more_reports_than_a_statement_takes_values_is_kept(take, monkeypatch):
    project = a_project()
    monkeypatch.setattr(sql, "pieces", lambda values: pieces(values, 2))
    monkeypatch.setattr(belongings, "pieces", lambda values: pieces(values, 2))
    first, second = (
        [a_user_report(project, f"{number:032x}", words) for number in range(5)] for words in ("one", "two")
    )

    take(*first)
    take(*second)

    assert list(UserReport.objects.values_list("comments", flat=True)) == ["two"] * 5


def test_many_events_with_a_file_and_a_report_each_cost_no_statement_each(take):
    def batch(number):
        events = [an_event(project, f"E{number}-{one}", environment="staging") for one in range(number)]
        take(*[a_file(event) for event in events])
        with CaptureQueriesContext(connection) as asked:
            take(*events, *[a_user_report(project, event.event_id) for event in events])
        return len(asked)

    project = a_project()
    batch(1)  # what is made once in a project's life

    assert batch(40) == batch(2)
    for model in (EventAttachment, UserReport):
        assert model.objects.count() == 43
        assert not model.objects.filter(group=None).exists()
    assert set(UserReport.objects.values_list("environment_id", flat=True)) == {
        Environment.objects.get(name="staging").pk
    }


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="how SQLite plans")
def test_what_waits_is_not_looked_for_among_all_that_waits(take):
    event = an_event(a_project())
    with CaptureQueriesContext(connection) as asked:
        take(event)
    looks = [one["sql"] for one in asked if one["sql"].startswith("SELECT") and "CROSS JOIN" in one["sql"]]
    plans = [sql.run(f"EXPLAIN QUERY PLAN {look}", ())[-1][3] for look in looks if "issues_eventattachment" in look]

    assert plans == ["SEARCH t USING INDEX issues_attachment_by_event (project_id=? AND event_id=?)"]


# ---------------------------------------------------------------- what is sent twice


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_an_envelope_that_is_sent_twice_leaves_its_files_once(take, tmp_path, in_one_batch):
    event = an_event(a_project())
    files = [a_file(event, b"first"), replace(a_file(event, b"second!"), name="b.txt")]

    for batch in [[event, *files, event, *files]] if in_one_batch else [[event, *files]] * 2:
        take(*batch)

    assert sorted(row.size for row in EventAttachment.objects.all()) == [5, 7]
    assert counted(Outcome.ACCEPTED, Category.ATTACHMENT) == {"": 12}
    assert counted(Outcome.INVALID, Category.ATTACHMENT) == {"duplicate": 12}


def test_a_file_that_differs_in_anything_or_belongs_elsewhere_is_another(take):
    project = a_project()
    event, other = an_event(project), an_event(project)
    same = a_file(event)
    elsewhere = an_event(a_project(project.organization, "other"), event_id=event.event_id)

    take(
        same,
        replace(same, name="other.txt"),
        replace(same, attachment_type="event.view_hierarchy"),
        replace(same, content=b"LOG LINE"),
        a_file(other),
        a_file(elsewhere),
    )

    assert EventAttachment.objects.count() == 6


def test_names_that_are_cut_to_fit_are_the_same_the_second_time(take):
    event = an_event(a_project())
    long = replace(a_file(event), name="n\0" * 300, attachment_type="t\0" * 60)

    take(long)
    take(long)

    assert EventAttachment.objects.count() == 1


def test_a_crash_report_that_is_sent_twice_takes_one_place(take):
    project = a_project()
    limit(project, 1)
    event = an_event(project)

    take(event, a_dump(event))
    [group] = take(event, a_dump(event))

    assert EventAttachment.objects.count() == 1
    assert counted(Outcome.INVALID, Category.ATTACHMENT) == {"duplicate": 4}
    assert "stripped_crash" not in Group.objects.get(pk=group).metadata


def test_an_event_with_all_files_it_may_have_calls_another_copy_a_copy(take, monkeypatch):
    monkeypatch.setattr(belongings, "FILES_OF_EVENT", 1)
    event = an_event(a_project())

    take(a_file(event))
    take(a_file(event), a_file(event, b"more"))

    assert counted(Outcome.INVALID, Category.ATTACHMENT) == {"duplicate": 8, "too_many": 4}


def test_a_file_without_its_event_that_is_sent_twice_is_kept_once_and_linked(take):
    event = an_event(a_project())

    take(a_file(event))
    take(a_file(event))
    [group] = take(event)

    assert [row.group_id for row in EventAttachment.objects.all()] == [group]


@pytest.mark.parametrize("place", ["before its rows are there", "after its rows are there"])
def test_a_batch_that_is_replayed_leaves_files_and_reports_once(accept, stream, project, monkeypatch, place):
    event_id = "c" * 32
    accept(
        ("event", {"message": "x"}),
        ("attachment", b"12345"),
        ("user_report", {"event_id": event_id, "comments": "it broke"}),
        event_id=event_id,
    )
    owner, name = (stream_module, "store") if place.startswith("after") else (DigestBatch, "save")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            stream().digest()
    assert EventAttachment.objects.exists() == place.startswith("after")

    stream().digest()

    assert not DigestBatch.objects.exists()
    assert EventAttachment.objects.get().group_id == UserReport.objects.get().group_id == Group.objects.get().pk
    assert counted(Outcome.ACCEPTED, Category.ATTACHMENT) == {"": 5}
    assert counted(Outcome.ACCEPTED, Category.FEEDBACK) == {"": 1}


# ---------------------------------------------------------------- what comes late, without end


@pytest.fixture
def places(monkeypatch):
    """Where events are, as the event store would say."""
    here: dict[tuple[int, str], EventPlace] = {}
    monkeypatch.setattr(
        linking.queries, "places_of_events", lambda _, keys: {key: here[key] for key in keys if key in here}
    )
    return here


def test_late_rows_of_many_issues_cost_no_statement_each(take, places):
    def late(number):
        events = [an_event(project, f"E{number}-{one}", environment="staging") for one in range(number)]
        groups = take(*events)
        take(*[a_file(event) for event in events], *[a_user_report(project, event.event_id) for event in events])
        for event, group in zip(events, groups, strict=True):
            places[event.project_id, event.event_id] = EventPlace(group, "staging")
        with CaptureQueriesContext(connection) as asked:
            assert link_late(None, NOON) == 2 * number
        return len(asked)

    project = a_project()

    assert late(30) == late(2)
    assert not EventAttachment.objects.filter(group=None).exists()
    assert not UserReport.objects.filter(environment_id=None).exists()


def test_more_issues_than_one_transaction_locks_are_linked(take, places, monkeypatch):
    monkeypatch.setattr(linking, "ISSUES_AT_ONCE", 2)
    project = a_project()
    events = [an_event(project, f"E{number}") for number in range(5)]
    groups = take(*events)
    take(*[a_file(event) for event in events])
    for event, group in zip(events, groups, strict=True):
        places[event.project_id, event.event_id] = EventPlace(group, "")
    Group.objects.get(pk=groups[3]).delete()

    assert link_late(None, NOON) == 4
    assert dict(EventAttachment.objects.values_list("event_id", "group_id")) == {
        event.event_id: group if group != groups[3] else None for event, group in zip(events, groups, strict=True)
    }


def test_rows_that_are_too_old_are_passed_once(take, places, monkeypatch):
    monkeypatch.setattr(linking, "OUT_OF_ORDER", 0)
    monkeypatch.setattr(linking, "_begin", {})
    project = a_project()
    take(*[a_file(an_event(project)) for _ in range(5)])
    old = EventAttachment.objects.order_by("pk").last()
    EventAttachment.objects.update(date_added=NOON - timedelta(days=2))

    assert link_late(None, NOON) == 0
    assert linking._begin[EventAttachment] == old.pk

    event = an_event(project)
    [group] = take(event)
    take(a_file(event))
    places[event.project_id, event.event_id] = EventPlace(group, "")
    assert link_late(None, NOON) == 1
    assert linking._begin[EventAttachment] == EventAttachment.objects.get(group=group).pk


def test_a_row_with_an_earlier_number_that_is_committed_later_is_not_passed_over(take, places, monkeypatch):
    monkeypatch.setattr(linking, "_begin", {})
    project = a_project()
    event = an_event(project)
    [group] = take(event)
    take(a_file(event))
    slow = EventAttachment.objects.get()
    EventAttachment.objects.all().delete()  # another node has not committed it yet
    take(a_file(an_event(project)))
    assert link_late(None, NOON) == 0
    slow.save(force_insert=True)
    places[event.project_id, event.event_id] = EventPlace(group, "")

    assert link_late(None, NOON) == 1
